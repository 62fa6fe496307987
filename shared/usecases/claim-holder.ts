import type { ClaimPhase, MessageRecord } from '../domain/message-record.ts';
import type { Clock, MessageStore, OpenRowChange, WriteResult } from '../domain/ports.ts';
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
  let record = claimed;
  let currentEtag = etag;
  let turn: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    enter(record.claim?.phase ?? 'connect').catch((error: unknown) => {
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

  /** Writes the phase and a new end of the claim. Throws ClaimLostError, or ServiceFailure when storage is away. */
  function enter(phase: ClaimPhase): Promise<void> {
    return inTurn(async () => {
      const next: MessageRecord = {
        ...record,
        claim: { token: record.claim?.token ?? '', untilMs: clock.now() + CLAIM_MS, phase },
      };
      const written = await store.write(next, currentEtag, { kind: 'untouched' });
      if (!written.ok) throw new ClaimLostError(record.id);
      record = next;
      currentEtag = written.etag;
    });
  }

  /** Writes what became of the message and lets the claim go. */
  function settle(settled: MessageRecord, change: OpenRowChange): Promise<WriteResult> {
    return inTurn(() => store.write(settled, currentEtag, change));
  }

  return {
    enter,
    settle,
    current: () => record,
    stop: () => clearInterval(timer),
  };
}
