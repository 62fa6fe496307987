import { ServiceFailure } from '../domain/failure.ts';
import type { MailSettings } from '../domain/mail-settings.ts';
import { isFinal, type MessageRecord, openRecipients, withEvent } from '../domain/message-record.ts';
import type {
  Clock,
  ContentStore,
  Log,
  MailTransport,
  MessageStore,
  OpenRowChange,
  StoredWithContent,
  SubmitResult,
  WakeQueue,
  WakeUp,
} from '../domain/ports.ts';
import { CLAIM_MS, PARK_BEYOND_MS, WAIT_WITHIN_MS, wakeDelayMs } from '../domain/schedule.ts';
import { senderOfMailbox } from '../domain/sender.ts';
import { type SettleContext, settleLapsedClaim, settleOverdue, settleSubmission } from '../domain/settle.ts';
import { ClaimLostError, holdClaim } from './claim-holder.ts';
import { recordOutcome } from './record-outcome.ts';

export interface DeliverDeps {
  readonly settings: MailSettings;
  readonly store: MessageStore;
  readonly contents: ContentStore;
  readonly wakeUps: WakeQueue;
  readonly transport: MailTransport;
  readonly clock: Clock;
}

/** What one wake-up came to, for the log and for tests. */
export type Delivery = 'nothing' | 'later' | 'settled';

/**
 * Answers one wake-up: looks at the record, claims the message, submits it, records what came of it.
 *
 * The claim in the table guards the send, never the queue's own lock: the host may run a wake-up twice, late, or while
 * another instance is at it. Returns when the wake-up has done its work; throws ServiceFailure when storage is away, so
 * that the host brings the wake-up again.
 */
export async function deliverMail(deps: DeliverDeps, wakeUp: WakeUp, log: Log): Promise<Delivery> {
  let stored = await deps.store.read(wakeUp.messageId);
  if (!stored || !isCurrent(stored.record, wakeUp, deps.clock.now())) return 'nothing';
  const waitMs = stored.record.dueAtMs - deps.clock.now();
  if (waitMs > PARK_BEYOND_MS) return 'later';
  if (waitMs > WAIT_WITHIN_MS) {
    await deps.wakeUps.put(wakeUp, stored.record.priority, wakeDelayMs(stored.record.dueAtMs, deps.clock.now()));
    return 'later';
  }
  if (waitMs > 0) {
    await deps.clock.sleep(waitMs);
    stored = await deps.store.read(wakeUp.messageId);
    if (!stored || !isCurrent(stored.record, wakeUp, deps.clock.now())) return 'nothing';
  }
  const { record } = stored;
  const context = settleContext(deps);
  const ended = settleOverdue(record, context) ?? settleDoubtOfLapsed(record, context);
  if (ended) {
    await recordOutcome(deps, record.traceId, ended, change => deps.store.write(ended, stored.etag, change), log);
    return 'settled';
  }
  return submit(deps, stored, log);
}

/** Final, claimed by someone alive, or a copy of an earlier release: nothing to do. */
function isCurrent(record: MessageRecord, wakeUp: WakeUp, nowMs: number): boolean {
  if (isFinal(record.status)) return false;
  if (wakeUp.generation !== undefined && wakeUp.generation < record.generation) return false;
  return !(record.claim && record.claim.untilMs > nowMs);
}

function settleDoubtOfLapsed(record: MessageRecord, context: SettleContext): MessageRecord | undefined {
  return record.status === 'sending' && record.claim?.phase === 'final'
    ? settleLapsedClaim(record, context)
    : undefined;
}

async function submit(deps: DeliverDeps, stored: StoredWithContent, log: Log): Promise<Delivery> {
  const begun = performance.now();
  const claimed = claim(stored.record, deps.clock);
  const written = await deps.store.write(claimed, stored.etag, { kind: 'put' });
  if (!written.ok) return 'nothing';
  log('info', {
    event: 'message.sending',
    messageId: claimed.id,
    traceId: claimed.traceId,
    mailbox: claimed.mailbox,
    state: 'sending',
    attempt: claimed.attempts,
  });

  const abort = new AbortController();
  const holder = holdClaim(deps.store, deps.clock, claimed, written.etag, () => abort.abort());
  try {
    const result = await transmit(deps, stored, claimed, holder, abort.signal, log);
    if (result === 'lost') {
      log('warn', {
        event: 'claim.lost',
        messageId: claimed.id,
        traceId: claimed.traceId,
        mailbox: claimed.mailbox,
        attempt: claimed.attempts,
        detail: 'another instance has taken the message over; nothing was sent',
      });
      return 'nothing';
    }
    const settled = settleSubmission(holder.current(), result, settleContext(deps));
    await recordOutcome(
      deps,
      claimed.traceId,
      settled,
      change => settleWith(deps, holder, claimed, settled, result, change),
      log,
      Math.round(performance.now() - begun),
    );
    return 'settled';
  } finally {
    holder.stop();
  }
}

