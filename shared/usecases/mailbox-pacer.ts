import { afterFailure, afterGoodProbe, afterSuccess, type Breaker } from '../domain/breaker.ts';
import type { CatalogueEntry, FailureStage } from '../domain/diagnosis/diagnosis.ts';
import { afterRefusedFrom, afterSentFrom, heldUntilMs } from '../domain/held-from.ts';
import type { MailboxStates } from '../domain/mailbox-ports.ts';
import type { MessageRecord } from '../domain/message-record.ts';
import {
  type Answer,
  type Ask,
  answerAsks,
  giveTurnBack,
  moveTurn,
  outlookMs,
  promiseWakeUps,
  giveRecipientsBack as withRecipientsBack,
} from '../domain/pacing.ts';
import type { Clock, Log } from '../domain/ports.ts';
import type { MailboxLimits } from '../domain/sender.ts';
import { type Change, type MailboxDesk, mailboxDesk, REMEMBER_MS } from './mailbox-desk.ts';

/** A mailbox with its limits: whose turns are asked for. */
export interface PacedMailbox {
  readonly mailbox: string;
  readonly limits: MailboxLimits;
}

/** Before every ask: what is given back is there for those. */
const FIRST = 0;
/** The breaker is looked at anew after this: a sign-in saved is worth a read. */
const FRESH_MS = 5_000;
const FRESHEST_MS = 500;
const MAX_RESTING = 8;
/** A connection is asked for so long; whoever still needs it asks again. */
const SLOT_WANTED_MS = 8_000;
/** Without hurry one changes hands no more often than this: each time costs a sign-in. */
const SLOT_REST_MS = 60_000;

/** Turns, breakers and connections of mailboxes, shared by all instances through one table entity for each mailbox. */
export function mailboxPacer(states: MailboxStates, clock: Clock) {
  const desks = new Map<string, MailboxDesk>();
  let resting = 0;

  function deskOf(mailbox: string): MailboxDesk {
    const key = mailbox.toLowerCase();
    let desk = desks.get(key);
    if (!desk) {
      desk = mailboxDesk(mailbox, states, clock);
      desks.set(key, desk);
    }
    return desk;
  }

  function change<T>(mailbox: string, next: Change<T>, order = FIRST): Promise<T> {
    return deskOf(mailbox).change(next, order);
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

  /** Notes that a turn is used only now. */
  async function useLate({ mailbox }: PacedMailbox, atMs: number): Promise<void> {
    await change(mailbox, state => ({ state: moveTurn(state, atMs, clock.now()), value: undefined }));
  }

  /** Gives back a turn that could not be used. */
  async function giveBack({ mailbox, limits }: PacedMailbox, atMs: number, recipients: number): Promise<void> {
    await change(mailbox, state => ({ state: giveTurnBack(state, atMs, recipients, limits), value: undefined }));
  }

  /** Gives back what an attempt would have used of the day, when Exchange took nothing of it. */
  async function giveRecipientsBack(mailbox: string, recipients: number): Promise<void> {
    await change(mailbox, state => ({ state: withRecipientsBack(state, recipients), value: undefined }));
  }

  /** Wake-up times for up to `count` parked messages; none while the breaker is open, one when its trial is due. */
  async function planWakeUps(paced: PacedMailbox, count: number, untilMs: number): Promise<readonly number[]> {
    deskOf(paced.mailbox).forget();
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

  /** Exchange did not let the mailbox send as this From. Logs when further messages with it are held back. */
  async function noteRefusedFrom(mailbox: string, from: string, log: Log): Promise<void> {
    const nowMs = clock.now();
    const untilMs = await change(mailbox, state => {
      const heldFrom = afterRefusedFrom(state.heldFrom ?? [], from, nowMs);
      return { state: { ...state, heldFrom }, value: heldUntilMs(heldFrom, from, nowMs) };
    });
    if (untilMs === undefined) return;
    const detail = `mail with this From waits until ${new Date(untilMs).toISOString()}`;
    log('warn', { event: 'from.held', mailbox, code: 'smtp_send_as_denied', detail });
  }

  /** A message that Exchange took. Costs nothing while the breaker is known to be closed. Returns whether it closed now. */
  async function noteSuccess({ mailbox, from }: Pick<MessageRecord, 'mailbox' | 'from'>, log: Log): Promise<boolean> {
    const seen = deskOf(mailbox).last();
    const heldFrom = seen?.heldFrom ?? [];
    if (afterSentFrom(heldFrom, from) !== heldFrom)
      await change(mailbox, state => {
        const left = afterSentFrom(state.heldFrom ?? [], from);
        return { state: { ...state, heldFrom: left }, value: undefined };
      });
    if (seen?.breaker.state === 'closed') return false;
    return close(mailbox, afterSuccess, log);
  }

  /**
   * A probe that signed in as the mailbox. Closes the breaker where a sign-in proves that the cause is gone: not after a
   * shut-off, nor after a failure that came behind a good sign-in. Returns whether it closed now; its backlog may then be
   * released.
   */
  async function noteGoodProbe(mailbox: string, log: Log): Promise<boolean> {
    deskOf(mailbox).forget();
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

  /**
   * The breaker as last seen, read anew when that is too long ago for what is ahead: a `signIn` that another instance knows
   * to be refused is one too many; a `turn` is asked for by a write, which finds out by itself that a closed one has opened.
   */
  async function breakerOf(mailbox: string, ahead?: 'signIn' | 'turn'): Promise<Breaker> {
    const desk = deskOf(mailbox);
    const willFindOut = ahead === 'turn' && desk.last()?.breaker.state === 'closed';
    return (await desk.seen(ahead === 'signIn' ? FRESHEST_MS : willFindOut ? REMEMBER_MS : FRESH_MS)).breaker;
  }

  /** When a message that comes now would be sent through the mailbox, in ms since 1970; infinity when it cannot. */
  async function outlook({ mailbox, limits }: PacedMailbox, recipients: number): Promise<number> {
    return outlookMs(await deskOf(mailbox).seen(FRESH_MS), recipients, limits, clock.now());
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
    await deskOf(mailbox).seen(FRESHEST_MS);
  }

  /** Whether another instance asks for this connection, as far as this process knows. */
  function isSlotWanted(mailbox: string, slot: number): boolean {
    const wanted = deskOf(mailbox).last()?.slotWanted;
    return wanted?.slot === slot && wanted.untilMs > clock.now();
  }

  return {
    ask,
    giveBack,
    giveRecipientsBack,
    useLate,
    planWakeUps,
    noteFailure,
    noteRefusedFrom,
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

/** High priority first, then whoever has waited longest, then newcomers. */
function orderOf({ isHigh, promisedMs }: Ask): number {
  return isHigh ? 1 : (promisedMs ?? Number.MAX_SAFE_INTEGER);
}

export type MailboxPacer = ReturnType<typeof mailboxPacer>;
