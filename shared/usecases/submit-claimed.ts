import type { ContentStore } from '../domain/content-ports.ts';
import { ServiceFailure } from '../domain/failure.ts';
import type { MailSettings } from '../domain/mail-settings.ts';
import type { MessageStore, OpenRowChange, StoredWithContent } from '../domain/message-ports.ts';
import { isFinal, type MessageRecord, openRecipients, withEvent } from '../domain/message-record.ts';
import type { Clock, Log } from '../domain/ports.ts';
import type { WakeQueue } from '../domain/queue-ports.ts';
import { CLAIM_MS } from '../domain/schedule.ts';
import { type SettleContext, settleOverdue, settleSubmission } from '../domain/settle.ts';
import type { MailConnection, SubmitResult } from '../domain/transport-ports.ts';
import { ClaimLostError, holdClaim } from './claim-holder.ts';
import { type EventSink, recordOutcome } from './record-outcome.ts';

export interface SubmitDeps {
  readonly settings: MailSettings;
  readonly store: MessageStore;
  readonly contents: ContentStore;
  readonly wakeUps: WakeQueue;
  readonly clock: Clock;
  readonly events?: EventSink;
  /** Where there is one, a mailbox at fault is its breaker's business and not the retry plan's. */
  readonly pacer?: object;
}

export interface Attempt {
  readonly result: SubmitResult;
}

/** `expiresAt` passed between the claim and the dot: the connection is dropped with the dot unsent. */
class ExpiredError extends Error {
  constructor() {
    super('the message expired before it was submitted');
    this.name = 'ExpiredError';
  }
}

type ClaimHolder = ReturnType<typeof holdClaim>;

/**
 * Claims a message, submits it over a connection, and records the outcome under the claim.
 *
 * The claim already says `phase: content`, since with PIPELINING the envelope and DATA leave together; right before the
 * dot it says `final`. `lost`: somebody else has the message, and nothing was sent.
 *
 * @param onDot called when the dot is about to leave; must not throw
 */
export async function submitClaimed(
  deps: SubmitDeps,
  stored: StoredWithContent,
  connection: MailConnection,
  log: Log,
  onDot: () => void = () => undefined,
): Promise<Attempt | 'lost'> {
  const begun = performance.now();
  const claimed = claim(stored.record, deps.clock);
  const written = await deps.store.write(claimed, stored.etag, { kind: 'put' });
  if (!written.ok) return 'lost';
  const { id: messageId, traceId, mailbox, attempts: attempt } = claimed;
  log('info', { event: 'message.sending', messageId, traceId, mailbox, state: 'sending', attempt });

  const abort = new AbortController();
  const holder = holdClaim(deps.store, deps.clock, claimed, written.etag, () => abort.abort());
  try {
    const result = await transmit({ deps, stored, claimed, holder, connection, signal: abort.signal, log, onDot });
    if (result === 'lost') {
      const detail = 'another instance has taken the message over; nothing was sent';
      log('warn', { event: 'claim.lost', messageId, traceId, mailbox, attempt, detail });
      return 'lost';
    }
    if (result === 'expired') {
      const expired = settleOverdue(holder.current(), settleContext(deps)) ?? holder.current();
      await recordOutcome(deps, expired, change => holder.settle(expired, change), log);
      return { result: failed({ stage: 'delivery', errorCode: 'message_expired' }) };
    }
    const context = { ...settleContext(deps), parksOnBreaker: deps.pacer !== undefined };
    const settled = settleSubmission(holder.current(), result, context);
    const ms = Math.round(performance.now() - begun);
    await recordOutcome(deps, settled, change => settleWith(deps, holder, claimed, settled, result, change), log, ms);
    return { result };
  } finally {
    holder.stop();
  }
}

export function settleContext(deps: Pick<SubmitDeps, 'clock' | 'settings'>): SettleContext {
  return { nowMs: deps.clock.now(), random: deps.clock.random(), retention: deps.settings.retention };
}

function claim(record: MessageRecord, clock: Clock): MessageRecord {
  const nowMs = clock.now();
  const attempt = record.attempts + 1;
  const { waitsForMailbox: _waits, ...rest } = record;
  const note = record.claim ? { note: 'the instance that worked on it before stopped; the dot had not been sent' } : {};
  return {
    ...rest,
    status: 'sending',
    attempts: attempt,
    updatedAtMs: nowMs,
    claim: {
      token: Buffer.from(clock.randomBytes(9)).toString('base64url'),
      untilMs: nowMs + CLAIM_MS,
      phase: 'content',
    },
    events: withEvent(record.events, { atMs: nowMs, status: 'sending', attempt, ...note }),
  };
}

interface Transmission {
  readonly deps: SubmitDeps;
  readonly stored: StoredWithContent;
  readonly claimed: MessageRecord;
  readonly holder: ClaimHolder;
  readonly connection: MailConnection;
  readonly signal: AbortSignal;
  readonly log: Log;
  onDot(): void;
}

async function transmit(transmission: Transmission): Promise<SubmitResult | 'lost' | 'expired'> {
  const { deps, stored, claimed: record, holder, connection, signal, log, onDot } = transmission;
  const content = contentOpener(deps, stored);
  if (!content)
    return failed({ stage: 'delivery', errorCode: 'content_gone', text: 'the content of the message is gone' });
  let ownError: unknown;
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      ownError = error;
      throw error;
    }
  };
  const result = await connection.submit(
    {
      messageId: record.id,
      from: record.from,
      recipients: openRecipients(record).map(recipient => recipient.address),
      bytes: record.content.bytes,
      eightBit: record.content.eightBit,
      attempt: record.attempts,
      ...(record.simulated ? { simulated: true } : {}),
      content: () => guarded(content),
      signal,
      beforeFinal: () =>
        guarded(async () => {
          // Looked at twice: the first saves the write, and the write may take longer than the message has left.
          assertInTime(record, deps.clock);
          await holder.enter('final');
          assertInTime(record, deps.clock);
          onDot();
        }),
    },
    log,
  );
  if (result.kind === 'accepted' || result.inDoubt) return result;
  if (ownError instanceof ClaimLostError || signal.aborted) return 'lost';
  if (ownError instanceof ExpiredError) return 'expired';
  // Our own side's failure in the middle of the submission says more than the connection that we dropped for it.
  return ownError instanceof ServiceFailure ? failed(ownError.facts) : result;
}

function assertInTime({ expiresAtMs }: MessageRecord, clock: Clock): void {
  if (expiresAtMs !== undefined && clock.now() >= expiresAtMs) throw new ExpiredError();
}

function failed(facts: Extract<SubmitResult, { kind: 'failed' }>['facts']): SubmitResult {
  return { kind: 'failed', facts, inDoubt: false, refused: [] };
}

function contentOpener(
  deps: SubmitDeps,
  stored: StoredWithContent,
): (() => Promise<AsyncIterable<Uint8Array>>) | undefined {
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
 * Records the outcome under the claim. When the claim is lost although Exchange took the mail, that knowledge goes onto
 * whatever the record says now: it ends the second attempt, whose next write then fails before its dot.
 */
async function settleWith(
  deps: SubmitDeps,
  holder: ClaimHolder,
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
