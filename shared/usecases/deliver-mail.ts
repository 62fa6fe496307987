import { diagnose } from '../domain/diagnosis/diagnose.ts';
import type { CatalogueEntry, FailureFacts } from '../domain/diagnosis/diagnosis.ts';
import type { MailSettings } from '../domain/mail-settings.ts';
import { isFinal, type MessageRecord } from '../domain/message-record.ts';
import type { Answer } from '../domain/pacing.ts';
import type {
  Clock,
  ContentStore,
  Log,
  MailConnection,
  MailTransport,
  MessageStore,
  StoredWithContent,
  WakeQueue,
  WakeUp,
} from '../domain/ports.ts';
import { PARK_BEYOND_MS, WAIT_WITHIN_MS, wakeDelayMs } from '../domain/schedule.ts';
import { type Sender, senderOfMailbox } from '../domain/sender.ts';
import { settleFailure, settleLapsedClaim, settleOverdue } from '../domain/settle.ts';
import type { TrafficSign } from '../domain/watch-ports.ts';
import type { MailboxPacer } from './mailbox-pacer.ts';
import { type EventSink, recordOutcome } from './record-outcome.ts';
import { type Attempt, settleContext, submitClaimed } from './submit-claimed.ts';

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

/** A turn that is this far gone is no turn any more: what is spread over a minute must stay spread. */
const LATE_MS = 700;
/** A wake-up for which there is no connection is brought again after this. */
const BUSY_DELAY_MS = 2_000;

/**
 * Answers one wake-up: looks at the record, waits for a connection and a turn, claims the message, submits it, records
 * what came of it.
 *
 * The claim in the table guards the send, never the queue's own lock: the host may run a wake-up twice, late, or while
 * another instance is at it. Returns when the wake-up has done its work; throws ServiceFailure when storage is away, so
 * that the host brings the wake-up again.
 */
export async function deliverMail(deps: DeliverDeps, wakeUp: WakeUp, log: Log): Promise<Delivery> {
  const stored = await whenDue(deps, wakeUp);
  if (typeof stored === 'string') return stored;
  const { record } = stored;
  const context = settleContext(deps);
  const ended =
    (record.status === 'sending' && record.claim?.phase === 'final' ? settleLapsedClaim(record, context) : undefined) ??
    settleOverdue(record, context);
  if (ended) {
    await recordOutcome(deps, ended, change => deps.store.write(ended, stored.etag, change), log);
    return 'settled';
  }
  const sender = senderOfMailbox(deps.settings.senders, record.mailbox);
  if (!sender) return failBefore(deps, stored, NO_SENDER, log);
  return deliverPaced(deps, { stored, sender, wakeUp }, log);
}

const NO_SENDER: FailureFacts = {
  stage: 'settings',
  errorCode: 'settings_invalid',
  text: 'the settings no longer have a sender for this mailbox',
};

interface Due {
  readonly stored: StoredWithContent;
  readonly sender: Sender;
  readonly wakeUp: WakeUp;
}

/** The record once its time has come; a word where there is nothing to do, or not yet. */
async function whenDue(deps: DeliverDeps, wakeUp: WakeUp): Promise<StoredWithContent | Delivery> {
  const stored = await deps.store.read(wakeUp.messageId);
  if (!stored || !isCurrent(stored.record, wakeUp, deps.clock.now())) return 'nothing';
  const waitMs = stored.record.dueAtMs - deps.clock.now();
  if (waitMs > PARK_BEYOND_MS) return 'later';
  if (waitMs > WAIT_WITHIN_MS) return putBack(deps, wakeUp, stored.record, stored.record.dueAtMs);
  if (waitMs <= 0) return stored;
  await deps.clock.sleep(waitMs);
  const again = await deps.store.read(wakeUp.messageId);
  return again && isCurrent(again.record, wakeUp, deps.clock.now()) ? again : 'nothing';
}

/** Not final, not claimed by someone alive, and not a copy of an earlier release. */
function isCurrent(record: MessageRecord, wakeUp: WakeUp, nowMs: number): boolean {
  if (isFinal(record.status)) return false;
  if (wakeUp.generation !== undefined && wakeUp.generation < record.generation) return false;
  return !(record.claim && record.claim.untilMs > nowMs);
}

/**
 * Connection first, then the turn: a turn that waits for a connection is lost to the mailbox. With the breaker not
 * closed it is the other way round, since then a turn is a permission to try at all.
 */
