import { type Breaker, CLOSED, passage } from './breaker.ts';
import type { MailboxLimits } from './sender.ts';

/** What all instances share of one mailbox: one table entity, written by ETag. Times in ms since 1970. */
export interface MailboxState {
  /** GCRA: the earliest time of the next turn. */
  readonly nextTurnMs: number;
  /** Up to here wake-ups have been spread; who comes later is spread after it. */
  readonly promisedMs: number;
  /** Turns given out, by the ten seconds they fall in (start → count); for the figures only, no limit is kept by it. */
  readonly turns: readonly (readonly [startMs: number, count: number])[];
  /** Recipients submitted, by the half hour they were submitted in (start → count), for the sliding 24 hours. */
  readonly recipients: readonly (readonly [startMs: number, count: number])[];
  readonly breaker: Breaker;
  /** An instance without a connection slot waits for one until then: whoever is idle gives one up. */
  readonly slotWantedUntilMs: number;
}

export const NEW_MAILBOX: MailboxState = {
  nextTurnMs: 0,
  promisedMs: 0,
  turns: [],
  recipients: [],
  breaker: CLOSED,
  slotWantedUntilMs: 0,
};

/**
 * Turns are this much further apart than the limit asks. What Exchange counts is when it takes a message, not when the
 * turn was: 31 messages span 30 turns, and 2 % of a minute is what they may be early or late against each other.
 */
const MARGIN = 1.02;
/** How far ahead turns are given out to messages of normal priority: one of high priority comes right after these. */
const TURNS_AHEAD = 4;
/** And in ms, since a turn is waited for inside an invocation; the last of them is kept for high priority. */
const MAX_AHEAD_MS = 5_000;
/** Wake-ups are spread this far; what comes later is parked. */
const PROMISE_AHEAD_MS = 120_000;

const TURN_BUCKET_MS = 10_000;
const MINUTE_MS = 60_000;
const BUCKET_MS = 30 * 60_000;
const DAY_MS = 24 * 3_600_000;

export interface Ask {
  readonly isHigh: boolean;
  readonly recipients: number;
}

export type Answer =
  /** Submit at `atMs`, no earlier and little later. */
  | { readonly kind: 'turn'; readonly atMs: number; readonly isTrial: boolean }
  /** Ask again at `atMs`. */
  | { readonly kind: 'later'; readonly atMs: number }
  /** So much waits already that the message is better parked. */
  | { readonly kind: 'park' }
  | { readonly kind: 'shut'; readonly untilMs: number; readonly code: string }
  | { readonly kind: 'quota'; readonly untilMs: number };

/** Time between two turns in ms. */
export function turnMs(limits: MailboxLimits): number {
  return (60_000 / limits.messagesPerMinute) * MARGIN;
}

/**
 * Answers the asks of one process together, in their order (high priority first), and gives the state to be written.
 * Pure; when the write fails the asks are answered anew from what the winner wrote.
 *
 * GCRA with a burst of one (turns are at least `turnMs` apart) rather than a window count: n messages then take
 * n ÷ rate, and no window of a minute can hold more than the limit.
 */