function claim(record: MessageRecord, clock: Clock): MessageRecord {
  const nowMs = clock.now();
  const attempt = record.attempts + 1;
  const note = record.claim ? { note: 'the instance that worked on it before stopped; the dot had not been sent' } : {};
  return {
    ...record,
    status: 'sending',
    attempts: attempt,
    updatedAtMs: nowMs,
    claim: {
      token: Buffer.from(clock.randomBytes(9)).toString('base64url'),
      untilMs: nowMs + CLAIM_MS,
      phase: 'connect',
    },
    events: withEvent(record.events, { atMs: nowMs, status: 'sending', attempt, ...note }),
  };
}

async function transmit(
  deps: DeliverDeps,
  stored: StoredWithContent,
  record: MessageRecord,
  holder: ReturnType<typeof holdClaim>,
  signal: AbortSignal,
  log: Log,
): Promise<SubmitResult | 'lost'> {
  const sender = senderOfMailbox(deps.settings.senders, record.mailbox);
  if (!sender)
    return failed({
      stage: 'settings',
      errorCode: 'settings_invalid',
      text: 'the settings no longer have a sender for this mailbox',
    });
  const content = await openContent(deps, stored);
  if (!content)
    return failed({ stage: 'delivery', errorCode: 'content_gone', text: 'the content of the message is gone' });
  const guard = { error: undefined as unknown };
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      guard.error = error;
      throw error;
    }
  };
  const result = await deps.transport.submit(
    {
      messageId: record.id,
      sender,
      mailbox: record.mailbox,
      from: record.from,
      recipients: openRecipients(record).map(recipient => recipient.address),
      bytes: record.content.bytes,
      eightBit: record.content.eightBit,
      content: () => guarded(content),
      signal,
      beforeContent: () => guarded(() => holder.enter('content')),
      beforeFinal: () => guarded(() => holder.enter('final')),
    },
    log,
  );
  if (result.kind === 'accepted' || result.inDoubt || guard.error === undefined) return result;
  if (guard.error instanceof ClaimLostError) return 'lost';
  return guard.error instanceof ServiceFailure ? failed(guard.error.facts) : result;
}

function failed(facts: Extract<SubmitResult, { kind: 'failed' }>['facts']): SubmitResult {
  return { kind: 'failed', facts, inDoubt: false, refused: [] };
}

async function openContent(
  deps: DeliverDeps,
  stored: StoredWithContent,
): Promise<(() => Promise<AsyncIterable<Uint8Array>>) | undefined> {
  const inline = stored.inlineContent;
  if (inline) return async () => once(inline);
  if (stored.record.content.kind !== 'blob') return undefined;
  return async () => {
    const stream = await deps.contents.get(stored.record.id);
    if (!stream)
      throw new ServiceFailure('blob storage: the content is missing', {
        stage: 'delivery',
        errorCode: 'content_gone',
      });
    return stream;
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/**
 * Records the outcome under the claim. When the claim is lost although Exchange took the mail, that knowledge goes
 * onto whatever the record says now: it ends the second attempt, whose next write then fails before its dot.
 */
async function settleWith(
  deps: DeliverDeps,
  holder: ReturnType<typeof holdClaim>,
  claimed: MessageRecord,
  settled: MessageRecord,
  result: SubmitResult,
  change: OpenRowChange,
) {
  const written = await holder.settle(settled, change);
  if (written.ok || result.kind !== 'accepted') return written;
  for (let tries = 0; tries < 5; tries++) {
    const now = await deps.store.peek(claimed.id);
    if (!now || isFinal(now.record.status)) return written;
    const merged = settleSubmission(now.record, result, settleContext(deps));
    const again = await deps.store.write(
      merged,
      now.etag,
      isFinal(merged.status) ? { kind: 'remove' } : { kind: 'put' },
    );
    if (again.ok) return again;
  }
  return written;
}

function settleContext(deps: DeliverDeps): SettleContext {
  return { nowMs: deps.clock.now(), random: deps.clock.random(), retention: deps.settings.retention };
}
