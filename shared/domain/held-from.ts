/** A From address that Exchange did not let the mailbox send as. Times in ms since 1970. */
interface Refused {
  /** In small letters. */
  readonly from: string;
  /** Refusals in a row. */
  readonly times: number;
  readonly lastMs: number;
  /** Until then nothing is submitted with this From; after it one message as a trial. */
  readonly untilMs: number;
}

/**
 * What is remembered of From addresses that a mailbox may not send as. Exchange shuts a whole mailbox off after continuous
 * refusals of this kind (`550 5.2.252`; Microsoft, "Continuous error throttling for SMTP AUTH"), so after a few of them
 * messages with that From wait, and all others of the mailbox go on.
 */
export type HeldFrom = readonly Refused[];

/** So many are answered at once, each with its cause: a wrong From shows itself to whoever tries it out. */
const ANSWERED = 3;
const MINUTE_MS = 60_000;
const FIRST_HOLD_MS = 15 * MINUTE_MS;
const MAX_HOLD_MS = 240 * MINUTE_MS;
/** How long a trial may take before another one is allowed. */
const TRIAL_MS = 2 * MINUTE_MS;
const FORGET_MS = 24 * 60 * MINUTE_MS;
const MAX_REMEMBERED = 50;

/** Until when messages with this From wait; undefined when they need not. */
export function heldUntilMs(held: HeldFrom, from: string, nowMs: number): number | undefined {
  const found = find(held, from);
  return found && found.untilMs > nowMs ? found.untilMs : undefined;
}

/** One more refusal. The hold doubles with each that comes after the first few. */
export function afterRefusedFrom(held: HeldFrom, from: string, nowMs: number): HeldFrom {
  const times = (find(held, from)?.times ?? 0) + 1;
  const holdMs = times < ANSWERED ? 0 : Math.min(MAX_HOLD_MS, FIRST_HOLD_MS * 2 ** Math.min(times - ANSWERED, 10));
  const entry = { from: from.toLowerCase(), times, lastMs: nowMs, untilMs: nowMs + holdMs };
  const others = without(held, from).filter(one => one.lastMs > nowMs - FORGET_MS);
  return [...others.slice(1 - MAX_REMEMBERED), entry];
}

/** A message goes out with this From: where that is a trial, the others wait for what becomes of it. */
export function withTrialOf(held: HeldFrom, from: string, nowMs: number): HeldFrom {
  const found = find(held, from);
  if (!found || found.times < ANSWERED) return held;
  return [...without(held, from), { ...found, untilMs: nowMs + TRIAL_MS }];
}

/** Exchange took a message with this From. */
export function afterSentFrom(held: HeldFrom, from: string): HeldFrom {
  return find(held, from) ? without(held, from) : held;
}

function find(held: HeldFrom, from: string): Refused | undefined {
  const wanted = from.toLowerCase();
  return held.find(one => one.from === wanted);
}

function without(held: HeldFrom, from: string): HeldFrom {
  const wanted = from.toLowerCase();
  return held.filter(one => one.from !== wanted);
}
