/** Recipients submitted, by the half hour they were submitted in (start → count), for the sliding 24 hours. */
export type RecipientLog = readonly (readonly [startMs: number, count: number])[];

const BUCKET_MS = 30 * 60_000;
const DAY_MS = 24 * 3_600_000;

/** What still counts. */
export function recentRecipients(log: RecipientLog, nowMs: number): RecipientLog {
  return log.filter(([startMs]) => startMs + BUCKET_MS + DAY_MS > nowMs);
}

/** When `wanted` more recipients fit under the day's limit; `nowMs` when they do now. A message larger than the limit goes alone. */
export function quotaFreeAtMs(log: RecipientLog, wanted: number, perDay: number, nowMs: number): number {
  let used = log.reduce((sum, [, count]) => sum + count, 0);
  if (used === 0 || used + wanted <= perDay) return nowMs;
  for (const [startMs, count] of log) {
    used -= count;
    if (used === 0 || used + wanted <= perDay) return startMs + BUCKET_MS + DAY_MS;
  }
  return nowMs;
}

/** Counts recipients; a negative `count` takes back what was counted and not submitted. */
export function withRecipients(log: RecipientLog, count: number, nowMs: number): RecipientLog {
  const startMs = Math.floor(nowMs / BUCKET_MS) * BUCKET_MS;
  const last = log.at(-1);
  if (count < 0) return last ? [...log.slice(0, -1), [last[0], Math.max(0, last[1] + count)]] : log;
  return last?.[0] === startMs ? [...log.slice(0, -1), [startMs, last[1] + count]] : [...log, [startMs, count]];
}
