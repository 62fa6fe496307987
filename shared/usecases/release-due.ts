import type { MailSettings } from '../domain/mail-settings.ts';
import type { MessageStore, OpenRow } from '../domain/message-ports.ts';
import type { Clock, Log } from '../domain/ports.ts';
import type { Place, WakeQueue } from '../domain/queue-ports.ts';
import { PLAN_AHEAD_MS, wakeDelayMs } from '../domain/schedule.ts';
import type { MailboxPacer } from './mailbox-pacer.ts';
import { type DueRows, rowsToRelease } from './rows-to-release.ts';

export interface ReleaseDeps {
  readonly settings: MailSettings;
  readonly store: MessageStore;
  readonly wakeUps: WakeQueue;
  readonly clock: Clock;
  readonly pacer?: MailboxPacer;
}

/** Few at a time, so that a large backlog does not take storage for itself while others send. */
const RELEASES_AT_ONCE = 16;
const PUTS_AT_ONCE = 8;
const PEEKS_AT_ONCE = 8;
const MAX_PAUSE_MS = 500;
/** What was lost goes before what waits, up to as many as two instances have in their hands; more of it as places allow. */
const LOST_AT_LEAST = 48;

/** A message with the time at which it is to be looked at, and through which mailbox. */
interface Release {
  readonly row: OpenRow;
  readonly wakeAtMs: number;
  readonly place?: Place;
}

/**
 * Releases what is due and has no wake-up on its way, in this order: what an instance that died held or was about to wake;
 * what is parked, with places in line for the next minutes, high priority first, then by age, mailboxes of one sender
 * sharing what waits for any of them; what has run out of time.
 *
 * @param only one mailbox, e.g. when its breaker has closed; absent = all
 */
export async function releaseDue(deps: ReleaseDeps, log: Log, only?: string): Promise<number> {
  const groups = await rowsToRelease(deps, only);
  let released = 0;
  // Step by step and not mailbox by mailbox: a long backlog of one must not hold up what stopped elsewhere.
  for (const step of [stopped, parked, ended])
    for (const group of groups) released += await release(deps, await step(deps, group));
  if (released > 0)
    log('info', { event: 'messages.released', count: released, ...(only === undefined ? {} : { mailbox: only }) });
  return released;
}

/** What was claimed or woken before goes on where it was in line, ahead of what is parked. */
async function stopped(deps: ReleaseDeps, group: DueRows): Promise<readonly Release[]> {
  const lapsed = await withLapsedClaim(deps, group.claimed);
  const lost = await lostReleases(deps, group);
  const nowMs = deps.clock.now();
  // Whatever the breaker says: a claim that lapsed behind the dot is settled without asking.
  return [...lapsed.map(row => ({ row, wakeAtMs: nowMs, place: { mailbox: row.mailbox, atMs: nowMs } })), ...lost];
}

async function lostReleases(deps: ReleaseDeps, group: DueRows): Promise<readonly Release[]> {
  const { lost } = group;
  if (lost.length === 0) return [];
  if (!isPaced(deps, group)) return lost.map(row => ({ row, wakeAtMs: deps.clock.now() }));
  // They have a place each and take another, so that no more are woken than there are turns, however many were lost.
  const places = await placesFor(deps, group, lost.length);
  const open = await openMailboxes(deps, group);
  const [any] = open;
  if (any === undefined) {
    insertByAge(group, lost);
    return [];
  }
  const nowMs = deps.clock.now();
  return lost.slice(0, Math.max(places.length, LOST_AT_LEAST)).map(row => {
    const mailbox = open.find(one => isSame(one, row.mailbox)) ?? any;
    const place = { mailbox, atMs: Math.min(row.wakeAtMs ?? nowMs, nowMs) };
    return { row, wakeAtMs: Math.max(row.dueAtMs, nowMs), place };
  });
}

