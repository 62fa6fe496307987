import type { Caller } from '../domain/accept-input.ts';
import {
  type CallerUsage,
  type CallerUsageStore,
  chargeUsage,
  isStampCurrent,
  NO_USAGE,
  refundUsage,
  type UsageLimits,
  type UsageRoom,
  type UsageStamp,
  usageRoom,
} from '../domain/caller-usage.ts';
import type { Clock } from '../domain/ports.ts';
import { accepted, type Outcome, problem, refused } from '../domain/problem.ts';

/** One message that counts against its caller's limits. */
export interface CountedMessage {
  /** To be called once: a message that was not accepted after all counts nothing. */
  settle(isAccepted: boolean): void;
}

/** Counts messages against the limits of their callers, over all instances. */
export interface CallerLimits {
  /**
   * Refused with `rate_limited` and the time to come again when a limit is used up; throws ServiceFailure when storage is away.
   *
   * @param key of the message: only one can be stored under it, so requests with the same one count as one while they are
   * under way
   */
  count(caller: Caller, key?: string): Promise<Outcome<CountedMessage>>;
}

/** Whether this caller's messages are counted at all. */
export function isLimited({ rules }: Caller): boolean {
  return rules?.messagesPerMinute !== undefined || rules?.messagesPerDay !== undefined;
}

/** Another instance got in between this often in a row: storage is busy with this caller alone. */
const TRIES = 25;
const CONFLICT_WAIT_MS = 25;
/** What "used up" is believed without looking again. Others may have given messages back meanwhile. */
const TRUST_FULL_MS = 1_000;
/** In a burst a write reserves some messages more than are waiting: a sixteenth of what is free, at most this many. */
const MAX_AHEAD = 32;

const FREE: CountedMessage = { settle: () => undefined };

/**
 * One counter for each caller and process, with one write under way at a time: requests that come meanwhile share the
 * next write, and a burst reserves ahead, so that a message costs one write at most and a burst far less. What is
 * reserved is used within its slot or given back with the next write.
 */
export function callerLimits(store: CallerUsageStore, clock: Clock): CallerLimits {
  const counters = new Map<string, ReturnType<typeof counter>>();
  const shares = new Map<string, Share>();

  /** Requests with one key have one count between them; it is given back when the last of them has not been accepted either. */
  async function shared(key: string, count: () => Promise<Outcome<CountedMessage>>): Promise<Outcome<CountedMessage>> {
    const share = shares.get(key) ?? { counted: count(), holders: 0, isAccepted: false };
    shares.set(key, share);
    share.holders++;
    const leave = () => {
      if (--share.holders === 0 && shares.get(key) === share) shares.delete(key);
      return share.holders === 0;
    };
    try {
      const counted = await share.counted;
      if (!counted.ok) {
        leave();
        return counted;
      }
      return accepted({
        settle(isAccepted) {
          share.isAccepted ||= isAccepted;
          if (leave()) counted.value.settle(share.isAccepted);
        },
      });
    } catch (error) {
      leave();
      throw error;
    }
  }

  return {
    async count(caller, messageKey) {
      const { id, rules = {} } = caller;
      if (!isLimited(caller)) return accepted(FREE);
      // Two entries of one name may differ in their limits; what is used they share in the table.
      const key = `${rules.messagesPerMinute} ${rules.messagesPerDay} ${id}`;
      let own = counters.get(key);
      if (!own) {
        own = counter(store, clock, id, rules);
        counters.set(key, own);
      }
      return messageKey === undefined ? own() : shared(`${key} ${messageKey}`, own);
    },
  };
}

interface Share {
  readonly counted: Promise<Outcome<CountedMessage>>;
  holders: number;
  isAccepted: boolean;
}

interface Known {
  readonly usage: CallerUsage;
  readonly etag: string | undefined;
  readonly atMs: number;
}

interface Batch {
  readonly granted: number;
  readonly stamp: UsageStamp;
  /** For those that were not granted. */
  readonly room: UsageRoom;
}