async function deliverPaced(deps: DeliverDeps, due: Due, log: Log): Promise<Delivery> {
  const { record } = due.stored;
  const paced = { mailbox: record.mailbox, limits: due.sender.limits };
  const ask = { isHigh: record.priority === 'high', recipients: waitingRecipients(record) };
  const nextTurn = () =>
    deps.pacer?.ask(paced, ask) ?? Promise.resolve<Answer>({ kind: 'turn', atMs: 0, isTrial: false });
  let answer: Answer | undefined;
  if ((await deps.pacer?.breakerOf(record.mailbox))?.state !== 'closed' && deps.pacer) {
    answer = await nextTurn();
    if (answer.kind !== 'turn') return waitFor(deps, due, answer, log);
  }
  const connected = await deps.transport.connect(due.sender, record.mailbox, record.id, log);
  if (connected.kind === 'busy') {
    await deps.pacer?.wantSlot(record.mailbox);
    return putBack(deps, due.wakeUp, record, deps.clock.now() + BUSY_DELAY_MS);
  }
  if (connected.kind === 'failed') return failBefore(deps, due.stored, connected.facts, log);
  const { connection } = connected;
  try {
    for (;;) {
      answer ??= await nextTurn();
      if (answer.kind === 'later' && answer.atMs - deps.clock.now() <= WAIT_WITHIN_MS) {
        await deps.clock.sleep(answer.atMs - deps.clock.now());
      } else if (answer.kind !== 'turn') {
        return await waitFor(deps, due, answer, log);
      } else {
        const waitMs = answer.atMs - deps.clock.now();
        if (waitMs > 0) await deps.clock.sleep(waitMs);
        if (answer.isTrial || answer.atMs === 0 || deps.clock.now() - answer.atMs <= LATE_MS) break;
      }
      answer = undefined;
    }
    const overdue = settleOverdue(record, settleContext(deps));
    if (overdue) {
      await recordOutcome(deps, overdue, change => deps.store.write(overdue, due.stored.etag, change), log);
      return 'settled';
    }
    return await submitAndNote(deps, due, connection, log);
  } finally {
    connection.release();
  }
}

async function submitAndNote(deps: DeliverDeps, due: Due, connection: MailConnection, log: Log): Promise<Delivery> {
  const attempt = await submitClaimed(deps, due.stored, connection, log);
  if (attempt === 'lost') return 'nothing';
  await noteAttempt(deps, due.stored.record.mailbox, attempt, log);
  return 'settled';
}

/** What the attempt says about the mailbox: a 250 closes its breaker, some failures open it. */
async function noteAttempt(deps: DeliverDeps, mailbox: string, { result }: Attempt, log: Log): Promise<void> {
  if (result.kind === 'failed') {
    if (!result.inDoubt) await noteFailure(deps, mailbox, diagnose(result.facts).entry, log);
    return;
  }
  deps.onTraffic?.({ mailbox, ok: true });
  if (await deps.pacer?.noteSuccess(mailbox, log)) await deps.onBreakerClosed?.(mailbox, log);
}

async function noteFailure(deps: DeliverDeps, mailbox: string, entry: CatalogueEntry, log: Log): Promise<void> {
  if (entry.breaker === 'none') return;
  deps.onTraffic?.({ mailbox, ok: false, code: entry.code });
  await deps.pacer?.noteFailure(mailbox, entry, log);
}

/** A failure before anything was submitted: no claim was taken, the ETag alone guards the write. */
async function failBefore(
  deps: DeliverDeps,
  stored: StoredWithContent,
  facts: FailureFacts,
  log: Log,
): Promise<Delivery> {
  const { record } = stored;
  const { entry } = diagnose(facts);
  await noteFailure(deps, record.mailbox, entry, log);
  const attempted: MessageRecord = { ...record, attempts: record.attempts + 1 };
  const settled = settleFailure(attempted, facts, { ...settleContext(deps), parksOnBreaker: deps.pacer !== undefined });
  await recordOutcome(deps, settled, change => deps.store.write(settled, stored.etag, change), log);
  return 'settled';
}

/** Waiting costs no attempt. What comes within two minutes is a delayed wake-up; anything later is parked for `sweep`. */
async function waitFor(
  deps: DeliverDeps,
  due: Due,
  answer: Exclude<Answer, { kind: 'turn' }>,
  log: Log,
): Promise<Delivery> {
  const { record, etag } = due.stored;
  if (answer.kind === 'later') return putBack(deps, due.wakeUp, record, answer.atMs);
  const parked = answer.kind === 'quota' ? { ...record, dueAtMs: answer.untilMs } : record;
  await deps.store.write(parked, etag, { kind: 'put', isWaiting: true });
  if (answer.kind !== 'park') {
    const code = answer.kind === 'quota' ? 'mailbox_quota_reached' : 'breaker_open';
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

async function putBack(deps: DeliverDeps, wakeUp: WakeUp, record: MessageRecord, atMs: number): Promise<Delivery> {
  const next = { messageId: record.id, generation: wakeUp.generation ?? record.generation };
  await deps.wakeUps.put(next, record.priority, wakeDelayMs(atMs, deps.clock.now()));
  return 'later';
}

function waitingRecipients(record: MessageRecord): number {
  return record.recipients.filter(recipient => recipient.outcome === 'pending' || recipient.outcome === 'deferred')
    .length;
}