/** They wait for the breaker with the others, and the oldest of all is its trial. */
function insertByAge(group: DueRows, rows: readonly OpenRow[]): void {
  for (const row of rows) (row.priority === 'high' ? group.high : group.normal).push(row);
  for (const list of [group.high, group.normal]) list.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** As many of the parked messages as the mailboxes have turns for. */
async function parked(deps: ReleaseDeps, group: DueRows): Promise<readonly Release[]> {
  const { high, normal } = group;
  if (high.length + normal.length === 0) return [];
  if (!isPaced(deps, group)) return [...high, ...normal].map(row => released(row, deps.clock.now()));
  // Those of high priority take places as well, so that the line knows of their turns; but they do not wait for them.
  const places = await placesFor(deps, group, high.length + normal.length);
  if ((await openMailboxes(deps, group)).length === 0) return trials([...high, ...normal], places, deps.clock.now());
  const nowMs = deps.clock.now();
  return [...high.map(row => released(row, nowMs)), ...inLine(normal, places.slice(high.length))];
}

function released(row: OpenRow, nowMs: number): Release {
  return { row, wakeAtMs: Math.max(row.dueAtMs, nowMs) };
}

/** The first of the rows at the first of the places, and so on. */
function inLine(rows: readonly OpenRow[], places: readonly Place[]): readonly Release[] {
  const planned: Release[] = [];
  for (const row of rows) {
    const place = places[planned.length];
    if (!place) break;
    // Its time is over before that: who comes after it may have the turn.
    if (row.endsAtMs !== undefined && row.endsAtMs <= place.atMs) continue;
    // What is due later than its place has none when it comes.
    planned.push({ row, wakeAtMs: Math.max(row.dueAtMs, place.atMs), ...(row.dueAtMs <= place.atMs ? { place } : {}) });
  }
  return planned;
}

/** One message for each mailbox whose breaker wants a trial: the oldest that was to go through it. */
function trials(rows: readonly OpenRow[], places: readonly Place[], nowMs: number): readonly Release[] {
  const left = rows.filter(row => row.dueAtMs <= nowMs);
  return places.flatMap(place => {
    const own = left.findIndex(row => isSame(row.mailbox, place.mailbox));
    return left.splice(Math.max(own, 0), 1).map(row => ({ row, wakeAtMs: place.atMs, place }));
  });
}

/** They only have to say so: no turn, no place, and no breaker to ask. */
async function ended({ clock }: ReleaseDeps, group: DueRows): Promise<readonly Release[]> {
  return group.ended.map(row => ({ row, wakeAtMs: clock.now() }));
}

function isPaced(deps: ReleaseDeps, group: DueRows): boolean {
  return deps.pacer !== undefined && group.sender !== undefined;
}

/** Places in the lines of the mailboxes that can send, the earliest first; what one cannot take, the others do. */
async function placesFor({ pacer, clock }: ReleaseDeps, group: DueRows, count: number): Promise<readonly Place[]> {
  const { mailboxes, sender } = group;
  const places: Place[] = [];
  if (!pacer || !sender) return places;
  for (const [index, mailbox] of mailboxes.entries()) {
    const share = Math.ceil((count - places.length) / (mailboxes.length - index));
    const times = await pacer.planWakeUps({ mailbox, limits: sender.limits }, share, clock.now() + PLAN_AHEAD_MS);
    places.push(...times.map(atMs => ({ mailbox, atMs })));
  }
  return places.sort((a, b) => a.atMs - b.atMs);
}

/** Those whose breaker is closed, as was read for their places a moment ago. */
async function openMailboxes({ pacer }: ReleaseDeps, { mailboxes }: DueRows): Promise<readonly string[]> {
  const open: string[] = [];
  for (const mailbox of mailboxes) if ((await pacer?.breakerOf(mailbox))?.state === 'closed') open.push(mailbox);
  return open;
}

/** The rows know the claim's first end only; its holder may have shown life since. */
async function withLapsedClaim({ store, clock }: ReleaseDeps, rows: readonly OpenRow[]): Promise<readonly OpenRow[]> {
  const lapsed: OpenRow[] = [];
  for (let at = 0; at < rows.length; at += PEEKS_AT_ONCE) {
    const some = rows.slice(at, at + PEEKS_AT_ONCE);
    const found = await Promise.all(some.map(row => store.peek(row.id)));
    lapsed.push(...some.filter((_row, index) => (found[index]?.record.claim?.untilMs ?? Infinity) <= clock.now()));
  }
  return lapsed;
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

async function release(deps: ReleaseDeps, wanted: readonly Release[]): Promise<number> {
  let count = 0;
  for (let at = 0; at < wanted.length; at += RELEASES_AT_ONCE) {
    const begunMs = deps.clock.now();
    count += await releaseSome(deps, wanted.slice(at, at + RELEASES_AT_ONCE));
    // Half of the time is left to those who send meanwhile.
    if (at + RELEASES_AT_ONCE < wanted.length)
      await deps.clock.sleep(Math.min(deps.clock.now() - begunMs, MAX_PAUSE_MS));
  }
  return count;
}

async function releaseSome(deps: ReleaseDeps, wanted: readonly Release[]): Promise<number> {
  const taken = await deps.store.release(wanted, deps.clock.now());
  const byId = new Map(wanted.map(one => [one.row.id, one]));
  for (let at = 0; at < taken.length; at += PUTS_AT_ONCE) {
    await Promise.all(
      taken.slice(at, at + PUTS_AT_ONCE).map(async ({ id, generation }) => {
        const one = byId.get(id);
        if (!one) return;
        const wakeUp = { messageId: id, generation, ...(one.place ? { place: one.place } : {}) };
        await deps.wakeUps.put(wakeUp, one.row.priority, wakeDelayMs(one.wakeAtMs, deps.clock.now()));
      }),
    );
  }
  return taken.length;
}
