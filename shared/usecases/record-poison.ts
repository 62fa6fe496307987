import type { ContentStore } from '../domain/content-ports.ts';
import { isMessageId, newMessageId } from '../domain/message-id.ts';
import type { MessageStore } from '../domain/message-ports.ts';
import { isFinal } from '../domain/message-record.ts';
import type { Clock, Log } from '../domain/ports.ts';
import type { PoisonMessage, WakeQueue } from '../domain/queue-ports.ts';
import { refusedRecord, requestDigestRow } from '../domain/refused-request.ts';

export interface PoisonDeps {
  readonly store: MessageStore;
  readonly contents: ContentStore;
  readonly wakeUps: WakeQueue;
  readonly clock: Clock;
}

/**
 * Turns one message of a poison queue into something a person finds: a wake-up for a message that is not final is
 * released again; anything else becomes a failed record with its raw text in the container mail-poison. The copy on
 * the queue is deleted last, so a crash in between repeats the work and loses nothing. True when a new record was made.
 */
export async function recordPoison(deps: PoisonDeps, message: PoisonMessage, log: Log): Promise<boolean> {
  const messageId = wakeUpOf(message.text);
  const stored = messageId === undefined ? undefined : await deps.store.peek(messageId);
  if (stored) {
    if (!isFinal(stored.record.status)) {
      await deps.wakeUps.put(
        { messageId: stored.record.id, generation: stored.record.generation },
        stored.record.priority,
        0,
      );
      log('warn', {
        event: 'poison.released',
        messageId: stored.record.id,
        mailbox: stored.record.mailbox,
        detail: message.queue,
      });
    }
    await message.done();
    return false;
  }
  const row = requestDigestRow(message.text);
  const known = await deps.store.findKey(row);
  const id = known?.messageId ?? newMessageId(deps.clock.now(), deps.clock.randomBytes(10));
  if (!known) {
    const detail = `given up by the host after repeated failures on ${message.queue}`;
    const why = { code: 'poison_message', caller: 'queue', traceId: '', row, errors: [{ pointer: '', detail }] };
    await deps.store.insert(refusedRecord(id, deps.clock.now(), why), undefined, {
      idempotency: { row, fingerprint: row },
    });
  }
  await deps.contents.putPoison(`${id}.txt`, message.text);
  await message.done();
  if (!known)
    log('error', {
      event: 'poison.recorded',
      messageId: id,
      code: 'poison_message',
      state: 'failed',
      detail: message.queue,
    });
  return !known;
}

function wakeUpOf(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const id = typeof value === 'object' && value !== null ? (value as { messageId?: unknown }).messageId : undefined;
    return isMessageId(id) ? id : undefined;
  } catch {
    return undefined;
  }
}
