import { type Breaker, CLOSED, passage } from './breaker.ts';
import { type HeldFrom, heldUntilMs, withTrialOf } from './held-from.ts';
import {
  quotaFreeAtMs,
  type RecipientLog,
  recentRecipients,
  withoutRecipients,
  withRecipients,
} from './recipient-log.ts';
import type { MailboxLimits } from './sender.ts';
import { freeAtMs, NO_TURNS, type TurnLog, turnsUntil, turnsWithin, withoutTurn, withTurn } from './turn-log.ts';

/** What all instances share of one mailbox: one table entity, written by ETag. Times in ms since 1970. */
export interface MailboxState {
  /** GCRA: when the next turn would be due if all were `turnMs` apart. Turns may run ahead of it by CATCH_UP_MS. */
  readonly nextTurnMs: number;
  /** The last turn given out. */
  readonly lastTurnMs: number;
  readonly turns: TurnLog;
  /** The end of the line: up to here wake-ups have been spread; who comes later is spread after it. */
  readonly promisedMs: number;
  /** More messages are parked than the line holds: until then newcomers are parked behind them. */
  readonly backlogUntilMs: number;
  readonly recipients: RecipientLog;
  readonly breaker: Breaker;
  readonly heldFrom?: HeldFrom;
  /** The connection that an instance without one asks its holder to give up. */
  readonly slotWanted?: SlotWanted | undefined;
}

export interface SlotWanted {
  readonly slot: number;
  readonly untilMs: number;
}

export const NEW_MAILBOX: MailboxState = {
  nextTurnMs: 0,
  lastTurnMs: 0,
  turns: NO_TURNS,
  promisedMs: 0,
  backlogUntilMs: 0,
  recipients: [],
  breaker: CLOSED,
};

/**
 * Turns are this much further apart than the limit asks. What Exchange counts is when it takes a message, not when the
 * turn was: 31 messages span 30 turns, and 2.5 % of a minute is what they may be early or late against each other.
 */
const MARGIN = 1.025;
/** Turns that nobody was there for are made up: up to so many ms of them, as far as the minute has room. */
const CATCH_UP_MS = 15_000;
/** While that is done, turns are so much of their distance apart: half as fast again as usual. */
const CATCH_UP_SPACING = 0.66;
/** How many distances ahead turns are given to messages of normal priority: one of high priority comes right after these. */
const TURNS_AHEAD = 3;
/** And in ms, since a turn is waited for inside an invocation; the last of them is kept for high priority. */
const MAX_AHEAD_MS = 5_000;
const MINUTE_MS = 60_000;
/** Wake-ups are spread this far; what comes later is parked. */
const PROMISE_AHEAD_MS = 120_000;
/**
 * A newcomer is parked beyond this already: a place is a write of its own, and what is parked gets its places from `sweep`,
 * a minute later at most and all in one write.
 */
const NEWCOMER_AHEAD_MS = 80_000;
/** Longer than `sweep` takes to look again at what is parked. */
const BACKLOG_MS = 90_000;
/** Times further in the future than they can be, by more than this, come from a clock that is wrong. They must not block those that are right. */
const CLOCK_SKEW_MS = 120_000;

export interface Ask {
  readonly isHigh: boolean;
  readonly recipients: number;
  readonly from?: string;
  /** When it was told to come: it has a place in line, and newcomers do not go before it. */
  readonly promisedMs?: number;
  /**
   * No turn is wanted: `process` has no connection of the mailbox, so that a turn would be lost on it; `newcomer` has just
   * been accepted and takes its place in line.
   */
  readonly placeFor?: 'process' | 'newcomer';
}

export type Answer =
  /** Submit at `atMs`, no earlier and little later. */
  | { readonly kind: 'turn'; readonly atMs: number; readonly isTrial: boolean }
  /** Ask again at `atMs`. */
  | { readonly kind: 'later'; readonly atMs: number }
  /** Its turn is near, and only an instance with a connection can use it. */
  | { readonly kind: 'elsewhere' }
  /** So much waits already that the message is better parked. */
  | { readonly kind: 'park' }
  | { readonly kind: 'shut'; readonly untilMs: number; readonly code: string }
  | { readonly kind: 'quota'; readonly untilMs: number }
  /** The mailbox may not send as this From, as far as is known. */
  | { readonly kind: 'held'; readonly untilMs: number };

/** Time between two turns in ms. */
export function turnMs(limits: MailboxLimits): number {
  return (60_000 / limits.messagesPerMinute) * MARGIN;
}

