import { diagnose } from '../domain/diagnosis/diagnose.ts';
import type { FailureFacts } from '../domain/diagnosis/diagnosis.ts';
import type { StoredWithContent } from '../domain/message-ports.ts';
import { isFinal, type MessageRecord } from '../domain/message-record.ts';
import type { Log } from '../domain/ports.ts';
import type { WakeUp } from '../domain/queue-ports.ts';
import { BUSY_DELAY_MS, PARK_BEYOND_MS, WAIT_WITHIN_MS } from '../domain/schedule.ts';
import { senderOfMailbox } from '../domain/sender.ts';
import { settleLapsedClaim, settleOverdue } from '../domain/settle.ts';
import { chooseMailbox, isBound } from './choose-mailbox.ts';
import { deliverPaced, type UsedUp } from './deliver-paced.ts';
import {
  type DeliverDeps,
  type Delivery,
  type Due,
  failBefore,
  noteFailure,
  putBack,
  submitOver,
  waitFor,
} from './delivery.ts';
import type { MailboxPacer } from './mailbox-pacer.ts';
import { recordOutcome } from './record-outcome.ts';
import { settleContext } from './submit-claimed.ts';

export type { DeliverDeps, Delivery } from './delivery.ts';

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
  const due = { stored, sender, wakeUp };
  return deps.pacer && !record.simulated
    ? deliverThroughAny(deps, deps.pacer, due, log)
    : deliverUnpaced(deps, due, log);
}

const NO_SENDER: FailureFacts = {
  stage: 'settings',
  errorCode: 'settings_invalid',
  text: 'the settings no longer have a sender for this mailbox',
};

/** The record once its time has come; a word where there is nothing to do, or not yet. */
async function whenDue(deps: DeliverDeps, wakeUp: WakeUp): Promise<StoredWithContent | Delivery> {
  const stored = await deps.store.read(wakeUp.messageId);
  if (!stored || !isCurrent(stored.record, wakeUp, deps.clock.now())) return 'nothing';
  const waitMs = stored.record.dueAtMs - deps.clock.now();
  if (waitMs > PARK_BEYOND_MS) return 'later';
  if (waitMs > WAIT_WITHIN_MS) return putBack(deps, wakeUp, stored.record, stored.record.dueAtMs, wakeUp.place);
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

/** Through the mailbox that sends it first, and through another one when that one refuses before anything was submitted. */
async function deliverThroughAny(deps: DeliverDeps, pacer: MailboxPacer, due: Due, log: Log): Promise<Delivery> {
  const { sender, stored, wakeUp } = due;
  const tried = new Set<string>();
  let refused: { readonly stored: StoredWithContent; readonly facts: FailureFacts } | undefined;
  let usedUp: UsedUp['usedUp'] | undefined;
  const mayChange = !isBound(stored.record);
  for (;;) {
    const mailbox = await chooseMailbox(pacer, sender, stored.record, wakeUp.place, tried);
    if (mailbox === undefined) return endOfTries(deps, due, refused, usedUp, log);
    const here = { ...stored, record: { ...stored.record, mailbox } };
    const mayGoElsewhere = mayChange && tried.size + 1 < sender.mailboxes.length;
    const result = await deliverPaced(deps, pacer, { ...due, stored: here, mayGoElsewhere }, log);
    if (typeof result === 'string') return result;
    tried.add(mailbox);
    if ('usedUp' in result) {
      usedUp = result.usedUp;
      continue;
    }
    await noteFailure(deps, here.record, result.refused, log);
    // What does not open a breaker is no fault of this mailbox, and no other would do better.
    if (diagnose(result.refused).entry.breaker === 'none') return failBefore(deps, here, result.refused, log);
    refused = { stored: here, facts: result.refused };
  }
}

function endOfTries(
  deps: DeliverDeps,
  due: Due,
  refused: { readonly stored: StoredWithContent; readonly facts: FailureFacts } | undefined,
  usedUp: UsedUp['usedUp'] | undefined,
  log: Log,
): Promise<Delivery> | Delivery {
  if (refused) return failBefore(deps, refused.stored, refused.facts, log);
  return usedUp ? waitFor(deps, due, usedUp, log) : 'nothing';
}

/** As it comes: nothing leaves, or nobody keeps count. */
async function deliverUnpaced(deps: DeliverDeps, due: Due, log: Log): Promise<Delivery> {
  const { record } = due.stored;
  const options = record.simulated ? { isSimulated: true } : {};
  const connected = await deps.transport.connect(due.sender, record.mailbox, record.id, log, options);
  if (connected.kind === 'connected') return submitOver(deps, due, connected.connection, log);
  if (connected.kind === 'failed') return failBefore(deps, due.stored, connected.facts, log);
  return putBack(deps, due.wakeUp, record, deps.clock.now() + BUSY_DELAY_MS);
}
