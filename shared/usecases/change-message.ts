import type { Caller } from '../domain/accept-input.ts';
import type { ContentStore } from '../domain/content-ports.ts';
import type { MailSettings } from '../domain/mail-settings.ts';
import { isMessageId } from '../domain/message-id.ts';
import type { MessageStore } from '../domain/message-ports.ts';
import { type MessageRecord, mayHaveArrived, withEvent } from '../domain/message-record.ts';
import type { Clock, Log } from '../domain/ports.ts';
import { accepted, type Outcome, problem, refused } from '../domain/problem.ts';
import type { WakeQueue } from '../domain/queue-ports.ts';
import { end } from '../domain/settle.ts';
import { type EventSink, recordOutcome } from './record-outcome.ts';
import { wakeMessage } from './wake-message.ts';

export interface ChangeDeps {
  readonly events?: EventSink;
  readonly settings: MailSettings;
  readonly store: MessageStore;
  readonly contents: ContentStore;
  readonly wakeUps: WakeQueue;
  readonly clock: Clock;
}

/** A write that lost its race is tried again on what the record says now. */
const TRIES = 5;
const CHANGING = { retryable: true, retryAfterSeconds: 1 } as const;

/** The record, if it exists and the caller may see it. Both cases of "no" look the same from outside. */
export async function findMessage(
  deps: Pick<ChangeDeps, 'store'>,
  caller: Caller,
  id: string,
): Promise<Outcome<{ readonly record: MessageRecord; readonly etag: string }>> {
  const stored = isMessageId(id) ? await deps.store.peek(id) : undefined;
  if (!stored || (!caller.isOperator && stored.record.caller !== caller.id)) {
    return refused(problem('message_not_found', 'There is no message of this id.'));
  }
  return accepted(stored);
}

/** Cancels what has not been submitted: `queued` and `deferred`. Anything else is refused with `not_cancellable`. */
export async function cancelMessage(
  deps: ChangeDeps,
  caller: Caller,
  id: string,
  log: Log,
): Promise<Outcome<MessageRecord>> {
  for (let tries = 0; tries < TRIES; tries++) {
    const found = await findMessage(deps, caller, id);
    if (!found.ok) return found;
    const { record, etag } = found.value;
    if (record.status === 'cancelled') return accepted(record);
    const isTouched = mayHaveArrived(record) || record.recipients.some(recipient => recipient.outcome === 'accepted');
    if ((record.status !== 'queued' && record.status !== 'deferred') || isTouched) {
      return refused(
        problem(
          'not_cancellable',
          `The message is ${record.status}${isTouched ? ' and may have reached some of its recipients' : ''}; only a message that has not been submitted can be cancelled.`,
        ),
      );
    }
    const cancelled = end(
      record,
      'cancelled',
      {},
      { nowMs: deps.clock.now(), random: 0, retention: deps.settings.retention },
    );
    let conflict = false;
    await recordOutcome(
      deps,
      cancelled,
      async change => {
        const written = await deps.store.write(cancelled, etag, change);
        conflict = !written.ok;
        return written;
      },
      conflictless(log),
    );
    if (!conflict) return accepted(cancelled);
  }
  return refused(problem('not_cancellable', 'The message is being changed at this moment; try again.', CHANGING));
}

/**
 * Puts a failed or unknown message back, to the recipients without a 250, with a new deadline. `content_gone` when its
 * content has been deleted, `not_retryable` in any other state and when its `expiresAt` has passed: that is the caller's
 * word, and holds for every attempt.
 */
export async function retryMessage(
  deps: ChangeDeps,
  caller: Caller,
  id: string,
  log: Log,
): Promise<Outcome<MessageRecord>> {
  for (let tries = 0; tries < TRIES; tries++) {
    const found = await findMessage(deps, caller, id);
    if (!found.ok) return found;
    const { record, etag } = found.value;
    const nowMs = deps.clock.now();
    if (hasExpired(record, nowMs)) {
      const expiresAt = new Date(record.expiresAtMs ?? nowMs).toISOString();
      return refused(
        problem(
          'not_retryable',
          `The expiresAt of the message, ${expiresAt}, has passed, and after it a message is never sent. If it is still wanted, send it anew: POST /api/messages with a later expiresAt or none, and a new Idempotency-Key.`,
        ),
      );
    }
    if (record.status !== 'failed' && record.status !== 'unknown') {
      return refused(
        problem('not_retryable', `The message is ${record.status}; only a failed or unknown one can be tried again.`),
      );
    }
    if (record.content.isDeleted || record.recipients.length === 0) {
      return refused(problem('content_gone', 'The content of the message is no longer kept; send it anew.'));
    }
    const again = putBack(record, nowMs, deps.settings.deadlineMs);
    const written = await deps.store.write(again, etag, { kind: 'put', wakeAtMs: nowMs });
    if (!written.ok) continue;
    await wakeMessage(deps, again, 0, undefined, log);
    log('info', {
      event: 'message.retried',
      messageId: id,
      traceId: again.traceId,
      mailbox: again.mailbox,
      state: 'queued',
    });
    return accepted(again);
  }
  return refused(problem('not_retryable', 'The message is being changed at this moment; try again.', CHANGING));
}

/** Whether the message could be tried again but for its `expiresAt`. */
function hasExpired({ status, expiresAtMs }: MessageRecord, nowMs: number): boolean {
  if (status === 'expired') return true;
  return (status === 'failed' || status === 'unknown') && expiresAtMs !== undefined && expiresAtMs <= nowMs;
}

function putBack(record: MessageRecord, nowMs: number, deadlineMs: number): MessageRecord {
  const { finalAtMs: _finalAt, code: _code, attemptsOfCode: _attempts, ...rest } = record;
  const { deleteAfterMs: _deleteAfter, ...content } = record.content;
  return {
    ...rest,
    status: 'queued',
    updatedAtMs: nowMs,
    dueAtMs: nowMs,
    deadlineAtMs: nowMs + deadlineMs,
    resends: 0,
    generation: record.generation + 1,
    content,
    recipients: record.recipients.map(recipient =>
      recipient.outcome === 'accepted' ? recipient : { address: recipient.address, outcome: 'pending' },
    ),
    events: withEvent(record.events, { atMs: nowMs, status: 'queued', note: 'put back on request' }),
  };
}

/** A lost race is handled by the caller of this log; only what did happen is worth a line. */
function conflictless(log: Log): Log {
  return (level, fields) => {
    if (fields.event !== 'claim.lost') log(level, fields);
  };
}