export function answerAsks(
  state: MailboxState,
  asks: readonly Ask[],
  limits: MailboxLimits,
  nowMs: number,
): { readonly state: MailboxState; readonly answers: readonly Answer[] } {
  const gap = turnMs(limits);
  let { nextTurnMs, promisedMs, breaker } = state;
  let turns: Counts = state.turns.filter(([start]) => start + TURN_BUCKET_MS + MINUTE_MS > nowMs);
  let recipients: Counts = state.recipients.filter(([start]) => start + BUCKET_MS + DAY_MS > nowMs);
  const answers = asks.map((ask): Answer => {
    const pass = passage(breaker, nowMs);
    if (pass.kind === 'shut') return pass;
    const quotaMs = quotaFreeAtMs(recipients, ask.recipients, limits.recipientsPerDay, nowMs);
    if (quotaMs > nowMs) return { kind: 'quota', untilMs: quotaMs };
    const atMs = Math.max(nowMs, nextTurnMs);
    const aheadMs = ask.isHigh ? MAX_AHEAD_MS : Math.max(0, Math.min(MAX_AHEAD_MS - gap, gap * TURNS_AHEAD));
    if (atMs - nowMs <= aheadMs || pass.kind === 'trial') {
      nextTurnMs = atMs + gap;
      turns = counted(turns, 1, atMs, TURN_BUCKET_MS);
      recipients = counted(recipients, ask.recipients, nowMs, BUCKET_MS);
      if (pass.kind === 'trial') breaker = pass.breaker;
      return { kind: 'turn', atMs, isTrial: pass.kind === 'trial' };
    }
    if (ask.isHigh) return { kind: 'later', atMs };
    const promise = Math.max(promisedMs, nowMs + aheadMs, atMs - gap * (TURNS_AHEAD - 1));
    if (promise - nowMs > PROMISE_AHEAD_MS) return { kind: 'park' };
    promisedMs = promise + gap;
    return { kind: 'later', atMs: promise };
  });
  return { state: { ...state, nextTurnMs, promisedMs, turns, recipients, breaker }, answers };
}

/** Spreads the wake-ups of up to `count` parked messages over the time to `untilMs`; fewer where it does not hold them. */
export function promiseWakeUps(
  state: MailboxState,
  count: number,
  limits: MailboxLimits,
  nowMs: number,
  untilMs: number,
): { readonly state: MailboxState; readonly wakeAtMs: readonly number[] } {
  const gap = turnMs(limits);
  const wakeAtMs: number[] = [];
  let promisedMs = Math.max(state.promisedMs, nowMs, state.nextTurnMs - gap * TURNS_AHEAD);
  while (wakeAtMs.length < count && promisedMs <= untilMs) {
    wakeAtMs.push(promisedMs);
    promisedMs += gap;
  }
  return { state: wakeAtMs.length === 0 ? state : { ...state, promisedMs }, wakeAtMs };
}

/** Recipients submitted in the last 24 hours. */
export function recipientsUsed(state: MailboxState, nowMs: number): number {
  return state.recipients.reduce((sum, [start, count]) => (start + BUCKET_MS + DAY_MS > nowMs ? sum + count : sum), 0);
}

/**
 * Turns that fell into the last minute: what the mailbox has used of its rate. Exact to ten seconds: of the bucket that
 * the minute begins in, as large a share counts as lies within it.
 */
export function turnsUsed({ turns }: MailboxState, nowMs: number): number {
  const fromMs = nowMs - MINUTE_MS;
  const used = turns.reduce((sum, [start, count]) => {
    if (start > nowMs || start + TURN_BUCKET_MS <= fromMs) return sum;
    return sum + count * Math.min(1, (start + TURN_BUCKET_MS - fromMs) / TURN_BUCKET_MS);
  }, 0);
  return Math.round(used);
}

/** When `wanted` more recipients fit under the day's limit; `nowMs` when they do now. A message larger than the limit goes alone. */
function quotaFreeAtMs(recipients: MailboxState['recipients'], wanted: number, perDay: number, nowMs: number): number {
  let used = recipients.reduce((sum, [, count]) => sum + count, 0);
  if (used === 0 || used + wanted <= perDay) return nowMs;
  for (const [start, count] of recipients) {
    used -= count;
    if (used === 0 || used + wanted <= perDay) return start + BUCKET_MS + DAY_MS;
  }
  return nowMs;
}

type Counts = readonly (readonly [startMs: number, count: number])[];

function counted(counts: Counts, more: number, atMs: number, bucketMs: number): Counts {
  const start = Math.floor(atMs / bucketMs) * bucketMs;
  const last = counts.at(-1);
  return last?.[0] === start ? [...counts.slice(0, -1), [start, last[1] + more]] : [...counts, [start, more]];
}
