import type { EventTask } from './event-task.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Waits before the second and each further delivery; together just under a day. */
const RETRY_WAITS_MS: readonly number[] = [
  10_000,
  30_000,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  4 * HOUR_MS,
  6 * HOUR_MS,
  10 * HOUR_MS,
];
/** An event is given up this long after its first failure, whatever Retry-After asks for. */
export const EVENT_LIFE_MS = 25 * HOUR_MS;

/**
 * The task for the delivery after one that failed, and how long it waits; undefined when it is time to give up.
 *
 * @param random in [0, 1): up to a tenth is added to the wait, so that a receiver that comes back is not hit by all at once.
 * @param retryAfterMs what the receiver asked for; counts when it is longer.
 */
export function nextTry(
  task: EventTask,
  nowMs: number,
  random: number,
  retryAfterMs = 0,
): { readonly task: EventTask; readonly delayMs: number } | undefined {
  const waitMs = RETRY_WAITS_MS[task.tries];
  if (waitMs === undefined) return undefined;
  const sinceMs = task.sinceMs ?? nowMs;
  const delayMs = Math.max(Math.round(waitMs * (1 + random / 10)), retryAfterMs);
  if (nowMs + delayMs > sinceMs + EVENT_LIFE_MS) return undefined;
  return { task: { ...task, tries: task.tries + 1, sinceMs }, delayMs };
}

/** The same delivery later, not counted; undefined when the event has become too old meanwhile. */
export function putOff(task: EventTask, nowMs: number): EventTask | undefined {
  const sinceMs = task.sinceMs ?? nowMs;
  return nowMs > sinceMs + EVENT_LIFE_MS ? undefined : { ...task, sinceMs };
}

/** `Retry-After` in ms: seconds or an HTTP date (RFC 9110 10.2.3). Zero when it is neither. */
export function retryAfterMs(header: string | undefined, nowMs: number): number {
  if (header === undefined) return 0;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isFinite(atMs) ? Math.max(0, atMs - nowMs) : 0;
}
