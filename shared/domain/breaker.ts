import type { BreakerEffect } from './diagnosis/diagnosis.ts';

/**
 * The breaker of one mailbox. While it is open nothing is submitted and no attempt is spent; when its time is up one
 * message goes as a trial.
 */
export type Breaker =
  | { readonly state: 'closed' }
  | {
      readonly state: 'open';
      readonly sinceMs: number;
      readonly code: string;
      /** Only time closes it: sign-in goes on working there, so neither a probe nor a session proves anything. */
      readonly timeOnly: boolean;
      readonly trialAtMs: number;
      /** How often in a row it has opened; doubles the wait. */
      readonly times: number;
    }
  | {
      readonly state: 'halfOpen';
      readonly sinceMs: number;
      readonly code: string;
      readonly timeOnly: boolean;
      readonly times: number;
      /** The trial counts as lost after this. */
      readonly trialEndsAtMs: number;
    };

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

/** What a mailbox may do now: send, send one as a trial, or wait until `untilMs`. */
export type Passage =
  | { readonly kind: 'free' }
  | { readonly kind: 'trial'; readonly breaker: Breaker }
  | { readonly kind: 'shut'; readonly untilMs: number; readonly code: string };

export function passage(breaker: Breaker, nowMs: number): Passage {
  if (breaker.state === 'closed') return { kind: 'free' };
  const dueMs = breaker.state === 'open' ? breaker.trialAtMs : breaker.trialEndsAtMs;
  if (nowMs < dueMs) return { kind: 'shut', untilMs: dueMs, code: breaker.code };
  const { sinceMs, code, timeOnly, times } = breaker;
  return {
    kind: 'trial',
    breaker: { state: 'halfOpen', sinceMs, code, timeOnly, times, trialEndsAtMs: nowMs + TRIAL_MS },
  };
}

/** After a failure that counts. A failure while it is open already (another instance was under way) changes nothing. */
export function afterFailure(
  breaker: Breaker,
  effect: Exclude<BreakerEffect, 'none'>,
  code: string,
  nowMs: number,
): Breaker {
  const timeOnly = effect === 'timeOnly';
  if (breaker.state === 'open' && (breaker.timeOnly || !timeOnly)) return breaker;
  const times = breaker.state === 'closed' ? 1 : breaker.times + 1;
  const sinceMs = breaker.state === 'closed' ? nowMs : breaker.sinceMs;
  const [first, most] = timeOnly ? [FIRST_SHUT_OFF_MS, MAX_SHUT_OFF_MS] : [FIRST_TRIAL_MS, MAX_TRIAL_MS];
  return {
    state: 'open',
    sinceMs,
    code,
    timeOnly,
    times,
    trialAtMs: nowMs + Math.min(most, first * 2 ** Math.min(times - 1, 10)),
  };
}

/** After a message that Exchange took. Closes from any state: nothing proves more than a 250. */
export function afterSuccess(_breaker: Breaker): Breaker {
  return CLOSED;
}

/** After a good probe: as good as a trial, except where only time counts. */
export function afterGoodProbe(breaker: Breaker): Breaker {
  return breaker.state === 'closed' || breaker.timeOnly ? breaker : CLOSED;
}
