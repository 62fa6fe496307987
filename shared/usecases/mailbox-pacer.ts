import { afterFailure, afterSuccess, type Breaker } from '../domain/breaker.ts';
import type { CatalogueEntry } from '../domain/diagnosis/diagnosis.ts';
import { type Answer, type Ask, answerAsks, type MailboxState, NEW_MAILBOX, promiseWakeUps } from '../domain/pacing.ts';
import type { Clock, Log, MailboxStates } from '../domain/ports.ts';
import type { MailboxLimits } from '../domain/sender.ts';

/** A mailbox with its limits: whose turns are asked for. */
export interface PacedMailbox {
  readonly mailbox: string;
  readonly limits: MailboxLimits;
}

/** Contention among instances is resolved by trying again on what the winner wrote; so often. */
const MAX_TRIES = 12;
/** What was written or read this lately may be taken for the state without reading it again: the write's ETag tells. */
const REMEMBER_MS = 60_000;
/** The breaker is looked at anew after this: a sign-in saved is worth a read. */
const FRESH_MS = 5_000;
const SLOT_WANTED_MS = 15_000;

interface Waiting {
  readonly ask: Ask;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

interface Desk {
  readonly waiting: Waiting[];
  known?: { readonly state: MailboxState; readonly etag: string | undefined; readonly atMs: number };
  busy: boolean;
}

/**
 * Turns of mailboxes, shared by all instances. The asks of one process are answered in blocks: one ETag write is under
 * way per mailbox and process, and whoever asks meanwhile is in the next one.
 */
export function mailboxPacer(states: MailboxStates, clock: Clock) {
  const desks = new Map<string, Desk>();

  function deskOf(mailbox: string): Desk {
    const key = mailbox.toLowerCase();
    let desk = desks.get(key);
    if (!desk) {
      desk = { waiting: [], busy: false };
      desks.set(key, desk);
    }
    return desk;
  }

  function ask(paced: PacedMailbox, wanted: Ask): Promise<Answer> {
    const desk = deskOf(paced.mailbox);
    return new Promise((resolve, reject) => {
      desk.waiting.push({ ask: wanted, resolve, reject });
      if (!desk.busy) void serve(paced, desk);
    });
  }

  async function serve(paced: PacedMailbox, desk: Desk): Promise<void> {
    desk.busy = true;
    try {
      while (desk.waiting.length > 0) {
        const block = desk.waiting.splice(0);
        block.sort((a, b) => Number(b.ask.isHigh) - Number(a.ask.isHigh));
        try {
          const asks = block.map(one => one.ask);
          const answers = await change(paced.mailbox, state => {
            const answered = answerAsks(state, asks, paced.limits, clock.now());
            return { state: answered.state, value: answered.answers };
          });
          for (const [index, one] of block.entries()) one.resolve(answers[index] as Answer);
        } catch (error) {
          for (const one of block) one.reject(error);
        }
      }
    } finally {
      desk.busy = false;
    }
  }

  /** Reads where nothing is known, applies `next`, writes if it changed anything, and starts over when somebody else wrote. */
  async function change<T>(
    mailbox: string,
    next: (state: MailboxState) => { readonly state: MailboxState; readonly value: T },
  ): Promise<T> {
    const desk = deskOf(mailbox);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const known = desk.known && clock.now() - desk.known.atMs < REMEMBER_MS ? desk.known : await read(mailbox, desk);
      const { state, value } = next(known.state);
      if (state === known.state) return value;
      const written = await states.write(mailbox, state, known.etag);
      if (written.ok) {
        desk.known = { state, etag: written.etag, atMs: clock.now() };
        return value;
      }
      delete desk.known;
      if (tries > 1) await clock.sleep(Math.ceil(clock.random() * 20 * tries));
    }
    throw new Error(`the state of mailbox ${mailbox} could not be written: too many instances at once`);
  }

  async function read(mailbox: string, desk: Desk): Promise<NonNullable<Desk['known']>> {
    const found = await states.read(mailbox);
    desk.known = { state: found?.state ?? NEW_MAILBOX, etag: found?.etag, atMs: clock.now() };
    return desk.known;
  }

  /** Wake-up times for up to `count` parked messages; none while the breaker is open, one when its trial is due. */
  async function planWakeUps(paced: PacedMailbox, count: number, untilMs: number): Promise<readonly number[]> {
    delete deskOf(paced.mailbox).known;
    return change(paced.mailbox, state => {
      const nowMs = clock.now();
      if (state.breaker.state !== 'closed') {
        const dueMs = state.breaker.state === 'open' ? state.breaker.trialAtMs : state.breaker.trialEndsAtMs;
        return { state, value: dueMs <= nowMs && count > 0 ? [nowMs] : [] };
      }
      const planned = promiseWakeUps(state, count, paced.limits, nowMs, untilMs);
      return { state: planned.state, value: planned.wakeAtMs };
    });
  }

  /** A failure that counts against the mailbox. Returns the breaker, and says so once when this opened it. */
  async function noteFailure(mailbox: string, entry: CatalogueEntry, log: Log): Promise<void> {
    if (entry.breaker === 'none') return;
    const effect = entry.breaker;
    const [before, after] = await changeBreaker(mailbox, breaker =>
      afterFailure(breaker, effect, entry.code, clock.now()),
    );
    if (after.state === 'open' && before !== after) {
      log('error', {
        event: 'breaker.opened',
        mailbox,
        code: entry.code,
        state: 'open',
        detail: `next trial at ${new Date(after.trialAtMs).toISOString()}`,
      });
    }
  }

  /** A message that Exchange took. Costs nothing while the breaker is known to be closed. Returns whether it closed now. */
  async function noteSuccess(mailbox: string, log: Log): Promise<boolean> {
    const { known } = deskOf(mailbox);
    if (known && known.state.breaker.state === 'closed') return false;
    const [before] = await changeBreaker(mailbox, afterSuccess);
    if (before.state === 'closed') return false;
    log('info', { event: 'breaker.closed', mailbox, state: 'closed', code: before.code });
    return true;
  }

  function changeBreaker(
    mailbox: string,
    next: (breaker: Breaker) => Breaker,
  ): Promise<readonly [before: Breaker, after: Breaker]> {
    return change(mailbox, state => {
      const breaker = next(state.breaker);
      return {
        state: breaker === state.breaker ? state : { ...state, breaker },
        value: [state.breaker, breaker] as const,
      };
    });
  }

  /** The breaker as last seen, read anew when that is a while ago. */
  async function breakerOf(mailbox: string): Promise<Breaker> {
    const desk = deskOf(mailbox);
    const { known } = desk;
    if (known && clock.now() - known.atMs < FRESH_MS) return known.state.breaker;
    return (await read(mailbox, desk)).state.breaker;
  }

  /** Tells the other instances that this one has no connection, so that an idle one is given up. */
  async function wantSlot(mailbox: string): Promise<void> {
    await change(mailbox, state => {
      const nowMs = clock.now();
      const isKnown = state.slotWantedUntilMs > nowMs + SLOT_WANTED_MS / 2;
      return { state: isKnown ? state : { ...state, slotWantedUntilMs: nowMs + SLOT_WANTED_MS }, value: undefined };
    });
  }

  /** Whether another instance waits for a connection of this mailbox, as far as this process knows. */
  function isSlotWanted(mailbox: string): boolean {
    return (deskOf(mailbox).known?.state.slotWantedUntilMs ?? 0) > clock.now();
  }

  return { ask, planWakeUps, noteFailure, noteSuccess, breakerOf, wantSlot, isSlotWanted };
}

export type MailboxPacer = ReturnType<typeof mailboxPacer>;
