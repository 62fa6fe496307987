import type { MessageRecord } from '../domain/message-record.ts';
import type { Log } from '../domain/ports.ts';
import type { Place, WakeQueue } from '../domain/queue-ports.ts';
import { redact } from '../domain/redact.ts';

/**
 * Puts the wake-up of a message whose open row says that it has one. The message is durable by now: a wake-up that
 * cannot be put is `sweep`'s to make good, not the caller's.
 */
export async function wakeMessage(
  deps: { readonly wakeUps: WakeQueue },
  record: MessageRecord,
  delayMs: number,
  place: Place | undefined,
  log: Log,
): Promise<void> {
  try {
    const wakeUp = { messageId: record.id, generation: record.generation, ...(place ? { place } : {}) };
    await deps.wakeUps.put(wakeUp, record.priority, delayMs);
  } catch (error) {
    log('warn', {
      event: 'wakeup.failed',
      messageId: record.id,
      traceId: record.traceId,
      detail: redact(error instanceof Error ? error.message : String(error), 300),
    });
  }
}