function counter(store: CallerUsageStore, clock: Clock, callerId: string, limits: UsageLimits) {
  let known: Known | undefined;
  /** Counted in the table and not used yet. */
  let ahead: { readonly stamp: UsageStamp; left: number } | undefined;
  let returned: { readonly stamp: UsageStamp; readonly count: number }[] = [];
  let waiting: PromiseWithResolvers<Outcome<CountedMessage>>[] = [];
  let isRunning = false;

  function counted(stamp: UsageStamp): Outcome<CountedMessage> {
    return accepted({
      settle(isAccepted) {
        if (isAccepted) return;
        if (ahead?.stamp === stamp && isStampCurrent(stamp, limits, clock.now())) ahead.left++;
        else returned.push({ stamp, count: 1 });
      },
    });
  }

  async function run(): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        const { granted, stamp, room } = await reserve(batch.length);
        for (const [index, one] of batch.entries())
          one.resolve(index < granted ? counted(stamp) : tooMany(limits, room));
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
    }
    isRunning = false;
  }

  async function reserve(wanted: number): Promise<Batch> {
    const last = ahead?.stamp;
    if (ahead && ahead.left > 0) returned.push({ stamp: ahead.stamp, count: ahead.left });
    ahead = undefined;
    for (let tries = 0; tries < TRIES; tries++) {
      known ??= await look();
      const nowMs = clock.now();
      const refunds = returned.length;
      const usage = returned.reduce((rest, { stamp, count }) => refundUsage(rest, count, stamp), known.usage);
      const room = usageRoom(usage, limits, nowMs);
      if (room.free === 0) {
        if (nowMs - known.atMs < TRUST_FULL_MS) return { granted: 0, stamp: { minute: 0, day: 0 }, room };
        known = undefined;
        continue;
      }
      const granted = Math.min(wanted, room.free);
      const isBurst = last !== undefined && isStampCurrent(last, limits, nowMs);
      const extra = isBurst ? Math.min(MAX_AHEAD, Math.floor((room.free - granted) / 16)) : 0;
      const charged = chargeUsage(usage, granted + extra, nowMs);
      const etag = await store.write(callerId, charged.usage, known.etag);
      if (etag === undefined) {
        known = undefined;
        await clock.sleep(Math.ceil(clock.random() * CONFLICT_WAIT_MS));
        continue;
      }
      known = { usage: charged.usage, etag, atMs: nowMs };
      returned = returned.slice(refunds);
      ahead = { stamp: charged.stamp, left: extra };
      return { granted, stamp: charged.stamp, room: usageRoom(charged.usage, limits, nowMs) };
    }
    return { granted: 0, stamp: { minute: 0, day: 0 }, room: { free: 0, retryAfterMs: 1_000 } };
  }

  async function look(): Promise<Known> {
    const found = await store.read(callerId);
    return { usage: found?.usage ?? NO_USAGE, etag: found?.etag, atMs: clock.now() };
  }

  return function count(): Promise<Outcome<CountedMessage>> {
    if (!isRunning && ahead && ahead.left > 0 && isStampCurrent(ahead.stamp, limits, clock.now())) {
      ahead.left--;
      return Promise.resolve(counted(ahead.stamp));
    }
    const own = Promise.withResolvers<Outcome<CountedMessage>>();
    waiting.push(own);
    if (!isRunning) void run();
    return own.promise;
  };
}

function tooMany(limits: UsageLimits, { retryAfterMs, exhausted }: UsageRoom): Outcome<CountedMessage> {
  const detail =
    exhausted === undefined
      ? 'Too many requests of this caller at the same time; nothing was accepted.'
      : `This caller has used up its ${limits[exhausted]} messages ${exhausted === 'messagesPerMinute' ? 'a minute' : 'a day'}; nothing was accepted.`;
  return refused(
    problem('rate_limited', detail, {
      retryAfterSeconds: Math.max(1, Math.ceil(retryAfterMs / 1000)),
      ...(exhausted === undefined
        ? {}
        : { errors: [{ pointer: '', detail: `limit: ${exhausted} ${limits[exhausted]}` }] }),
    }),
  );
}
