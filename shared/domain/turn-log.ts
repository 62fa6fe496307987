/** The turns of the last minute and those given out ahead, counted by ticks: `counts[i]` fell into tick `fromTick + i`. */
export interface TurnLog {
  readonly fromTick: number;
  readonly counts: readonly number[];
}

export const NO_TURNS: TurnLog = { fromTick: 0, counts: [] };

const TICK_MS = 150;
/**
 * A turn counts for a minute and more than a second: what Exchange counts is when it takes a message, and that is a little after
 * the turn, by different amounts.
 */
const WINDOW_MS = 61_300;

/** The earliest time from `atMs` on at which one more turn leaves no window with more than `limit`. */
export function freeAtMs(log: TurnLog, limit: number, atMs: number): number {
  let excess = log.counts.reduce((sum, count) => sum + count, 0) - limit;
  let freeMs = atMs;
  for (const [index, count] of log.counts.entries()) {
    const endMs = endOfTickMs(log, index);
    if (excess < 0 && endMs > atMs) break;
    excess -= count;
    if (count > 0) freeMs = Math.max(freeMs, endMs);
  }
  return freeMs;
}

/** The log with one more turn at `atMs`; what no longer counts at `nowMs` is left out. */
export function withTurn(log: TurnLog, atMs: number, nowMs: number): TurnLog {
  const stale = log.counts.findIndex((count, index) => count > 0 && endOfTickMs(log, index) > nowMs);
  const tick = Math.floor(atMs / TICK_MS);
  if (stale < 0) return { fromTick: tick, counts: [1] };
  const fromTick = Math.min(log.fromTick + stale, tick);
  const counts = [...Array<number>(log.fromTick + stale - fromTick).fill(0), ...log.counts.slice(stale)];
  while (counts.length <= tick - fromTick) counts.push(0);
  counts[tick - fromTick] = (counts[tick - fromTick] ?? 0) + 1;
  return { fromTick, counts };
}

/** The log without turns that lie after `endMs`. */
export function turnsUntil(log: TurnLog, endMs: number): TurnLog {
  const ticks = Math.floor(endMs / TICK_MS) - log.fromTick;
  if (log.counts.length <= ticks) return log;
  return ticks <= 0 ? NO_TURNS : { ...log, counts: log.counts.slice(0, ticks) };
}

/** The log without one of the turns at `atMs`: it was not used. */
export function withoutTurn(log: TurnLog, atMs: number): TurnLog {
  const index = Math.floor(atMs / TICK_MS) - log.fromTick;
  const count = log.counts[index] ?? 0;
  if (count === 0) return log;
  return { ...log, counts: log.counts.map((one, at) => (at === index ? one - 1 : one)) };
}

/** Turns whose time lies after `fromMs` and no later than `toMs`; exact to a tick. */
export function turnsWithin(log: TurnLog, fromMs: number, toMs: number): number {
  return log.counts.reduce((sum, count, index) => {
    const startMs = (log.fromTick + index) * TICK_MS;
    return startMs > fromMs - TICK_MS && startMs <= toMs ? sum + count : sum;
  }, 0);
}

/** When turns of a tick have ceased to count. */
function endOfTickMs(log: TurnLog, index: number): number {
  return (log.fromTick + index + 1) * TICK_MS + WINDOW_MS;
}
