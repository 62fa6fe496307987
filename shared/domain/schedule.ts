/** A turn this close is waited for inside the invocation. */
export const WAIT_WITHIN_MS = 5_000;
/** What is due later than this has no queue copy: it is parked until `sweep` releases it. */
export const PARK_BEYOND_MS = 120_000;
/** `sweep` releases what comes due within this time; it runs every minute. */
export const RELEASE_AHEAD_MS = 75_000;
/** A wake-up that has been visible this long and led to nothing is taken for lost. */
export const LOST_AFTER_MS = 150_000;
/** A claim lapses this long after the last sign of life of its holder. */
export const CLAIM_MS = 120_000;
/** How often a holder shows that it lives. */
export const RENEW_EVERY_MS = 40_000;

/** How long a queue copy is hidden: whole seconds, and one early, since the queue itself polls. */
export function wakeDelayMs(dueAtMs: number, nowMs: number): number {
  return Math.max(0, Math.floor((dueAtMs - nowMs) / 1000) - 1) * 1000;
}
