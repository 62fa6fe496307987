import type { OpenRow } from './message-ports.ts';

/** A wake-up for which there is no connection is brought again after this. */
export const BUSY_DELAY_MS = 2_000;
/** A turn this close is waited for inside the invocation. */
export const WAIT_WITHIN_MS = 5_000;
/** What is due later than this has no queue copy: it is parked until `sweep` releases it. */
export const PARK_BEYOND_MS = 120_000;
/** `sweep` releases what comes due within this time; it runs every minute. */
export const RELEASE_AHEAD_MS = 75_000;
/**
 * A wake-up that led to nothing so long after it was written down is taken for lost, wherever it is: it may never have got
 * onto the queue, or its host was killed and the queue keeps it back. Longer than any delay with which one is written
 * (PARK_BEYOND_MS, PLAN_AHEAD_MS); with a minute until the next `sweep` less than the four in which a message must move.
 */
export const LOST_AFTER_MS = 150_000;
/** `sweep` plans wake-ups so far ahead: until its next run is done, and some. */
export const PLAN_AHEAD_MS = 110_000;
/** A claim lapses this long after the last sign of life of its holder. */
export const CLAIM_MS = 120_000;
/** How often a holder shows that it lives. */
export const RENEW_EVERY_MS = 40_000;

/** How long a queue copy is hidden: whole seconds, and one early, since the queue itself polls. */
export function wakeDelayMs(dueAtMs: number, nowMs: number): number {
  return Math.max(0, Math.floor((dueAtMs - nowMs) / 1000) - 1) * 1000;
}

/** Whether a message has a wake-up that is on the queue, or was not long ago. */
export function isOnItsWay({ wakeAtMs, wokenAtMs }: Pick<OpenRow, 'wakeAtMs' | 'wokenAtMs'>, nowMs: number): boolean {
  return wakeAtMs !== undefined && (wokenAtMs ?? wakeAtMs) > nowMs - LOST_AFTER_MS;
}
