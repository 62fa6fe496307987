import type { SmtpSession } from './smtp-session.ts';

export interface PoolOptions {
  /** Sessions at once per key, e.g. the mailbox's connection limit. */
  readonly maxSessions: number;
}

/** A session lent out. Hand it back with `release`; a session that is no longer usable is closed and forgotten. */
export interface Lease {
  readonly session: SmtpSession;
  /** The session had been used before and was idle: the server may have closed it without our knowing. */
  readonly isReused: boolean;
  release(): void;
}

/** An idle session is closed after this; Exchange closes quiet ones itself within minutes. */
const IDLE_MS = 20_000;
/** Exchange ends a session at about 20 minutes (`4.4.1 Total session duration`); well before that it is renewed. */
const MAX_AGE_MS = 8 * 60_000;

interface Bucket {
  open: number;
  readonly idle: { session: SmtpSession; timer: NodeJS.Timeout }[];
  readonly waiting: (() => void)[];
}

/**
 * Warm sessions by key, kept across invocations of one process. Never more than `maxSessions` of a key are open;
 * callers beyond that wait in line.
 */
export function sessionPool(now: () => number) {
  const buckets = new Map<string, Bucket>();

  async function acquire(
    key: string,
    options: PoolOptions,
    open: () => Promise<SmtpSession>,
    freshOnly = false,
  ): Promise<Lease> {
    const bucket = bucketOf(key);
    for (;;) {
      const warm = takeIdle(bucket);
      if (warm && !freshOnly) return lease(bucket, warm, true);
      if (warm) discard(bucket, warm);
      if (bucket.open < options.maxSessions) break;
      await new Promise<void>(resolve => bucket.waiting.push(resolve));
    }
    bucket.open++;
    try {
      return lease(bucket, await open(), false);
    } catch (error) {
      bucket.open--;
      bucket.waiting.shift()?.();
      throw error;
    }
  }

  function lease(bucket: Bucket, session: SmtpSession, isReused: boolean): Lease {
    let released = false;
    return {
      session,
      isReused,
      release() {
        if (released) return;
        released = true;
        if (!session.isUsable() || now() - session.openedAtMs > MAX_AGE_MS) {
          discard(bucket, session);
        } else {
          const timer = setTimeout(() => {
            const at = bucket.idle.findIndex(entry => entry.session === session);
            if (at < 0) return;
            bucket.idle.splice(at, 1);
            discard(bucket, session);
          }, IDLE_MS);
          timer.unref();
          bucket.idle.push({ session, timer });
        }
        bucket.waiting.shift()?.();
      },
    };
  }

  function takeIdle(bucket: Bucket): SmtpSession | undefined {
    for (let entry = bucket.idle.pop(); entry; entry = bucket.idle.pop()) {
      clearTimeout(entry.timer);
      if (entry.session.isUsable() && now() - entry.session.openedAtMs <= MAX_AGE_MS) return entry.session;
      discard(bucket, entry.session);
    }
    return undefined;
  }

  function discard(bucket: Bucket, session: SmtpSession): void {
    bucket.open--;
    if (session.isUsable()) session.connection.quit();
    else session.close();
  }

  function bucketOf(key: string): Bucket {
    let bucket = buckets.get(key);
    if (!bucket) {
      bucket = { open: 0, idle: [], waiting: [] };
      buckets.set(key, bucket);
    }
    return bucket;
  }

  /** Closes what is idle, e.g. when the process ends. Sessions lent out are closed by their release. */
  function closeIdle(): void {
    for (const bucket of buckets.values()) {
      for (let session = takeIdle(bucket); session; session = takeIdle(bucket)) discard(bucket, session);
    }
  }

  return { acquire, closeIdle };
}

export type SessionPool = ReturnType<typeof sessionPool>;
