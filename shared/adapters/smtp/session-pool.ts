import type { ConnectionSlots } from '../../domain/mailbox-ports.ts';
import { type Bucket, type Entry, newBucket, pause, waitForChange, wakeAll, wakeOne } from './session-bucket.ts';
import type { SmtpSession } from './smtp-session.ts';

/** An idle session is closed after this; Exchange closes quiet ones itself within minutes. */
const IDLE_MS = 60_000;
/** An idle session looks so often whether another instance asks for its slot: its process hears of it in no other way. */
const LOOK_EVERY_MS = 5_000;
/** Exchange ends a session at about 20 minutes (`4.4.1 Total session duration`); well before that it is renewed. */
const MAX_AGE_MS = 8 * 60_000;
/** How long an acquire waits for a connection before it says busy, unless it is told otherwise. */
const PATIENCE_MS = 5_000;
/** Where no slot was free, or one more session was refused, it is tried again after this and not sooner. */
const DENIED_MS = 5_000;
/** One more session is opened only for who has waited this long for those that are there. */
const MORE_AFTER_MS = 250;
const POLL_MS = 250;
const QUIT_MS = 2_000;
/**
 * How long `close` waits for mails that are under way. The host gives a process 5 seconds from its notice to its end
 * (azure-functions-host, `WorkerTerminateGracePeriodInSeconds`).
 */
const CLOSE_WITHIN_MS = 4_000;
const CLOSE_POLL_MS = 20;

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

export interface SessionKey {
  readonly mailbox: string;
  readonly app: string;
  readonly maxSessions: number;
}

type Open = () => Promise<SmtpSession>;

/**
 * Warm sessions by mailbox and app, kept across invocations of one process. Each holds one of the mailbox's connection
 * slots, which all instances share. A process opens one session, and another only while all it has are in use.
 *
 * @param isWanted whether another instance asks for a slot: it is then given up between two messages
 * @param look finds out anew what others ask for; absent where they cannot ask
 */
