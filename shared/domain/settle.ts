import { diagnose } from './diagnosis/diagnose.ts';
import type { FailureFacts } from './diagnosis/diagnosis.ts';
import {
  type MessageEvent,
  type MessageRecord,
  type MessageStatus,
  mayHaveArrived,
  openRecipients,
  type RecipientState,
  withEvent,
} from './message-record.ts';
import { scrubSecrets } from './redact.ts';
import { retryDelayMs } from './retry-plan.ts';
import type { RefusedRecipient, SubmitResult } from './transport-ports.ts';

/** How long content is kept after the final state, in ms. */
export interface Retention {
  readonly afterSentMs: number;
  readonly afterFailureMs: number;
}

export interface SettleContext {
  readonly nowMs: number;
  /** A number in [0, 1). */
  readonly random: number;
  readonly retention: Retention;
  /** A failure that opens the mailbox's breaker parks the message until that closes, instead of a back-off of its own. */
  readonly parksOnBreaker?: boolean;
}

const REPLY_CHARS = 500;
/** A message in doubt is submitted again this long after: long enough for a slow 250 to show in Sent Items, short for the reader. */
const RESEND_AFTER_MS = 60_000;

/**
 * The record after one submission. Pure: state × facts → state.
 *
 * Accepted recipients are settled, 4xx ones wait for an attempt of their own, 5xx ones are refused; the message is
 * `sent` once nobody waits and somebody was accepted. An attempt in doubt is repeated once with `onUnknown: resend`
 * and ends as `unknown` otherwise.
 */
export function settleSubmission(record: MessageRecord, result: SubmitResult, context: SettleContext): MessageRecord {
  if (result.kind === 'failed' && result.inDoubt) return settleDoubt(record, result.facts, context);
  const reply = result.kind === 'accepted' ? result.reply : replyOf(result.facts);
  const accepted = new Set(result.kind === 'accepted' ? result.accepted : []);
  const refused = new Map(result.refused.map(recipient => [recipient.address, recipient]));
  const recipients = record.recipients.map(recipient => {
    if (accepted.has(recipient.address))
      return { address: recipient.address, outcome: 'accepted' as const, reply: scrub(reply) };
    const refusal = refused.get(recipient.address);
    return refusal ? refusedRecipient(refusal) : recipient;
  });
  // What ended the attempt is the answer to all who had none of their own.
  if (result.kind === 'failed' && openRecipients(record).some(({ address }) => !refused.has(address)))
    return settleFailure({ ...record, recipients }, result.facts, context);
  const answered = {
    ...record,
    recipients,
    reply: scrub(reply),
    ...(result.kind === 'accepted' && result.serverMessageId !== undefined
      ? { serverMessageId: result.serverMessageId }
      : {}),
  };
  const waiting = result.refused.find(recipient => isDeferred(recipient.facts));
  if (waiting) return defer(answered, waiting.facts, context);
  return finishWithRecipients(answered, result.refused[0]?.facts, context);
}

/** Ends a message whose time is over: `expired` when the caller's expiresAt has passed, `failed` at the deadline. Undefined while there is time. */
export function settleOverdue(record: MessageRecord, context: SettleContext): MessageRecord | undefined {
  if (record.expiresAtMs !== undefined && context.nowMs >= record.expiresAtMs) {
    return settleTimeUp(record, 'expired', context);
  }
  if (context.nowMs >= record.deadlineAtMs) return settleTimeUp(record, 'failed', context);
  return undefined;
}

/** A claim that lapsed after the dot may have been sent: the same as a connection lost there. */
export function settleLapsedClaim(record: MessageRecord, context: SettleContext): MessageRecord {
  return settleDoubt(record, { stage: 'final', errorCode: 'claim_lapsed' }, context);
}

