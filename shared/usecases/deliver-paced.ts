import type { FailureFacts } from '../domain/diagnosis/diagnosis.ts';
import { openRecipients } from '../domain/message-record.ts';
import { type Answer, type Ask, turnMs } from '../domain/pacing.ts';
import type { Log } from '../domain/ports.ts';
import { BUSY_DELAY_MS, WAIT_WITHIN_MS } from '../domain/schedule.ts';
import type { ConnectResult, MailConnection, PrepareResult } from '../domain/transport-ports.ts';
import { type DeliverDeps, type Delivery, type Due, putBack, submitOver, waitFor } from './delivery.ts';
import type { MailboxPacer, PacedMailbox } from './mailbox-pacer.ts';

/** A turn that is this far gone is no turn any more: what is spread over a minute must stay spread. */
const LATE_MS = 500;
/** With the connection in hand a turn is used even so late: a slow table would else let nothing leave. It counts when it is used. */
const LATE_WITH_CONNECTION_MS = 5_000;
/** A place in line that is further off is waited for on the queue: it must not hold up what a host could send meanwhile. */
const LINE_WAIT_MS = 1_500;
const LINE_WAIT_TURNS = 3;
/** A message asks this long before its place, so that the turn is there in time. */
const PUNCTUAL_MS = 300;
/** A message waits inside its invocation no longer than this in all. */
const MAX_WAIT_MS = 3 * WAIT_WITHIN_MS;
/** Where mails take longer than turns, it comes later the longer it has waited: or the queue would be read for nothing. */
const MAX_BUSY_DELAY_MS = 15_000;
/** While a connection that was asked for is waited for: how often to look, and how long. */
const SLOT_POLL_MS = 250;
const SLOT_PATIENCE_MS = 5_000;
/** A message that other instances have left waiting so long beyond its time gets a connection of its own. */
const NEGLECTED_MS = 30_000;
/** An instance that has passed a message on takes nothing else in its place for so long; longer when nobody has taken it. */
const PASSED_ON_MS = 1_500;
const NOT_TAKEN_MS = 4_000;
/** While a sign-in is held up here, messages of the mailbox come back after this. */
const OPENING_DELAY_MS = 8_000;

/** The mailbox refused before anything was submitted; another of the sender's may do. */
export interface Refused {
  readonly refused: FailureFacts;
}

/** The mailbox has used up its day, or may not send as this From; another of the sender's may. */
export interface UsedUp {
  readonly usedUp: Extract<Answer, { kind: 'quota' | 'held' }>;
}

type Turn = Extract<Answer, { kind: 'turn' }>;
type Waiting = Extract<Answer, { kind: 'park' | 'shut' | 'quota' | 'held' }>;

/** One message at a mailbox: what every step needs. */
interface Visit {
  readonly deps: DeliverDeps;
  readonly pacer: MailboxPacer;
  readonly due: Due;
  readonly paced: PacedMailbox;
  readonly ask: Ask;
  readonly log: Log;
}

/**
 * Sends a message through its mailbox at the mailbox's pace.
 *
 * First this process sees that it has a connection, then it asks for a turn, and only with the turn it takes the connection:
 * so one connection serves all who wait here, and no turn is lost on waiting for one. A process that can have none passes the
 * message on to those that have. With the breaker not closed the turn comes first, since it is a permission to try at all.
 */
export async function deliverPaced(
  deps: DeliverDeps,
  pacer: MailboxPacer,
  due: Due,
  log: Log,
): Promise<Delivery | Refused | UsedUp> {
  const { sender, stored, wakeUp } = due;
  const { record } = stored;
  const visit: Visit = {
    deps,
    pacer,
    due,
    paced: { mailbox: record.mailbox, limits: sender.limits },
    ask: {
      isHigh: record.priority === 'high',
      recipients: openRecipients(record).length,
      from: record.from,
      ...(wakeUp.place?.mailbox === record.mailbox ? { promisedMs: wakeUp.place.atMs } : {}),
    },
    log,
  };
  const isSignInAhead = deps.transport.needsSignIn?.(sender, record.mailbox) ?? false;
  const breaker = await pacer.breakerOf(record.mailbox, isSignInAhead ? 'signIn' : 'turn');
  if (breaker.state !== 'closed') return deliverTrial(visit);
  const prepared = await prepare(visit);
  if (prepared.kind === 'failed') return { refused: prepared.facts };
  if (prepared.kind === 'opening')
    return backToLine(visit, deps.clock.now() + OPENING_DELAY_MS, visit.ask.promisedMs ?? deps.clock.now());
  return prepared.kind === 'ready' ? deliverInTurn(visit) : passOn(visit);
}

