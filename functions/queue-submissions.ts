import type { InvocationContext, StorageQueueHandler } from '@azure/functions';
import { codeOfError } from '../shared/domain/failure-code.ts';
import { isMessageId } from '../shared/domain/message-id.ts';
import type { Log } from '../shared/domain/ports.ts';
import type { Place } from '../shared/domain/queue-ports.ts';
import { errorText } from '../shared/domain/redact.ts';
import type { TrafficSign } from '../shared/domain/watch-ports.ts';
import { deliverMail } from '../shared/usecases/deliver-mail.ts';
import { contextLog } from './context-log.ts';
import type { Runtime, RuntimeSource } from './runtime.ts';
import { settingsInvalid } from './settings-invalid.ts';

/** A wake-up from `mail-submissions` or `mail-submissions-high` → one look at the message it names. */
export function queueSubmissions(runtimeOf: RuntimeSource): StorageQueueHandler {
  return async (entry: unknown, context: InvocationContext) => {
    const log = contextLog(context);
    const runtime = runtimeOf(log);
    // Thrown, so that the wake-up stays: the message itself is safe in its table whatever becomes of it.
    if (!runtime) throw settingsInvalid();
    const { messageId, generation, place } = wakeUpOf(entry);
    if (!isMessageId(messageId)) throw new Error('The queue message names no message: expected {"messageId": "…"}.');
    const signs: TrafficSign[] = [];
    const onTraffic = (sign: TrafficSign) => void signs.push(sign);
    const deps = { ...runtime.deliver, transport: await runtime.transport(), onTraffic };
    const wakeUp = {
      messageId,
      ...(typeof generation === 'number' ? { generation } : {}),
      ...(isPlace(place) ? { place } : {}),
    };
    try {
      await deliverMail(deps, wakeUp, log);
    } finally {
      // After the delivery, when its connection is free for the next: telling people may take seconds.
      if (signs.length > 0) await tell(runtime, signs, log);
    }
  };
}

/** Never throws: what became of the delivery is what the queue has to hear. */
async function tell({ watch }: Pick<Runtime, 'watch'>, signs: readonly TrafficSign[], log: Log): Promise<void> {
  try {
    const { noteTraffic } = await watch();
    for (const sign of signs) await noteTraffic(sign, log);
  } catch (error) {
    log('error', { event: 'watch.failed', phase: 'traffic', code: codeOfError(error), detail: errorText(error) });
  }
}

function wakeUpOf(entry: unknown): {
  readonly messageId?: unknown;
  readonly generation?: unknown;
  readonly place?: unknown;
} {
  return typeof entry === 'object' && entry !== null ? entry : {};
}

function isPlace(value: unknown): value is Place {
  const place = value as Partial<Place> | null | undefined;
  return typeof place?.mailbox === 'string' && typeof place.atMs === 'number';
}
