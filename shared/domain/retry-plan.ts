import type { RetryKind } from './diagnosis/diagnosis.ts';

interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
  /** Attempts of the same failure after which the message ends; absent = only the deadline ends it. */
  readonly maxTries?: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

const PLANS: Record<Exclude<RetryKind, 'never'>, Backoff> = {
  soon: { baseMs: 30 * SECOND, capMs: 30 * MINUTE },
  slow: { baseMs: 5 * MINUTE, capMs: 30 * MINUTE },
  afterAuthFix: { baseMs: 2 * MINUTE, capMs: 15 * MINUTE },
  onceRefreshed: { baseMs: 2 * MINUTE, capMs: 15 * MINUTE },
  quotaWindow: { baseMs: 30 * MINUTE, capMs: 60 * MINUTE },
  fewTries: { baseMs: 30 * SECOND, capMs: 10 * MINUTE, maxTries: 5 },
};

/** A floor under the jitter, so that a lucky draw does not hit a struggling server in the same second. */
const MIN_DELAY_MS = 1 * SECOND;
/** No wait that a server asks for is believed beyond this; the deadline of the message is the real bound. */
const MAX_ASKED_MS = 24 * 60 * MINUTE;

/**
 * Delay before the next attempt in ms, or undefined when there is to be none.
 *
 * Full jitter in [1 s, min(cap, base × 2^(n−1))], never less than what the server asked for.
 *
 * @param failures how often this kind of failure has now happened in a row, 1 for the first
 * @param random a number in [0, 1)
 * @param retryAfterMs wait that the service named, in ms
 * Source: AWS Builders' Library, "Timeouts, retries and backoff with jitter".
 */
export function retryDelayMs(kind: RetryKind, failures: number, random: number, retryAfterMs = 0): number | undefined {
  if (kind === 'never') return undefined;
  const plan = PLANS[kind];
  if (plan.maxTries !== undefined && failures >= plan.maxTries) return undefined;
  const ceiling = Math.min(plan.capMs, plan.baseMs * 2 ** Math.min(failures - 1, 20));
  const jittered = Math.max(MIN_DELAY_MS, Math.floor(random * ceiling));
  return Math.max(jittered, Math.min(retryAfterMs, MAX_ASKED_MS));
}
