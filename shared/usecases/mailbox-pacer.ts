import { afterFailure, afterGoodProbe, afterSuccess, type Breaker } from '../domain/breaker.ts';
import type { CatalogueEntry, FailureStage } from '../domain/diagnosis/diagnosis.ts';
import {
  type Answer,
  type Ask,
  answerAsks,
  giveTurnBack,
  type MailboxState,
  moveTurn,
  NEW_MAILBOX,
  outlookMs,
  promiseWakeUps,
  giveRecipientsBack as withRecipientsBack,
} from '../domain/pacing.ts';
import type { Clock, Log, MailboxStates } from '../domain/ports.ts';
import type { MailboxLimits } from '../domain/sender.ts';

/** A mailbox with its limits: whose turns are asked for. */
export interface PacedMailbox {
  readonly mailbox: string;
  readonly limits: MailboxLimits;
}

/** Contention among instances is resolved by trying again on what the winner wrote; so often. */
const MAX_TRIES = 25;
/** Before every ask: what is given back is there for those. */
const FIRST = 0;
/** What was written or read this lately may be taken for the state without reading it again: the write's ETag tells. */
const REMEMBER_MS = 60_000;
const REMEMBER_SHARED_MS = 50;
/** The breaker is looked at anew after this: a sign-in saved is worth a read. */
const FRESH_MS = 5_000;
const FRESHEST_MS = 500;
const MAX_RESTING = 8;
/** A connection is asked for so long; whoever still needs it asks again. */
const SLOT_WANTED_MS = 8_000;
/** Without hurry one changes hands no more often than this: each time costs a sign-in. */
const SLOT_REST_MS = 60_000;

/** A change of a mailbox's state, and who waits for what it gives. */
interface Job {
  /** Smaller goes first among those that wait together. */
  readonly order: number;
  readonly next: (state: MailboxState) => { readonly state: MailboxState; readonly value: unknown };
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

interface Desk {
  readonly jobs: Job[];
  known?: { readonly state: MailboxState; readonly etag: string | undefined; readonly atMs: number };
  reading?: Promise<NonNullable<Desk['known']>> | undefined;
  /** Others write this mailbox too: what is remembered is likely to be old, and a write on it wasted. */
  isShared: boolean;
  busy: boolean;
}

/**
 * Turns of mailboxes, shared by all instances. What one process wants of a mailbox goes in blocks: one ETag write is under
 * way per mailbox and process, and whatever is wanted meanwhile is in the next one.
 */
export function mailboxPacer(states: MailboxStates, clock: Clock) {
  const desks = new Map<string, Desk>();
  let resting = 0;

  function deskOf(mailbox: string): Desk {
    const key = mailbox.toLowerCase();
    let desk = desks.get(key);
    if (!desk) {
      desk = { jobs: [], isShared: false, busy: false };
      desks.set(key, desk);
    }
    return desk;
  }

  function ask({ mailbox, limits }: PacedMailbox, wanted: Ask): Promise<Answer> {
    return change(
      mailbox,
      state => {
        const { state: asked, answers } = answerAsks(state, [wanted], limits, clock.now());
        return { state: asked, value: answers[0] as Answer };
      },
      orderOf(wanted),
    );
  }

  /** Applies `next` with whatever else waits for this mailbox, and gives its value once the state that came of it is written. */
  function change<T>(
    mailbox: string,
    next: (state: MailboxState) => { readonly state: MailboxState; readonly value: T },
    order = FIRST,
  ): Promise<T> {
    const desk = deskOf(mailbox);
    return new Promise<T>((resolve, reject) => {
      desk.jobs.push({ order, next, resolve, reject });
      if (!desk.busy) void serve(mailbox, desk);
    });
  }

  async function serve(mailbox: string, desk: Desk): Promise<void> {
    desk.busy = true;
    while (desk.jobs.length > 0) {
      const block = desk.jobs.splice(0).sort((a, b) => a.order - b.order);
      try {
        const values = await write(mailbox, desk, block);
        for (const [index, job] of block.entries()) job.resolve(values[index] as never);
      } catch (error) {
        for (const job of block) job.reject(error);
      }
    }
    desk.busy = false;
  }

  /** Reads where nothing is known, writes if anything changed, and starts over when somebody else wrote. */
  async function write(mailbox: string, desk: Desk, block: readonly Job[]): Promise<readonly unknown[]> {
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const known =
        desk.known && clock.now() - desk.known.atMs < rememberMs(desk) ? desk.known : await read(mailbox, desk);
      let { state } = known;
      const values = block.map(job => {
        const changed = job.next(state);
        state = changed.state;
        return changed.value;
      });
      if (state === known.state) return values;
      const written = await states.write(mailbox, state, known.etag);
      if (written.ok) {
        desk.known = { state, etag: written.etag, atMs: clock.now() };
        return values;
      }
      desk.isShared = true;
      delete desk.known;
      if (tries > 2) await clock.sleep(Math.ceil(clock.random() * 20 * tries));
    }
    throw new Error(`the state of mailbox ${mailbox} could not be written: too many instances at once`);
  }

  /** Whoever asks while a read is under way gets what it finds. */
  function read(mailbox: string, desk: Desk): Promise<NonNullable<Desk['known']>> {
    desk.reading ??= states
      .read(mailbox)
      .then(found => {
        const { known } = desk;
        if (known) desk.isShared = known.etag !== found?.etag;
        desk.known = { state: found?.state ?? NEW_MAILBOX, etag: found?.etag, atMs: clock.now() };
        return desk.known;
      })
      .finally(() => {
        desk.reading = undefined;
      });
    return desk.reading;
  }