async function prepare(visit: Visit): Promise<PrepareResult> {
  const { deps, pacer, due, paced, ask, log } = visit;
  const tryFor = async (slot?: number): Promise<PrepareResult> =>
    (await deps.transport.prepare?.(due.sender, paced.mailbox, due.stored.record.id, log, slot)) ?? { kind: 'ready' };
  const endMs = deps.clock.now() + SLOT_PATIENCE_MS;
  const isNeglected = ask.promisedMs !== undefined && ask.promisedMs < deps.clock.now() - NEGLECTED_MS;
  let prepared = await tryFor();
  while (prepared.kind === 'busy' && (ask.isHigh || isNeglected) && deps.clock.now() < endMs) {
    const slot = await pacer.wantSlot(paced, !ask.isHigh);
    if (slot === undefined) break;
    await deps.clock.sleep(SLOT_POLL_MS);
    prepared = await tryFor(slot);
  }
  return prepared;
}

/** Turn, then connection. */
async function deliverInTurn(visit: Visit): Promise<Delivery | Refused | UsedUp> {
  const { deps, pacer, due, paced } = visit;
  const { clock } = deps;
  const endMs = clock.now() + MAX_WAIT_MS;
  let { promisedMs } = visit.ask;
  const lineWaitMs = Math.min(WAIT_WITHIN_MS, Math.max(LINE_WAIT_MS, LINE_WAIT_TURNS * turnMs(paced.limits)));
  let held: MailConnection | undefined;
  // Wake-ups come a second or two early. Those before it in line are served first.
  const earlyMs = Math.min((promisedMs ?? 0) - PUNCTUAL_MS - clock.now(), lineWaitMs);
  if (earlyMs > 0) await clock.sleep(earlyMs);
  try {
    for (;;) {
      if (!held && !(await hasFree(visit))) return await backToLine(visit, afterBusy(visit, promisedMs), promisedMs);
      const answer = await pacer.ask(paced, { ...visit.ask, ...(promisedMs === undefined ? {} : { promisedMs }) });
      if (answer.kind === 'elsewhere') return await backToLine(visit, clock.now(), promisedMs);
      if (answer.kind === 'later') {
        promisedMs ??= answer.atMs;
        const waitMs = answer.atMs - clock.now();
        if (waitMs > lineWaitMs || answer.atMs > endMs)
          return await backToLine(visit, inASecond(visit, answer.atMs), promisedMs);
        await clock.sleep(Math.max(0, waitMs));
        continue;
      }
      if (answer.kind !== 'turn') return await wait(visit, answer);
      await clock.sleep(Math.max(0, answer.atMs - clock.now()));
      const mayBeLateMs = answer.isTrial ? WAIT_WITHIN_MS : held ? LATE_WITH_CONNECTION_MS : LATE_MS;
      const connected = await takeConnection(visit, held, answer.atMs + mayBeLateMs - clock.now());
      if (connected.kind === 'connected') {
        held = undefined;
        return await submitOver(deps, due, connected.connection, visit.log, () => noteLate(visit, answer.atMs));
      }
      await giveBack(visit, answer);
      if (connected.kind === 'failed') return { refused: connected.facts };
      promisedMs ??= answer.atMs;
      if (clock.now() >= endMs) return await backToLine(visit, afterBusy(visit, promisedMs), promisedMs);
      if (held) continue;
      // All are in use for longer than a turn lasts, by large mails, say: now the connection first.
      const waited = await connect(visit, WAIT_WITHIN_MS);
      if (waited.kind === 'failed') return { refused: waited.facts };
      if (waited.kind === 'busy') return await backToLine(visit, afterBusy(visit, promisedMs), promisedMs);
      held = waited.connection;
    }
  } finally {
    held?.release();
  }
}

async function hasFree({ deps, due, paced, log }: Visit): Promise<boolean> {
  const { transport } = deps;
  return (await transport.hasFree?.(due.sender, paced.mailbox, due.stored.record.id, log, WAIT_WITHIN_MS)) ?? true;
}

