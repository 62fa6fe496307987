import type { ContentStore } from '../domain/content-ports.ts';
import { ServiceFailure } from '../domain/failure.ts';
import type { OpenRowChange, WriteResult } from '../domain/message-ports.ts';
import { isFinal, type MessageRecord } from '../domain/message-record.ts';
import type { Clock, Log } from '../domain/ports.ts';
import type { WakeQueue } from '../domain/queue-ports.ts';
import { redact } from '../domain/redact.ts';
import { PARK_BEYOND_MS, wakeDelayMs } from '../domain/schedule.ts';
import type { TrafficSign } from '../domain/watch-ports.ts';

/** Tells the outside what became of a message. Absent where nobody has asked to be told. */
export interface EventSink {
  emit(record: MessageRecord, log: Log): Promise<void>;
}

export interface OutcomeDeps {
  readonly events?: EventSink;
  /** Told of a message that ended in doubt. */
  readonly onTraffic?: (sign: TrafficSign) => void;
  readonly contents: ContentStore;
  readonly wakeUps: WakeQueue;
  readonly clock: Clock;
}

/**
 * Waits between tries to record an outcome, in ms; together less than a claim lives. An outcome that is not recorded
 * leaves the message in doubt, so this is worth more patience than anything else.
 */
const PATIENCE_MS = [200, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 25_000, 30_000];

/** Writes what became of a message, and does what follows: the next wake-up, or the end of its content. */
export async function recordOutcome(
  deps: OutcomeDeps,
  record: MessageRecord,
  write: (change: OpenRowChange) => Promise<WriteResult>,
  log: Log,
  ms?: number,
): Promise<void> {
  const nowMs = deps.clock.now();
  const { traceId } = record;
  const final = isFinal(record.status);
  const isParked = record.dueAtMs - nowMs > PARK_BEYOND_MS || record.waitsForMailbox === true;
  const delayMs = wakeDelayMs(record.dueAtMs, nowMs);
  const change: OpenRowChange = final
    ? { kind: 'remove' }
    : isParked
      ? { kind: 'put' }
      : { kind: 'put', wakeAtMs: nowMs + delayMs };
  const written = await patiently(deps.clock, () => write(change));
  if (!written.ok) {
    log('warn', {
      event: 'claim.lost',
      messageId: record.id,
      traceId,
      mailbox: record.mailbox,
      state: record.status,
      detail: 'the outcome was not recorded: another instance has written the record',
    });
    return;
  }
  log(record.status === 'sent' || record.status === 'cancelled' ? 'info' : 'warn', {
    event: `message.${record.status}`,
    messageId: record.id,
    traceId,
    mailbox: record.mailbox,
    state: record.status,
    attempt: record.attempts,
    ...(record.status !== 'sent' && record.code !== undefined ? { code: record.code } : {}),
    ...(ms === undefined ? {} : { ms }),
    ...(record.reply === undefined ? {} : { detail: redact(record.reply, 300) }),
  });
  if (record.status === 'unknown')
    deps.onTraffic?.({ mailbox: record.mailbox, ok: false, code: record.code ?? 'unknown_outcome' });
  await deps.events?.emit(record, log);
  if (final && record.content.deleteAfterMs === undefined) await dropBlob(deps, record, log);
  if (!final && !isParked)
    await deps.wakeUps.put({ messageId: record.id, generation: record.generation }, record.priority, delayMs);
}

/** The message's end is recorded; a blob that stays behind is litter and found again by housekeeping. */
async function dropBlob(deps: OutcomeDeps, record: MessageRecord, log: Log): Promise<void> {
  if (record.content.kind !== 'blob') return;
  try {
    await deps.contents.delete(record.id);
  } catch (error) {
    log('warn', {
      event: 'content.kept',
      messageId: record.id,
      detail: redact(error instanceof Error ? error.message : String(error), 300),
    });
  }
}

async function patiently(clock: Clock, write: () => Promise<WriteResult>): Promise<WriteResult> {
  for (const waitMs of PATIENCE_MS) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof ServiceFailure)) throw error;
      await clock.sleep(waitMs);
    }
  }
  return write();
}
