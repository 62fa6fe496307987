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

/** Takes back recipients that were counted and not submitted, from the newest half hours. */
export function withoutRecipients(log: RecipientLog, count: number): RecipientLog {
  const last = log.at(-1);
  if (!last || count <= 0) return log;
  const older = log.slice(0, -1);
  return last[1] > count ? [...older, [last[0], last[1] - count]] : withoutRecipients(older, count - last[1]);
}

/** Counts recipients. */
export function withRecipients(log: RecipientLog, count: number, nowMs: number): RecipientLog {
  const startMs = Math.floor(nowMs / BUCKET_MS) * BUCKET_MS;
  const last = log.at(-1);
  return last?.[0] === startMs ? [...log.slice(0, -1), [startMs, last[1] + count]] : [...log, [startMs, count]];
}
