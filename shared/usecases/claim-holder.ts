import type { MessageStore, OpenRowChange, WriteResult } from '../domain/message-ports.ts';
import type { ClaimPhase, MessageRecord } from '../domain/message-record.ts';
import type { Clock } from '../domain/ports.ts';
import { CLAIM_MS, RENEW_EVERY_MS } from '../domain/schedule.ts';

/** Thrown when somebody else has written the record: whoever holds the claim now, it is not us. */
export class ClaimLostError extends Error {
  constructor(messageId: string) {
    super(`the claim on message ${messageId} was lost`);
    this.name = 'ClaimLostError';
  }
}

/**
 * Keeps a claim alive while work goes on, and lets one write at a time name the ETag that the last one gave.
 *
 * `onLost` is called once when a renewal finds that the claim is gone.
 */
export function holdClaim(store: MessageStore, clock: Clock, claimed: MessageRecord, etag: string, onLost: () => void) {
  const token = claimed.claim?.token ?? '';
  let record = claimed;
  let currentEtag = etag;
  let isSettled = false;
  let turn: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    renew().catch((error: unknown) => {
      if (error instanceof ClaimLostError) onLost();
      // A renewal that storage did not take is tried again at the next tick; the claim outlives two of them.
    });
  }, RENEW_EVERY_MS);
  timer.unref();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = turn.then(work, work);
    turn = next.catch(() => undefined);
    return next;
  }

  /**
   * Writes under the claim. A write of ours whose answer was lost has changed the ETag without our knowing: as long as
   * the record still carries our token, nobody else has been there, and the write is repeated on what it says now. A
   * release may have raised its generation meanwhile, and no later write of ours may take that back.
   */
  async function writeOurs(wanted: MessageRecord, change: OpenRowChange): Promise<WriteResult> {
    let next = { ...wanted, generation: Math.max(wanted.generation, record.generation) };
    let written = await store.write(next, currentEtag, change);
    if (!written.ok) {
      const now = await store.peek(next.id);
      if (!now || now.record.claim?.token !== token) return written;
      next = { ...next, generation: now.record.generation };
      written = await store.write(next, now.etag, change);
    }
    if (written.ok) {
      record = next;
      currentEtag = written.etag;
    }
    return written;
  }

  /** The phase is read when the write's turn has come: a renewal behind `final` must not take it back to `content`. */
  function claimFor(phase: () => ClaimPhase): Promise<void> {
    return inTurn(async () => {
      // A renewal that waited behind the outcome: the claim has gone with it.
      if (isSettled) return;
      const next: MessageRecord = { ...record, claim: { token, untilMs: clock.now() + CLAIM_MS, phase: phase() } };
      const written = await writeOurs(next, { kind: 'untouched' });
      if (!written.ok) throw new ClaimLostError(record.id);
    });
  }

  const renew = () => claimFor(() => record.claim?.phase ?? 'content');

  return {
    /** Writes the phase and a new end of the claim. Throws ClaimLostError, or ServiceFailure when storage is away. */
    enter: (phase: ClaimPhase) => claimFor(() => phase),
    /** Writes what became of the message and lets the claim go. */
    settle: (settled: MessageRecord, change: OpenRowChange) =>
      inTurn(async () => {
        const written = await writeOurs(settled, change);
        isSettled ||= written.ok;
        return written;
      }),
    current: () => record,
    stop: () => clearInterval(timer),
  };
}