/** A failure of the whole attempt, before anyone accepted anything in it. */
export function settleFailure(record: MessageRecord, facts: FailureFacts, context: SettleContext): MessageRecord {
  const { entry } = diagnose(facts);
  if (entry.retry !== 'never') return defer(record, facts, context);
  const recipients = record.recipients.map(recipient =>
    recipient.outcome === 'pending' || recipient.outcome === 'deferred'
      ? refusedRecipient({ address: recipient.address, facts })
      : recipient,
  );
  return finishWithRecipients({ ...record, recipients, ...withReply(facts) }, facts, context);
}

/** Ends a message for a reason of our own, named by a code of the catalogue. */
export function end(
  record: MessageRecord,
  wanted: MessageStatus,
  why: {
    readonly code?: string;
    readonly reply?: string;
    readonly inDoubt?: true;
    readonly refusedRecipients?: number;
    readonly note?: string;
  },
  context: SettleContext,
): MessageRecord {
  // An earlier attempt ended in doubt and nobody has answered 250 since: whatever ended the message, it may have arrived.
  const isDoubtful =
    mayHaveArrived(record) &&
    (wanted === 'failed' || wanted === 'expired') &&
    !record.recipients.some(recipient => recipient.outcome === 'accepted');
  const status = isDoubtful ? 'unknown' : wanted;
  const keepMs =
    status === 'sent' || status === 'cancelled' || status === 'expired'
      ? context.retention.afterSentMs
      : context.retention.afterFailureMs;
  const { claim: _claim, ...rest } = record;
  const event: MessageEvent = {
    atMs: context.nowMs,
    status,
    ...(record.attempts > 0 ? { attempt: record.attempts } : {}),
    ...why,
    ...(isDoubtful ? { inDoubt: true as const } : {}),
  };
  return {
    ...rest,
    status,
    updatedAtMs: context.nowMs,
    finalAtMs: context.nowMs,
    ...(why.code === undefined ? {} : { code: why.code }),
    content:
      keepMs > 0
        ? { ...record.content, deleteAfterMs: context.nowMs + keepMs }
        : { ...record.content, isDeleted: true },
    events: withEvent(record.events, event),
  };
}

function settleDoubt(record: MessageRecord, facts: FailureFacts, context: SettleContext): MessageRecord {
  const code = facts.errorCode === 'claim_lapsed' ? 'claim_lapsed' : 'unknown_outcome';
  const overdue =
    context.nowMs + RESEND_AFTER_MS >= Math.min(record.deadlineAtMs, record.expiresAtMs ?? Number.POSITIVE_INFINITY);
  if (record.onUnknown === 'hold' || record.resends > 0 || record.simulated || overdue) {
    return end(record, 'unknown', { code, inDoubt: true, ...withReply(facts) }, context);
  }
  return waitUntil(
    { ...record, resends: record.resends + 1 },
    context.nowMs + RESEND_AFTER_MS,
    { code, inDoubt: true, ...withReply(facts) },
    context,
  );
}

/** No time is left for those who still wait: refused to them; `sent` all the same when somebody has the mail. */
function settleTimeUp(
  record: MessageRecord,
  status: 'expired' | 'failed',
  context: SettleContext,
  why: { readonly reply?: string; readonly note?: string } = {},
): MessageRecord {
  const code = status === 'expired' ? 'message_expired' : 'deadline_exceeded';
  const recipients = record.recipients.map(recipient =>
    recipient.outcome === 'pending' || recipient.outcome === 'deferred'
      ? { ...recipient, outcome: 'refused' as const, code: recipient.code ?? code }
      : recipient,
  );
  const someAccepted = recipients.some(recipient => recipient.outcome === 'accepted');
  const refusedRecipients = recipients.filter(recipient => recipient.outcome === 'refused').length;
  return end({ ...record, recipients }, someAccepted ? 'sent' : status, { code, refusedRecipients, ...why }, context);
}

