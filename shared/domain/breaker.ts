import type { BreakerEffect, FailureStage } from './diagnosis/diagnosis.ts';

/** What is remembered of the failure that opened a breaker. */
interface Opened {
  readonly sinceMs: number;
  readonly code: string;
  /** Only time brings the next trial: every further try prolongs the shut-off. */
  readonly timeOnly: boolean;
  /** The sign-in went well before it failed, so a good sign-in proves nothing: only a message that Exchange takes closes it. */
  readonly needsSend: boolean;
  /** How often in a row it has opened for a cause of this kind; doubles the wait. */
  readonly times: number;
}

/**
 * The breaker of one mailbox. While it is open nothing is submitted and no attempt is spent; when its time is up one
 * message goes as a trial.
 */
export type Breaker =
  | { readonly state: 'closed' }
  | (Opened & { readonly state: 'open'; readonly trialAtMs: number })
  /** The trial counts as lost after `trialEndsAtMs`. */
  | (Opened & { readonly state: 'halfOpen'; readonly trialEndsAtMs: number });

export const CLOSED: Breaker = { state: 'closed' };

const SECOND = 1000;
const HOUR = 3_600_000;
/** A refusal of sign-in is often mended by a person: looked at again soon, then every five minutes. */
const FIRST_TRIAL_MS = 60 * SECOND;
const MAX_TRIAL_MS = 300 * SECOND;
/** `550 5.2.25x`: each further try prolongs the shut-off (Microsoft, "Continuous error throttling for SMTP AUTH"). */
const FIRST_SHUT_OFF_MS = HOUR;
const MAX_SHUT_OFF_MS = 24 * HOUR;
const TRIAL_MS = 120 * SECOND;

/** Stages that a session reaches only after a good sign-in. */
const BEYOND_SIGN_IN: ReadonlySet<FailureStage> = new Set(['mail', 'rcpt', 'data', 'content', 'final']);

/** What a mailbox may do now: send, send one as a trial, or wait until `untilMs`. */
export type Passage =
  | { readonly kind: 'free' }
  | { readonly kind: 'trial'; readonly breaker: Breaker }
  | { readonly kind: 'shut'; readonly untilMs: number; readonly code: string };

export function passage(breaker: Breaker, nowMs: number): Passage {
  if (breaker.state === 'closed') return { kind: 'free' };
  const dueMs = breaker.state === 'open' ? breaker.trialAtMs : breaker.trialEndsAtMs;
  if (nowMs < dueMs) return { kind: 'shut', untilMs: dueMs, code: breaker.code };
  const { sinceMs, code, timeOnly, needsSend, times } = breaker;
  return {
    kind: 'trial',
    breaker: { state: 'halfOpen', sinceMs, code, timeOnly, needsSend, times, trialEndsAtMs: nowMs + TRIAL_MS },
  };
}

/**
 * After a failure that counts. One while it is open already (another instance was under way) changes nothing, unless it
 * shows that more is needed to close it. A trial that fails for another reason takes back nothing of what is needed.
 *
 * @param stage where the failure was seen: past the sign-in, a sign-in cannot disprove it
 */
export function afterFailure(
  breaker: Breaker,
  effect: Exclude<BreakerEffect, 'none'>,
  code: string,
  nowMs: number,
  stage: FailureStage = 'auth',
): Breaker {
  const timeOnly = effect === 'timeOnly';
  const needsSend = timeOnly || BEYOND_SIGN_IN.has(stage);
  if (breaker.state === 'open' && (breaker.timeOnly || !timeOnly)) {
    return needsSend && !breaker.needsSend ? { ...breaker, code, needsSend } : breaker;
  }
  // The trial after a shut-off did not get so far as to ask about it: it stays what it was, and the next trial is near.
  if (breaker.state === 'halfOpen' && breaker.timeOnly && !timeOnly) {
    const { trialEndsAtMs: _ended, ...opened } = breaker;
    return { ...opened, state: 'open', trialAtMs: nowMs + MAX_TRIAL_MS };
  }
  // A wait doubles with the failures of its own kind.
  const times = breaker.state === 'closed' || breaker.timeOnly !== timeOnly ? 1 : breaker.times + 1;
  const sinceMs = breaker.state === 'closed' ? nowMs : breaker.sinceMs;
  const [first, most] = timeOnly ? [FIRST_SHUT_OFF_MS, MAX_SHUT_OFF_MS] : [FIRST_TRIAL_MS, MAX_TRIAL_MS];
  return {
    state: 'open',
    sinceMs,
    code,
    timeOnly,
    needsSend: needsSend || (breaker.state !== 'closed' && breaker.needsSend),
    times,
    trialAtMs: nowMs + Math.min(most, first * 2 ** Math.min(times - 1, 10)),
  };
}

/** After a message that Exchange took. Closes from any state: nothing proves more than a 250. */
export function afterSuccess(_breaker: Breaker): Breaker {
  return CLOSED;
}

/** After a good probe, which is a sign-in: closes only what a sign-in can disprove. */
export function afterGoodProbe(breaker: Breaker): Breaker {
  return breaker.state === 'closed' || breaker.timeOnly || breaker.needsSend ? breaker : CLOSED;
}