/** When the next turn is, whoever asks for it. */
export function earliestTurnMs(state: MailboxState, limits: MailboxLimits, nowMs: number): number {
  const gap = turnMs(limits);
  const spacedMs = Math.max(nowMs, state.nextTurnMs - CATCH_UP_MS, state.lastTurnMs + gap * CATCH_UP_SPACING);
  // Whole milliseconds: a timer knows no others, and a wait for a fraction of one would end before its time.
  return Math.ceil(freeAtMs(state.turns, Math.max(1, Math.ceil(limits.messagesPerMinute)), spacedMs));
}

/**
 * Answers the asks of one process together, in their order, and gives the state to be written. Pure; when the write fails
 * the asks are answered anew from what the winner wrote.
 *
 * GCRA keeps the turns apart, so that n messages take n ÷ rate, and makes up what was missed; the log of the last minute
 * holds that within the limit.
 */
export function answerAsks(
  state: MailboxState,
  asks: readonly Ask[],
  limits: MailboxLimits,
  nowMs: number,
): { readonly state: MailboxState; readonly answers: readonly Answer[] } {
  const gap = turnMs(limits);
  const normalAheadMs = Math.max(0, Math.min(MAX_AHEAD_MS - gap, gap * TURNS_AHEAD));
  let now = atPresent(state, limits, nowMs);
  let toldToWait = 0;

  function answer(ask: Ask): Answer {
    const pass = passage(now.breaker, nowMs);
    if (pass.kind === 'shut') return pass;
    const heldMs = heldUntilMs(now.heldFrom ?? [], ask.from ?? '', nowMs);
    if (heldMs !== undefined) return { kind: 'held', untilMs: heldMs };
    const quotaMs = quotaFreeAtMs(now.recipients, ask.recipients, limits.recipientsPerDay, nowMs);
    if (quotaMs > nowMs) return { kind: 'quota', untilMs: quotaMs };
    const atMs = earliestTurnMs(now, limits, nowMs);
    if (ask.placeFor === 'newcomer') return placeInLine(ask, Math.max(nowMs, atMs - normalAheadMs));
    const isTrial = pass.kind === 'trial';
    const aheadMs = ask.isHigh ? MAX_AHEAD_MS : normalAheadMs;
    if (isTrial || (atMs - nowMs <= aheadMs && isNext(ask))) {
      if (ask.placeFor && !isTrial) return { kind: 'elsewhere' };
      const recipients = withRecipients(now.recipients, ask.recipients, nowMs);
      const { heldFrom } = now;
      now = {
        ...withGivenTurn(now, atMs, gap, nowMs),
        recipients,
        breaker: isTrial ? pass.breaker : now.breaker,
        ...(heldFrom ? { heldFrom: withTrialOf(heldFrom, ask.from ?? '', nowMs) } : {}),
      };
      return { kind: 'turn', atMs, isTrial };
    }
    if (ask.isHigh || ask.promisedMs !== undefined) {
      if (ask.placeFor && atMs - nowMs <= MAX_AHEAD_MS) return { kind: 'elsewhere' };
      return {
        kind: 'later',
        atMs: Math.ceil(Math.max(nowMs, atMs - aheadMs) + gap * CATCH_UP_SPACING * toldToWait++),
      };
    }
    return placeInLine(ask, Math.max(nowMs + normalAheadMs, atMs - normalAheadMs));
  }

  /** Nobody waits before it, or the mailbox is behind with its turns anyway. */
  function isNext(ask: Ask): boolean {
    return ask.isHigh || ask.promisedMs !== undefined || now.promisedMs <= nowMs + gap || now.nextTurnMs <= nowMs;
  }

  function placeInLine(ask: Ask, earliestMs: number): Answer {
    const promiseMs = Math.ceil(Math.max(now.promisedMs, earliestMs));
    const isBehindParked = now.backlogUntilMs > nowMs && promiseMs - nowMs > MAX_AHEAD_MS;
    if (isBehindParked) return { kind: 'park' };
    if (promiseMs - nowMs > (ask.placeFor === 'newcomer' ? NEWCOMER_AHEAD_MS : PROMISE_AHEAD_MS)) {
      now = { ...now, backlogUntilMs: nowMs + BACKLOG_MS };
      return { kind: 'park' };
    }
    if (ask.placeFor === 'process' && promiseMs - nowMs <= MAX_AHEAD_MS) return { kind: 'elsewhere' };
    now = { ...now, promisedMs: promiseMs + gap };
    return { kind: 'later', atMs: promiseMs };
  }

  const before = now;
  const answers = asks.map(answer);
  return { state: now === before ? state : now, answers };
}