export function sessionPool(
  now: () => number,
  slots?: ConnectionSlots,
  isWanted: (mailbox: string, slot: number) => boolean = () => false,
  look: (mailbox: string) => Promise<unknown> = async () => undefined,
) {
  const buckets = new Map<string, Bucket>();
  /** Of the sessions lent out, those whose slots are not given back yet. */
  const lent = new Set<Entry>();
  let isClosing = false;

  /**
   * `ready` once this process has a session of the mailbox, idle or in use; `busy` where no slot is free, `opening` where
   * a sign-in has been under way for long. Throws when the sign-in is refused.
   */
  async function prepare(key: SessionKey, open: Open, slot?: number): Promise<'ready' | 'busy' | 'opening'> {
    const bucket = bucketOf(key);
    if (bucket.count === 0) await waitForOpening(key, bucket, open, PATIENCE_MS, slot);
    if (bucket.count > 0) return 'ready';
    return bucket.opening ? 'opening' : 'busy';
  }

  /**
   * Waits until a session is idle, without taking it, and says whether one is. Who has none at hand should not ask for a turn.
   * True also where there is no session at all: `acquire` sees to that.
   */
  async function waitForIdle(key: SessionKey, open: Open, patienceMs: number): Promise<boolean> {
    const bucket = bucketOf(key);
    const begun = now();
    while (bucket.count > 0 && bucket.idle.length === 0) {
      const waitedMs = now() - begun;
      if (waitedMs >= patienceMs || isClosing) return false;
      if (waitedMs >= MORE_AFTER_MS) startOpening(key, bucket, open)?.catch(() => undefined);
      await waitForChange(bucket.watching, Math.min(patienceMs - waitedMs, POLL_MS));
    }
    return true;
  }

  /** A session to submit over; undefined when none was free for `patienceMs`. Throws when the sign-in is refused. */
  async function acquire(key: SessionKey, open: Open, patienceMs = PATIENCE_MS): Promise<PooledSession | undefined> {
    const bucket = bucketOf(key);
    const begun = now();
    const end = begun + patienceMs;
    for (;;) {
      if (isClosing) return undefined;
      const warm = takeIdle(bucket);
      if (warm) return lend(key, bucket, warm);
      const leftMs = end - now();
      if (bucket.count === 0 && (await waitForOpening(key, bucket, open, Math.max(0, leftMs)))) continue;
      if (bucket.count > 0 && now() - begun >= MORE_AFTER_MS) startOpening(key, bucket, open)?.catch(() => undefined);
      if (leftMs <= 0) return undefined;
      await waitForChange(bucket.taking, Math.min(leftMs, POLL_MS));
    }
  }

  /**
   * Whoever begins a sign-in waits until it ends. All others wait until it has been under way for `patienceMs`, so that a
   * server that says nothing does not hold everybody who could do something else. Says whether there is a session now.
   */
  async function waitForOpening(
    key: SessionKey,
    bucket: Bucket,
    open: Open,
    patienceMs: number,
    slot?: number,
  ): Promise<boolean> {
    const underWay = bucket.opening;
    const leftMs = bucket.openingSinceMs + patienceMs - now();
    if (!underWay) await startOpening(key, bucket, open, slot);
    else if (leftMs > 0) await Promise.race([underWay, pause(leftMs)]);
    return bucket.count > 0;
  }

  /** The sign-in under way, or a new one where there may be one; undefined where there may not. */
  function startOpening(key: SessionKey, bucket: Bucket, open: Open, slot?: number): Promise<void> | undefined {
    if (bucket.opening) return bucket.opening;
    const isDenied = slot === undefined && now() < bucket.deniedUntilMs;
    if (bucket.count >= key.maxSessions || isDenied || isClosing) return undefined;
    bucket.openingSinceMs = now();
    bucket.opening = openSession(key, bucket, open, slot).finally(() => {
      bucket.opening = undefined;
      wakeAll(bucket);
    });
    return bucket.opening;
  }

  async function openSession(key: SessionKey, bucket: Bucket, open: Open, only?: number): Promise<void> {
    const slot = await slots?.acquire(key.mailbox, key.maxSessions, only);
    if (slots && !slot) {
      bucket.deniedUntilMs = now() + DENIED_MS;
      return;
    }
    try {
      const entry: Entry = { session: await open(), slot, wasUsed: false };
      bucket.count++;
      if (isClosing) void discard(bucket, entry);
      else putIdle(key, bucket, entry);
    } catch (error) {
      if (bucket.count > 0) bucket.deniedUntilMs = now() + DENIED_MS;
      void slot?.release();
      throw error;
    }
  }

  function lend(key: SessionKey, bucket: Bucket, entry: Entry): PooledSession {
    let released = false;
    const isReused = entry.wasUsed;
    entry.wasUsed = true;
    lent.add(entry);
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
        entry.wasUsed = false;
        return lend(key, bucket, entry);
      },
    };
  }

  function giveBack(key: SessionKey, bucket: Bucket, entry: Entry): void {
    if (!isGood(entry) || isClosing || isWantedElsewhere(key, entry)) {
      void discard(bucket, entry).then(() => lent.delete(entry));
    } else {
      putIdle(key, bucket, entry);
      lent.delete(entry);
      wakeOne(bucket);
      return;
    }
    wakeAll(bucket);
  }

  function isWantedElsewhere({ mailbox }: SessionKey, { slot }: Entry): boolean {
    return slot !== undefined && isWanted(mailbox, slot.index);
  }

  function putIdle(key: SessionKey, bucket: Bucket, entry: Entry): void {
    const endMs = now() + IDLE_MS;
    const watch = (): void => {
      entry.idleTimer = setTimeout(async () => {
        if (slots && isGood(entry)) await look(key.mailbox).catch(() => undefined);
        const at = bucket.idle.indexOf(entry);
        if (at < 0) return;
        if (now() < endMs && isGood(entry) && !isWantedElsewhere(key, entry)) return watch();
        bucket.idle.splice(at, 1);
        await discard(bucket, entry);
      }, LOOK_EVERY_MS);
      entry.idleTimer.unref();
    };
    watch();
    bucket.idle.push(entry);
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

  /** The slot is free once the server has seen the end of the session, lest it count one connection too many. */
  async function discard(bucket: Bucket, entry: Entry): Promise<void> {
    bucket.count--;
    const { session, slot } = entry;
    if (session.isUsable()) {
      const ended = new Promise(resolve => session.connection.once('end', resolve));
      session.connection.quit();
      await Promise.race([ended, pause(QUIT_MS)]);
    }
    session.close();
    await slot?.release();
  }

  /**
   * Ends the sessions and gives their slots back, so that another instance need not wait for the leases to run out. What
   * is lent out may end first: a mail cut off between its last byte and the reply would be in doubt.
   *
   * @param withinMs how long to wait for that
   */
  async function close(withinMs = CLOSE_WITHIN_MS): Promise<void> {
    isClosing = true;
    const end = now() + withinMs;
    await Promise.all(
      [...buckets.values()].flatMap(bucket =>
        bucket.idle.splice(0).map(entry => {
          clearTimeout(entry.idleTimer);
          return discard(bucket, entry);
        }),
      ),
    );
    while (lent.size > 0 && now() < end) await pause(CLOSE_POLL_MS);
  }

  function bucketOf(key: SessionKey): Bucket {
    const name = `${key.mailbox.toLowerCase()} ${key.app}`;
    let bucket = buckets.get(name);
    if (!bucket) {
      bucket = newBucket();
      buckets.set(name, bucket);
    }
    return bucket;
  }

  function needsSignIn(key: SessionKey): boolean {
    const { count, deniedUntilMs } = bucketOf(key);
    return count === 0 && now() >= deniedUntilMs;
  }

  return { prepare, waitForIdle, acquire, close, needsSignIn };
}

export type SessionPool = ReturnType<typeof sessionPool>;