function defer(record: MessageRecord, facts: FailureFacts, context: SettleContext): MessageRecord {
  const { entry, retryAfterMs } = diagnose(facts);
  // A failure with few tries counts them all the same: the breaker paces them, and the message ends with the last.
  if (context.parksOnBreaker && entry.breaker !== 'none' && entry.retry !== 'fewTries')
    return parkOnBreaker(record, entry.code, facts, context);
  const before = record.attemptsOfCode;
  const count = before?.code === entry.code ? before.count + 1 : 1;
  const counted = { ...record, attemptsOfCode: { code: entry.code, count } };
  const delayMs = retryDelayMs(entry.retry === 'never' ? 'soon' : entry.retry, count, context.random, retryAfterMs);
  if (delayMs === undefined) {
    const recipients = openRecipients(counted).map(recipient => recipient.address);
    const given = new Set(recipients);
    const settled = counted.recipients.map(recipient =>
      given.has(recipient.address) ? refusedRecipient({ address: recipient.address, facts }) : recipient,
    );
    return finishWithRecipients({ ...counted, recipients: settled, ...withReply(facts) }, facts, context);
  }
  const nextMs = context.nowMs + delayMs;
  const why = { ...withReply(facts), note: `no attempt fits into the time left; last failure: ${entry.code}` };
  if (record.expiresAtMs !== undefined && nextMs >= record.expiresAtMs)
    return settleTimeUp(counted, 'expired', context, why);
  if (nextMs >= record.deadlineAtMs) return settleTimeUp(counted, 'failed', context, why);
  return waitUntil(counted, nextMs, { code: entry.code, ...withReply(facts) }, context);
}

/** The mailbox is at fault, not the message: it waits with all the others until the breaker lets one pass. */
function parkOnBreaker(
  record: MessageRecord,
  code: string,
  facts: FailureFacts,
  context: SettleContext,
): MessageRecord {
  return { ...waitUntil(record, context.nowMs, { code, ...withReply(facts) }, context), waitsForMailbox: true };
}

function waitUntil(
  record: MessageRecord,
  nextMs: number,
  why: { readonly code: string; readonly reply?: string; readonly inDoubt?: true },
  context: SettleContext,
): MessageRecord {
  const { claim: _claim, waitsForMailbox: _waits, ...rest } = record;
  return {
    ...rest,
    status: 'deferred',
    updatedAtMs: context.nowMs,
    dueAtMs: nextMs,
    code: why.code,
    ...(why.reply === undefined ? {} : { reply: why.reply }),
    events: withEvent(record.events, {
      atMs: context.nowMs,
      status: 'deferred',
      attempt: record.attempts,
      nextAttemptAtMs: nextMs,
      ...why,
    }),
  };
}

function finishWithRecipients(
  record: MessageRecord,
  facts: FailureFacts | undefined,
  context: SettleContext,
): MessageRecord {
  const refusedCount = record.recipients.filter(recipient => recipient.outcome === 'refused').length;
  const accepted = record.recipients.some(recipient => recipient.outcome === 'accepted');
  const reply = record.reply === undefined ? {} : { reply: record.reply };
  if (accepted) {
    const { code: _code, ...clean } = record;
    return end(clean, 'sent', { ...reply, ...(refusedCount > 0 ? { refusedRecipients: refusedCount } : {}) }, context);
  }
  const code = facts ? diagnose(facts).entry.code : 'internal_error';
  return end(record, 'failed', { code, ...reply, refusedRecipients: refusedCount }, context);
}

function refusedRecipient(refusal: RefusedRecipient): RecipientState {
  const { entry } = diagnose(refusal.facts);
  const reply = replyOf(refusal.facts);
  return {
    address: refusal.address,
    outcome: isDeferred(refusal.facts) ? 'deferred' : 'refused',
    code: entry.code,
    ...(reply === '' ? {} : { reply: scrub(reply) }),
  };
}

function isDeferred(facts: FailureFacts): boolean {
  return diagnose(facts).entry.retry !== 'never';
}

function withReply(facts: FailureFacts): { readonly reply?: string } {
  const reply = replyOf(facts);
  return reply === '' ? {} : { reply: scrub(reply) };
}

function replyOf(facts: FailureFacts): string {
  return facts.text ?? '';
}

function scrub(text: string): string {
  return scrubSecrets(text, REPLY_CHARS);
}