/** The state without what is over, and without what no clock that is right would have written. */
function atPresent(state: MailboxState, limits: MailboxLimits, nowMs: number): MailboxState {
  const gap = turnMs(limits);
  // Not the latest that they can be: that moves on with the clock, and nobody's turn would ever come.
  const plausible = (atMs: number, aheadMs: number) => (atMs > nowMs + aheadMs + gap + CLOCK_SKEW_MS ? nowMs : atMs);
  return {
    ...state,
    nextTurnMs: plausible(state.nextTurnMs, MAX_AHEAD_MS + CATCH_UP_MS),
    lastTurnMs: plausible(state.lastTurnMs, MAX_AHEAD_MS),
    promisedMs: plausible(state.promisedMs, PROMISE_AHEAD_MS),
    backlogUntilMs: plausible(state.backlogUntilMs, BACKLOG_MS),
    turns: turnsUntil(state.turns, nowMs + CLOCK_SKEW_MS),
    recipients: recentRecipients(state.recipients, nowMs),
  };
}

function withGivenTurn(state: MailboxState, atMs: number, gap: number, nowMs: number): MailboxState {
  return {
    ...state,
    nextTurnMs: Math.max(state.nextTurnMs, atMs) + gap,
    lastTurnMs: atMs,
    turns: withTurn(state.turns, atMs, nowMs),
  };
}

/**
 * A turn that is used later than it was: the minute's count must know when. Else a halt of some seconds would show a minute
 * later, when the turns no longer count here but the messages still do at Exchange.
 */
export function moveTurn(state: MailboxState, fromMs: number, nowMs: number): MailboxState {
  return { ...state, turns: withTurn(withoutTurn(state.turns, fromMs), nowMs, nowMs) };
}

/** Recipients of an attempt that Exchange refused: they do not count against the day. */
export function giveRecipientsBack(state: MailboxState, recipients: number): MailboxState {
  return { ...state, recipients: withoutRecipients(state.recipients, recipients) };
}

/** A turn that could not be used goes back, and is made up soon. */
export function giveTurnBack(
  state: MailboxState,
  atMs: number,
  recipients: number,
  limits: MailboxLimits,
): MailboxState {
  const turns = withoutTurn(state.turns, atMs);
  if (turns === state.turns) return state;
  return {
    ...state,
    turns,
    nextTurnMs: state.nextTurnMs - turnMs(limits),
    recipients: withoutRecipients(state.recipients, recipients),
  };
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
  const present = atPresent(state, limits, nowMs);
  let promisedMs = Math.max(present.promisedMs, nowMs, present.nextTurnMs - gap * TURNS_AHEAD);
  while (wakeAtMs.length < count && promisedMs <= untilMs) {
    wakeAtMs.push(Math.ceil(promisedMs));
    promisedMs += gap;
  }
  const backlogUntilMs = wakeAtMs.length < count ? nowMs + BACKLOG_MS : 0;
  if (wakeAtMs.length === 0 && backlogUntilMs === 0 && state.backlogUntilMs === 0) return { state, wakeAtMs };
  return {
    state: { ...present, promisedMs: wakeAtMs.length === 0 ? present.promisedMs : promisedMs, backlogUntilMs },
    wakeAtMs,
  };
}

/** When a newcomer would be sent; infinity while the breaker or the day's recipients keep it from that. */
export function outlookMs(seen: MailboxState, recipients: number, limits: MailboxLimits, nowMs: number): number {
  const state = atPresent(seen, limits, nowMs);
  const pass = passage(state.breaker, nowMs);
  if (pass.kind === 'shut') return Number.POSITIVE_INFINITY;
  if (pass.kind === 'trial') return nowMs;
  if (quotaFreeAtMs(state.recipients, recipients, limits.recipientsPerDay, nowMs) > nowMs)
    return Number.POSITIVE_INFINITY;
  return Math.max(earliestTurnMs(state, limits, nowMs), state.promisedMs, state.backlogUntilMs);
}

/** Recipients submitted in the last 24 hours. */
export function recipientsUsed(state: MailboxState, nowMs: number): number {
  return recentRecipients(state.recipients, nowMs).reduce((sum, [, count]) => sum + count, 0);
}

/** Turns that fell into the last minute: what the mailbox has used of its rate. */
export function turnsUsed({ turns }: MailboxState, nowMs: number): number {
  return turnsWithin(turns, nowMs - MINUTE_MS, nowMs);
}
