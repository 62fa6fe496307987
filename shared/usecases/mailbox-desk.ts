import { ServiceFailure } from '../domain/failure.ts';
import type { MailboxStates } from '../domain/mailbox-ports.ts';
import { type MailboxState, NEW_MAILBOX } from '../domain/pacing.ts';
import type { Clock } from '../domain/ports.ts';

/** Contention among instances is resolved by trying again on what the winner wrote; so often. */
const MAX_TRIES = 25;
/** What was written or read this lately may be taken for the state without reading it again: the write's ETag tells. */
export const REMEMBER_MS = 60_000;
const REMEMBER_SHARED_MS = 50;

/** What a change makes of a state, and what it has to say. The same state back = nothing to write. */
export interface Changed<T> {
  readonly state: MailboxState;
  readonly value: T;
}

export type Change<T> = (state: MailboxState) => Changed<T>;

interface Job {
  readonly order: number;
  readonly next: Change<unknown>;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

interface Known {
  readonly state: MailboxState;
  readonly etag: string | undefined;
  readonly atMs: number;
}

/**
 * The state of one mailbox as this process changes it. What is wanted of it goes in blocks: one ETag write is under way at
 * a time, and whatever is wanted meanwhile is in the next one.
 */
export function mailboxDesk(mailbox: string, states: MailboxStates, clock: Clock) {
  const jobs: Job[] = [];
  let known: Known | undefined;
  let reading: Promise<Known> | undefined;
  /** Others write this mailbox too: what is remembered is likely to be old, and a write on it wasted. */
  let isShared = false;
  let isBusy = false;

  /**
   * Applies `next` with whatever else waits, and gives its value once the state that came of it is written. `next` is
   * applied anew when somebody else wrote first.
   *
   * @param order smaller goes first among those that wait together
   */
  function change<T>(next: Change<T>, order: number): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      jobs.push({ order, next, resolve, reject });
      if (!isBusy) void serve();
    });
  }

  async function serve(): Promise<void> {
    isBusy = true;
    while (jobs.length > 0) {
      const block = jobs.splice(0).sort((a, b) => a.order - b.order);
      try {
        const values = await write(block);
        for (const [index, job] of block.entries()) job.resolve(values[index] as never);
      } catch (error) {
        for (const job of block) job.reject(error);
      }
    }
    isBusy = false;
  }

  async function write(block: readonly Job[]): Promise<readonly unknown[]> {
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const maxAgeMs = isShared ? REMEMBER_SHARED_MS : REMEMBER_MS;
      const before = known && clock.now() - known.atMs < maxAgeMs ? known : await read();
      let { state } = before;
      const values = block.map(job => {
        const changed = job.next(state);
        state = changed.state;
        return changed.value;
      });
      if (state === before.state) return values;
      const written = await states.write(mailbox, state, before.etag);
      if (written.ok) {
        known = { state, etag: written.etag, atMs: clock.now() };
        return values;
      }
      isShared = true;
      known = undefined;
      if (tries > 2) await clock.sleep(Math.ceil(clock.random() * 20 * tries));
    }
    throw new ServiceFailure(
      `table storage: write mailbox ${mailbox} failed: other instances wrote first, ${MAX_TRIES} times`,
      { stage: 'storage', errorCode: 'storage_unavailable' },
    );
  }

  /** Whoever asks while a read is under way gets what it finds. */
  function read(): Promise<Known> {
    reading ??= states
      .read(mailbox)
      .then(found => {
        if (known) isShared = known.etag !== found?.etag;
        known = { state: found?.state ?? NEW_MAILBOX, etag: found?.etag, atMs: clock.now() };
        return known;
      })
      .finally(() => {
        reading = undefined;
      });
    return reading;
  }

  return {
    change,
    /** The state as it was no longer than `maxAgeMs` ago. */
    seen: async (maxAgeMs: number): Promise<MailboxState> =>
      known && clock.now() - known.atMs < maxAgeMs ? known.state : (await read()).state,
    /** The state as last seen, however long ago. */
    last: (): MailboxState | undefined => known?.state,
    /** The next change starts from what storage says. */
    forget: (): void => {
      known = undefined;
    },
  };
}

export type MailboxDesk = ReturnType<typeof mailboxDesk>;