function afterBusy({ deps, ask }: Visit, placeMs: number | undefined): number {
  const nowMs = deps.clock.now();
  const waitedMs = ask.isHigh ? 0 : nowMs - (placeMs ?? nowMs);
  return nowMs + Math.min(MAX_BUSY_DELAY_MS, Math.max(BUSY_DELAY_MS, waitedMs / 2));
}

/** The connection in hand, or one that is free soon; `busy` when the turn is over before that. */
async function takeConnection(visit: Visit, held: MailConnection | undefined, leftMs: number): Promise<ConnectResult> {
  if (leftMs < 0) return { kind: 'busy' };
  return held ? { kind: 'connected', connection: held } : connect(visit, leftMs);
}

/** What takes long to hand over, or meets a halt, counts when it is handed over. */
function noteLate({ deps, pacer, paced }: Visit, atMs: number): void {
  // Best effort: a turn that is counted wrong may cost a refusal, but the message is on its way.
  if (deps.clock.now() - atMs > LATE_MS) pacer.useLate(paced, atMs).catch(() => undefined);
}

/** A turn that could not be used. A trial's stays used: it says when the next one may be. */
async function giveBack({ pacer, paced, ask }: Visit, { atMs, isTrial }: Turn): Promise<void> {
  if (isTrial) await pacer.giveRecipientsBack(paced.mailbox, ask.recipients);
  else await pacer.giveBack(paced, atMs, ask.recipients);
}

function wait({ deps, due, log }: Visit, answer: Waiting): Promise<Delivery> | UsedUp {
  const isUsedUp = answer.kind === 'quota' || answer.kind === 'held';
  return isUsedUp && due.mayGoElsewhere ? { usedUp: answer } : waitFor(deps, due, answer, log);
}

/** The breaker is open, or was a moment ago: nothing is connected to without leave. */
async function deliverTrial(visit: Visit): Promise<Delivery | Refused | UsedUp> {
  const { deps, pacer, due, paced, ask, log } = visit;
  const answer = await pacer.ask(paced, ask);
  if (answer.kind === 'later' || answer.kind === 'elsewhere')
    return backToLine(visit, inASecond(visit, answer.kind === 'later' ? answer.atMs : 0), ask.promisedMs);
  if (answer.kind !== 'turn') return wait(visit, answer);
  await deps.clock.sleep(Math.max(0, answer.atMs - deps.clock.now()));
  const connected = await connect(visit, WAIT_WITHIN_MS);
  if (connected.kind === 'connected') return submitOver(deps, due, connected.connection, log);
  await giveBack(visit, answer);
  if (connected.kind === 'failed') return { refused: connected.facts };
  return backToLine(visit, deps.clock.now() + BUSY_DELAY_MS, ask.promisedMs);
}

/** No connection to be had here. The message keeps or takes its place in line; what is due goes to another instance at once. */
async function passOn(visit: Visit): Promise<Delivery | UsedUp> {
  const { deps, pacer, paced, ask } = visit;
  const nowMs = deps.clock.now();
  const answer = await pacer.ask(paced, { ...ask, placeFor: 'process' });
  if (answer.kind === 'later') return backToLine(visit, inASecond(visit, answer.atMs), ask.promisedMs ?? answer.atMs);
  if (answer.kind === 'turn' || answer.kind === 'elsewhere') {
    if (answer.kind === 'turn') await giveBack(visit, answer);
    // Passed on before, and nobody took it: not round and round.
    const wasPassedOn = ask.promisedMs !== undefined && ask.promisedMs < nowMs;
    await backToLine(visit, wasPassedOn ? afterBusy(visit, ask.promisedMs) : nowMs, ask.promisedMs ?? nowMs);
    await pacer.restAfterPassingOn(wasPassedOn ? NOT_TAKEN_MS : PASSED_ON_MS);
    return 'later';
  }
  return wait(visit, answer);
}

function connect({ deps, due, paced, log }: Visit, patienceMs: number): Promise<ConnectResult> {
  return deps.transport.connect(due.sender, paced.mailbox, due.stored.record.id, log, { patienceMs });
}

/** Never at once: a wake-up comes a second early, and it would be told the same again and again until its time. */
function inASecond({ deps }: Visit, atMs: number): number {
  return Math.max(atMs, deps.clock.now() + 2_000);
}

function backToLine({ deps, due, paced }: Visit, atMs: number, promisedMs = atMs): Promise<Delivery> {
  const place = { mailbox: paced.mailbox, atMs: promisedMs };
  return putBack(deps, due.wakeUp, due.stored.record, atMs, place);
}