  /** Notes that a turn is used only now. */
  async function useLate({ mailbox }: PacedMailbox, atMs: number): Promise<void> {
    await change(mailbox, state => ({ state: moveTurn(state, atMs, clock.now()), value: undefined }), FIRST);
  }

  /** Gives back a turn that could not be used. */
  async function giveBack({ mailbox, limits }: PacedMailbox, atMs: number, recipients: number): Promise<void> {
    await change(mailbox, state => ({ state: giveTurnBack(state, atMs, recipients, limits), value: undefined }), FIRST);
  }

  /** Gives back what an attempt would have used of the day, when Exchange took nothing of it. */
  async function giveRecipientsBack(mailbox: string, recipients: number): Promise<void> {
    await change(mailbox, state => ({ state: withRecipientsBack(state, recipients), value: undefined }));
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

  /** A failure that counts against the mailbox. Logs once that it opened the breaker. */
  async function noteFailure(mailbox: string, entry: CatalogueEntry, log: Log, stage?: FailureStage): Promise<void> {
    if (entry.breaker === 'none') return;
    const effect = entry.breaker;
    const [before, after] = await changeBreaker(mailbox, breaker =>
      afterFailure(breaker, effect, entry.code, clock.now(), stage),
    );
    if (after.state === 'open' && before.state !== 'open') {
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
    return close(mailbox, afterSuccess, log);
  }

  /**
   * A probe that signed in as the mailbox. Closes the breaker where a sign-in proves that the cause is gone: not after a
   * shut-off, nor after a failure that came behind a good sign-in. Returns whether it closed now; its backlog may then be
   * released.
   */
  async function noteGoodProbe(mailbox: string, log: Log): Promise<boolean> {
    const desk = deskOf(mailbox);
    await read(mailbox, desk);
    return close(mailbox, afterGoodProbe, log);
  }

  async function close(mailbox: string, next: (breaker: Breaker) => Breaker, log: Log): Promise<boolean> {
    const [before, after] = await changeBreaker(mailbox, next);
    if (before.state === 'closed' || after.state !== 'closed') return false;
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

  async function stateOf(mailbox: string, maxAgeMs: number): Promise<MailboxState> {
    const desk = deskOf(mailbox);
    const { known } = desk;
    return known && clock.now() - known.atMs < maxAgeMs ? known.state : (await read(mailbox, desk)).state;
  }

  /**
   * The breaker as last seen, read anew when that is a while ago.
   *
   * @param isSignInAhead what was seen must be of this moment: a sign-in that another instance knows to be refused is one
   * too many
   */
  async function breakerOf(mailbox: string, isSignInAhead = false): Promise<Breaker> {
    return (await stateOf(mailbox, isSignInAhead ? FRESHEST_MS : FRESH_MS)).breaker;
  }

  /** When a message that comes now would be sent through the mailbox, in ms since 1970; infinity when it cannot. */
  async function outlook({ mailbox, limits }: PacedMailbox, recipients: number): Promise<number> {
    return outlookMs(await stateOf(mailbox, FRESH_MS), recipients, limits, clock.now());
  }

  /**
   * Asks the holder of one of the mailbox's connections for it, and says which. One is asked for at a time.
   *
   * @param isPatient only when none was asked for lately; else undefined
   */
  function wantSlot({ mailbox, limits }: PacedMailbox, isPatient: boolean): Promise<number | undefined> {
    const lot = Math.floor(clock.random() * limits.connections);
    return change(mailbox, state => {
      const nowMs = clock.now();
      const asked = state.slotWanted;
      if (asked && asked.untilMs > nowMs) return { state, value: asked.slot };
      if (asked && isPatient && asked.untilMs > nowMs - SLOT_REST_MS) return { state, value: undefined };
      return { state: { ...state, slotWanted: { slot: lot, untilMs: nowMs + SLOT_WANTED_MS } }, value: lot };
    });
  }

  /**
   * An instance that sends less than the others has its hands free, and would take the messages that it passes on off the
   * queue again before they do. So it keeps some of its hands full for a while.
   */
  async function restAfterPassingOn(ms: number): Promise<void> {
    if (resting >= MAX_RESTING) return;
    resting++;
    await clock.sleep(ms);
    resting--;
  }

  /** Sees what the other instances have written lately. */
  async function look(mailbox: string): Promise<void> {
    await stateOf(mailbox, FRESHEST_MS);
  }

  /** Whether another instance asks for this connection, as far as this process knows. */
  function isSlotWanted(mailbox: string, slot: number): boolean {
    const wanted = deskOf(mailbox).known?.state.slotWanted;
    return wanted?.slot === slot && wanted.untilMs > clock.now();
  }

  return {
    ask,
    giveBack,
    giveRecipientsBack,
    useLate,
    planWakeUps,
    noteFailure,
    noteSuccess,
    noteGoodProbe,
    breakerOf,
    look,
    restAfterPassingOn,
    outlook,
    wantSlot,
    isSlotWanted,
  };
}

function rememberMs({ isShared }: Desk): number {
  return isShared ? REMEMBER_SHARED_MS : REMEMBER_MS;
}

/** High priority first, then whoever has waited longest, then newcomers. */
function orderOf({ isHigh, promisedMs }: Ask): number {
  return isHigh ? 1 : (promisedMs ?? Number.MAX_SAFE_INTEGER);
}

export type MailboxPacer = ReturnType<typeof mailboxPacer>;
