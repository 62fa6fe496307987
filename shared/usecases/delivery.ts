import type { ContentStore } from '../domain/content-ports.ts';
import { diagnose } from '../domain/diagnosis/diagnose.ts';
import type { FailureFacts } from '../domain/diagnosis/diagnosis.ts';
import type { MailSettings } from '../domain/mail-settings.ts';
import type { MessageStore, StoredWithContent } from '../domain/message-ports.ts';
import { type MessageRecord, openRecipients } from '../domain/message-record.ts';
import type { Answer } from '../domain/pacing.ts';
import type { Clock, Log } from '../domain/ports.ts';
import type { Place, WakeQueue, WakeUp } from '../domain/queue-ports.ts';
import { wakeDelayMs } from '../domain/schedule.ts';
import type { Sender } from '../domain/sender.ts';
import { settleFailure, settleOverdue } from '../domain/settle.ts';
import type { MailConnection, MailTransport, SubmitResult } from '../domain/transport-ports.ts';
import type { TrafficSign } from '../domain/watch-ports.ts';
import type { MailboxPacer } from './mailbox-pacer.ts';
import { type EventSink, recordOutcome } from './record-outcome.ts';
import { settleContext, submitClaimed } from './submit-claimed.ts';

export interface DeliverDeps {
  readonly settings: MailSettings;
  readonly store: MessageStore;
  readonly contents: ContentStore;
  readonly wakeUps: WakeQueue;
  readonly transport: MailTransport;
  readonly clock: Clock;
  readonly events?: EventSink;
  /** Turns, quota and breaker of the mailboxes; without it messages go as they come. */
  readonly pacer?: MailboxPacer;
  /** Called when a mailbox may send again, so that its backlog need not wait for the next sweep. */
  readonly onBreakerClosed?: (mailbox: string, log: Log) => Promise<void>;
  /** Told what a mail showed of its mailbox. Must not throw; told while a connection is held, so work is for later. */
  readonly onTraffic?: (sign: TrafficSign) => void;
}

/** What one wake-up came to, for tests and benches. */
export type Delivery = 'nothing' | 'later' | 'settled';

/** A message whose time has come, with the mailbox it is to go through as its record's `mailbox`. */
export interface Due {
  readonly stored: StoredWithContent;
  readonly sender: Sender;
  readonly wakeUp: WakeUp;
  /** The sender has other mailboxes that have not been tried, and the message is bound to none. */
  readonly mayGoElsewhere?: boolean;
}

/**
 * Submits over a connection and gives it back. A message that has run out of time while it waited ends here instead.
 *
 * @param onDot called when the message is about to be final; must not throw
 */
export async function submitOver(
  deps: DeliverDeps,
  { stored }: Due,
  connection: MailConnection,
  log: Log,
  onDot: () => void = () => undefined,
): Promise<Delivery> {
  try {
    const overdue = settleOverdue(stored.record, settleContext(deps));
    if (overdue) {
      await recordOutcome(deps, overdue, change => deps.store.write(overdue, stored.etag, change), log);
      return 'settled';
    }
    const attempt = await submitClaimed(deps, stored, connection, log, onDot);
    if (attempt === 'lost') return 'nothing';
    const { result } = attempt;
    const { mailbox } = stored.record;
    await returnUnused(deps, stored.record, result);
    if (result.kind === 'failed') {
      if (!result.inDoubt) await noteFailure(deps, stored.record, result.facts, log);
    } else {
      deps.onTraffic?.({ mailbox, ok: true });
      if (await deps.pacer?.noteSuccess(stored.record, log)) await deps.onBreakerClosed?.(mailbox, log);
    }
    return 'settled';
  } finally {
    connection.release();
  }
}

/** Only recipients that Exchange has taken, or may have, count against its day. */
async function returnUnused(deps: DeliverDeps, record: MessageRecord, result: SubmitResult): Promise<void> {
  if (!deps.pacer || record.simulated || (result.kind === 'failed' && result.inDoubt)) return;
  const unused = result.kind === 'failed' ? openRecipients(record).length : result.refused.length;
  // Best effort: a count that is too high holds mail back for a day at worst, and the outcome is recorded already.
  if (unused > 0) await deps.pacer.giveRecipientsBack(record.mailbox, unused).catch(() => undefined);
}

/** What a failure says about the mailbox: some open its breaker, one kind holds its From back. */
export async function noteFailure(
  deps: DeliverDeps,
  { mailbox, from }: Pick<MessageRecord, 'mailbox' | 'from'>,
  facts: FailureFacts,
  log: Log,
): Promise<void> {
  const { entry } = diagnose(facts);
  if (entry.code === SEND_AS_DENIED) await deps.pacer?.noteRefusedFrom(mailbox, from, log);
  if (entry.breaker === 'none') return;
  deps.onTraffic?.({ mailbox, ok: false, code: entry.code });
  await deps.pacer?.noteFailure(mailbox, entry, log, facts.stage);
}

/** A failure before anything was submitted: no claim was taken, the ETag alone guards the write. */
export async function failBefore(
  deps: DeliverDeps,
  { record, etag }: StoredWithContent,
  facts: FailureFacts,
  log: Log,
): Promise<Delivery> {
  const attempted: MessageRecord = { ...record, attempts: record.attempts + 1 };
  const settled = settleFailure(attempted, facts, { ...settleContext(deps), parksOnBreaker: deps.pacer !== undefined });
  await recordOutcome(deps, settled, change => deps.store.write(settled, etag, change), log);
  return 'settled';
}

/** The one refusal that says something of a From address, and of no other message. */
const SEND_AS_DENIED = 'smtp_send_as_denied';
const WAITING_CODES = { quota: 'mailbox_quota_reached', shut: 'breaker_open', held: SEND_AS_DENIED } as const;

/** Parked for `sweep`; waiting costs no attempt. */
export async function waitFor(
  deps: DeliverDeps,
  due: Due,
  answer: Extract<Answer, { kind: 'park' | 'shut' | 'quota' | 'held' }>,
  log: Log,
): Promise<Delivery> {
  const { record, etag } = due.stored;
  const endsAtMs = Math.min(record.deadlineAtMs, record.expiresAtMs ?? Number.POSITIVE_INFINITY);
  const isTold = answer.kind === 'quota' || answer.kind === 'held';
  const parked = isTold ? { ...record, dueAtMs: Math.min(answer.untilMs, endsAtMs) } : record;
  await deps.store.write(parked, etag, { kind: 'put', isWaiting: true });
  if (answer.kind !== 'park') {
    const code = WAITING_CODES[answer.kind];
    log('info', {
      event: 'message.waiting',
      messageId: record.id,
      traceId: record.traceId,
      mailbox: record.mailbox,
      code,
      state: record.status,
    });
  }
  return 'later';
}

/** Another wake-up in the place of this one, a second before `atMs`. */
export async function putBack(
  deps: Pick<DeliverDeps, 'wakeUps' | 'clock'>,
  { messageId, generation }: WakeUp,
  record: MessageRecord,
  atMs: number,
  place?: Place,
): Promise<Delivery> {
  const next = { messageId, generation: generation ?? record.generation, ...(place ? { place } : {}) };
  await deps.wakeUps.put(next, record.priority, wakeDelayMs(atMs, deps.clock.now()));
  return 'later';
}
