import type { ConnectionSlot } from '../../domain/mailbox-ports.ts';
import type { SmtpSession } from './smtp-session.ts';

/** A session of the pool with the slot that it holds. */
export interface Entry {
  session: SmtpSession;
  readonly slot: ConnectionSlot | undefined;
  wasUsed: boolean;
  idleTimer?: NodeJS.Timeout;
}

/** The sessions of one mailbox and app in this process, and who waits for them. */
export interface Bucket {
  /** Sessions signed in here, lent or idle. */
  count: number;
  readonly idle: Entry[];
  /** For a session to take, and only for one to be there: the former go first, each in order of arrival. */
  readonly taking: Set<() => void>;
  readonly watching: Set<() => void>;
  /** One sign-in at a time: when it is refused, whoever has nothing else to wait for is refused with it and signs in no more. */
  opening: Promise<void> | undefined;
  openingSinceMs: number;
  deniedUntilMs: number;
}

export function newBucket(): Bucket {
  return {
    count: 0,
    idle: [],
    taking: new Set(),
    watching: new Set(),
    opening: undefined,
    openingSinceMs: 0,
    deniedUntilMs: 0,
  };
}

export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms).unref());
}

export function wakeAll({ taking, watching }: Bucket): void {
  for (const wake of [...taking, ...watching]) wake();
}

/** One session is free: one of those who wait for it. */
export function wakeOne({ taking, watching }: Bucket): void {
  const waiting = taking.size > 0 ? taking : watching;
  const [first] = waiting;
  if (!first) return;
  // At once, so that a second session that is free in the same moment wakes the next one.
  waiting.delete(first);
  first();
}

/** Until a session is handed back or opened here, or some time has passed and another instance may have freed a slot. */
export async function waitForChange(waiting: Set<() => void>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  waiting.add(resolve);
  await promise;
  clearTimeout(timer);
  waiting.delete(resolve);
}
