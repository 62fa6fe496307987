import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionSlot, ConnectionSlots } from '../../domain/ports.ts';
import type { SmtpSession } from './smtp-session.ts';

/** An idle session is closed after this; Exchange closes quiet ones itself within minutes. */
const IDLE_MS = 20_000;
/** And much sooner while another instance waits for a connection of this mailbox. */
const IDLE_WHEN_WANTED_MS = 200;
/** Exchange ends a session at about 20 minutes (`4.4.1 Total session duration`); well before that it is renewed. */
const MAX_AGE_MS = 8 * 60_000;
/** How long an acquire waits for a connection before it says busy. */
const PATIENCE_MS = 5_000;
const POLL_MS = 250;
const QUIT_MS = 2_000;

/** A session lent out. Hand it back with `release`; one that is no longer usable is closed and forgotten. */
export interface PooledSession {
  readonly session: SmtpSession;
  /** It had been used before and was idle: the server may have closed it without our knowing. */
  readonly isReused: boolean;
  isHeld(): boolean;
  release(): void;
  /** Closes the session and opens another one in its place, on the same slot. */
  renew(open: () => Promise<SmtpSession>): Promise<PooledSession>;
}

interface Entry {
  session: SmtpSession;
  readonly slot: ConnectionSlot | undefined;
  idleTimer?: NodeJS.Timeout;
}

interface Bucket {
  /** Sessions open or being opened here. */
  count: number;
  readonly idle: Entry[];
  readonly waiting: Set<() => void>;
  /** One sign-in at a time: when it is refused, whoever waited for it is refused with it and signs in no more. */
  opening: Promise<Entry | undefined> | undefined;
}

export interface SessionKey {
  readonly mailbox: string;
  readonly app: string;
  readonly maxSessions: number;
}

/**
 * Warm sessions by mailbox and app, kept across invocations of one process. Each holds one of the mailbox's connection
 * slots, which all instances share; without a free one `acquire` waits some seconds and then gives undefined.
 */
export function sessionPool(
  now: () => number,
  slots?: ConnectionSlots,
  isWanted: (mailbox: string) => boolean = () => false,
) {
  const buckets = new Map<string, Bucket>();
  let isClosing = false;

  async function acquire(key: SessionKey, open: () => Promise<SmtpSession>): Promise<PooledSession | undefined> {
    const bucket = bucketOf(key);
    const end = now() + PATIENCE_MS;
    for (;;) {
      const warm = takeIdle(bucket);
      if (warm) return lend(key, bucket, warm, true);
      if (bucket.opening) {
        await bucket.opening;
      } else if (bucket.count < key.maxSessions) {
        bucket.opening = openEntry(key, bucket, open).finally(() => {
          bucket.opening = undefined;
        });
        const entry = await bucket.opening;
        if (entry) return lend(key, bucket, entry, false);
      }
      if (takeIsPossible(bucket)) continue;
      if (now() >= end) return undefined;
      await waitForChange(bucket);
    }
  }

  async function openEntry(
    key: SessionKey,
    bucket: Bucket,
    open: () => Promise<SmtpSession>,
  ): Promise<Entry | undefined> {
    bucket.count++;
    let slot: ConnectionSlot | undefined;
    try {
      slot = await slots?.acquire(key.mailbox, key.maxSessions);
      if (slots && !slot) {
        bucket.count--;
        return undefined;
      }
      return { session: await open(), slot };
    } catch (error) {
      bucket.count--;
      void slot?.release();
      throw error;
    }
  }

  function lend(key: SessionKey, bucket: Bucket, entry: Entry, isReused: boolean): PooledSession {
    let released = false;
    return {
      session: entry.session,
      isReused,
      isHeld: () => entry.slot?.isHeld() ?? true,
      release() {
        if (released) return;
        released = true;
        giveBack(key, bucket, entry);
      },
      async renew(open) {
        released = true;
        entry.session.close();
        try {
          entry.session = await open();
        } catch (error) {
          giveBack(key, bucket, entry);
          throw error;
        }
        return lend(key, bucket, entry, false);
      },
    };
  }

  function giveBack(key: SessionKey, bucket: Bucket, entry: Entry): void {
    if (isGood(entry) && !isClosing) {
      const idleMs = isWanted(key.mailbox) ? IDLE_WHEN_WANTED_MS : IDLE_MS;
      entry.idleTimer = setTimeout(() => {
        const at = bucket.idle.indexOf(entry);
        if (at < 0) return;
        bucket.idle.splice(at, 1);
        void discard(bucket, entry);
      }, idleMs);
      entry.idleTimer.unref();
      bucket.idle.push(entry);
    } else {
      void discard(bucket, entry);
    }
    for (const wake of bucket.waiting) wake();
  }

  function isGood(entry: Entry): boolean {
    return entry.session.isUsable() && (entry.slot?.isHeld() ?? true) && now() - entry.session.openedAtMs <= MAX_AGE_MS;
  }

  function takeIdle(bucket: Bucket): Entry | undefined {
    for (let entry = bucket.idle.pop(); entry; entry = bucket.idle.pop()) {
      clearTimeout(entry.idleTimer);
      if (isGood(entry)) return entry;
      void discard(bucket, entry);
    }
    return undefined;
  }

  function discard(bucket: Bucket, entry: Entry): Promise<void> {
    bucket.count--;
    if (entry.session.isUsable()) {
      entry.session.connection.quit();
      // A server that does not answer QUIT would keep a connection that the pool no longer counts.
      setTimeout(() => entry.session.close(), QUIT_MS).unref();
    } else {
      entry.session.close();
    }
    return entry.slot?.release() ?? Promise.resolve();
  }

  /** Ends the idle sessions and gives their slots back, so that another instance need not wait for the leases to run out. */
  async function close(): Promise<void> {
    isClosing = true;
    await Promise.all(
      [...buckets.values()].flatMap(bucket =>
        bucket.idle.splice(0).map(entry => {
          clearTimeout(entry.idleTimer);
          return discard(bucket, entry);
        }),
      ),
    );
  }

  function bucketOf(key: SessionKey): Bucket {
    const name = `${key.mailbox.toLowerCase()} ${key.app}`;
    let bucket = buckets.get(name);
    if (!bucket) {
      bucket = { count: 0, idle: [], waiting: new Set(), opening: undefined };
      buckets.set(name, bucket);
    }
    return bucket;
  }

  return { acquire, close };
}

export type SessionPool = ReturnType<typeof sessionPool>;

function takeIsPossible(bucket: Bucket): boolean {
  return bucket.idle.length > 0;
}

/** Until a session is handed back here, or a moment has passed and another instance may have freed a slot. */
async function waitForChange(bucket: Bucket): Promise<void> {
  let wake: (() => void) | undefined;
  const changed = new Promise<void>(resolve => {
    wake = resolve;
    bucket.waiting.add(resolve);
  });
  await Promise.race([changed, sleep(POLL_MS)]);
  if (wake) bucket.waiting.delete(wake);
}
