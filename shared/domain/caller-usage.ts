/** Messages by the slot of time they were accepted in, oldest first. */
export type Slots = readonly (readonly [slot: number, count: number])[];

/** How many messages a caller has sent of late, over all instances. */
export interface CallerUsage {
  readonly minute: Slots;
  readonly day: Slots;
}

export interface UsageLimits {
  readonly messagesPerMinute?: number;
  readonly messagesPerDay?: number;
}

/** The slots that messages were counted in: what is needed to take them back. */
export interface UsageStamp {
  readonly minute: number;
  readonly day: number;
}

export interface UsageRoom {
  /** Messages that may still be sent now. */
  readonly free: number;
  /** ms until one more may be sent; 0 while there is room. */
  readonly retryAfterMs: number;
  /** The limit that is used up. */
  readonly exhausted?: 'messagesPerMinute' | 'messagesPerDay';
}

/** What all instances share of each caller. */
export interface CallerUsageStore {
  read(callerId: string): Promise<{ readonly usage: CallerUsage; readonly etag: string } | undefined>;
  /**
   * Writes if nobody else has written since `etag` was read (undefined: there was none).
   * @returns the new ETag, or undefined after a conflict
   */
  write(callerId: string, usage: CallerUsage, etag: string | undefined): Promise<string | undefined>;
}

export const NO_USAGE: CallerUsage = { minute: [], day: [] };

/**
 * Sliding windows, cut into slots. A slot counts until its last instant has left the window: so in no 60 seconds and in
 * no 24 hours are there more messages than allowed, as with windows that begin anew at the full minute; the price is
 * that room comes back up to a slot late.
 */
const WINDOWS = {
  minute: { lengthMs: 60_000, slotMs: 1_000 },
  day: { lengthMs: 86_400_000, slotMs: 600_000 },
} as const;

type WindowName = keyof typeof WINDOWS;

/** How many more messages the limits allow at `nowMs`, and otherwise when. */
export function usageRoom(usage: CallerUsage, limits: UsageLimits, nowMs: number): UsageRoom {
  const checks = [
    { exhausted: 'messagesPerMinute' as const, window: 'minute' as const, limit: limits.messagesPerMinute },
    { exhausted: 'messagesPerDay' as const, window: 'day' as const, limit: limits.messagesPerDay },
  ];
  let room: UsageRoom = { free: Number.POSITIVE_INFINITY, retryAfterMs: 0 };
  for (const { exhausted, window, limit } of checks) {
    if (limit === undefined) continue;
    const live = liveSlots(usage[window], window, nowMs);
    const free = Math.max(0, limit - countOf(live));
    const retryAfterMs = free > 0 ? 0 : waitMs(live, window, limit, nowMs);
    if (free > 0) room = { ...room, free: Math.min(room.free, free) };
    else if (retryAfterMs >= room.retryAfterMs) room = { free: 0, retryAfterMs, exhausted };
    else room = { ...room, free: 0 };
  }
  return room;
}

/** Counts `count` more messages at `nowMs`. Slots never run backwards: an instance whose clock is behind counts in the newest one. */
export function chargeUsage(
  usage: CallerUsage,
  count: number,
  nowMs: number,
): { readonly usage: CallerUsage; readonly stamp: UsageStamp } {
  const add = (window: WindowName) => {
    const live = liveSlots(usage[window], window, nowMs);
    const newest = live.at(-1);
    const slot = Math.max(slotOf(window, nowMs), newest?.[0] ?? 0);
    const slots: Slots =
      newest?.[0] === slot ? [...live.slice(0, -1), [slot, newest[1] + count]] : [...live, [slot, count]];
    return { slot, slots };
  };
  const [minute, day] = [add('minute'), add('day')];
  return { usage: { minute: minute.slots, day: day.slots }, stamp: { minute: minute.slot, day: day.slot } };
}

/** Takes back messages that were counted and then not accepted. What has left its window is past caring. */
export function refundUsage(usage: CallerUsage, count: number, stamp: UsageStamp): CallerUsage {
  const take = (window: WindowName): Slots =>
    usage[window]
      .map(([slot, had]) =>
        slot === stamp[window] ? ([slot, Math.max(0, had - count)] as const) : ([slot, had] as const),
      )
      .filter(([, left]) => left > 0);
  return { minute: take('minute'), day: take('day') };
}

/** Whether messages counted under this stamp may still be sent: later they would be counted as older than they are. */
export function isStampCurrent(stamp: UsageStamp, limits: UsageLimits, nowMs: number): boolean {
  const window: WindowName = limits.messagesPerMinute === undefined ? 'day' : 'minute';
  return slotOf(window, nowMs) <= stamp[window];
}

function slotOf(window: WindowName, atMs: number): number {
  return Math.floor(atMs / WINDOWS[window].slotMs);
}

function endMs(window: WindowName, slot: number): number {
  const { lengthMs, slotMs } = WINDOWS[window];
  return (slot + 1) * slotMs + lengthMs;
}

function liveSlots(slots: Slots, window: WindowName, nowMs: number): Slots {
  return slots.filter(([slot]) => endMs(window, slot) > nowMs);
}

function countOf(slots: Slots): number {
  return slots.reduce((sum, [, count]) => sum + count, 0);
}

/** ms until enough slots have left the window for one more message. */
function waitMs(live: Slots, window: WindowName, limit: number, nowMs: number): number {
  let used = countOf(live);
  for (const [slot, count] of live) {
    used -= count;
    if (used < limit) return Math.max(1, endMs(window, slot) - nowMs);
  }
  return WINDOWS[window].lengthMs;
}
