import type { MailSettings } from '../domain/mail-settings.ts';
import type { Clock, Log, MessageStore, OpenRow, Place, WakeQueue } from '../domain/ports.ts';
import { LOST_AFTER_MS, RELEASE_AHEAD_MS, wakeDelayMs } from '../domain/schedule.ts';
import { type MailboxLimits, senderOfMailbox } from '../domain/sender.ts';
import type { MailboxPacer } from './mailbox-pacer.ts';

export interface ReleaseDeps {
  readonly settings: MailSettings;
  readonly store: MessageStore;
  readonly wakeUps: WakeQueue;
  readonly clock: Clock;
  readonly pacer?: MailboxPacer;
}

/** Rows looked at in one run, the oldest first: a backlog drains in order of age over several runs. */
const MAX_OPEN_ROWS = 20_000;
/** Wake-ups are planned so far ahead: until the next run is done, and some. */
const PLAN_AHEAD_MS = 110_000;
/** Releases of one mailbox in one run where nobody paces it. */
const MAX_UNPACED = 2_000;
/** Few at a time, so that a large backlog does not take storage for itself while others send. */
const RELEASES_AT_ONCE = 16;
const PUTS_AT_ONCE = 8;
const MAX_PAUSE_MS = 500;

/** A message with the time at which it is to be looked at, and through which mailbox. */
interface Release {
  readonly row: OpenRow;
  readonly wakeAtMs: number;
  readonly place?: Place;
}

/**
 * Releases what is due and has no wake-up on its way: parked, stored but never enqueued, claimed by an instance that died.
 * Each mailbox gets the next minutes' worth, high priority first, then by age, a turn apart; mailboxes of one sender share
 * what waits for any of them.
 *
 * @param only one mailbox, e.g. when its breaker has closed; absent = all
 */
export async function releaseDue(deps: ReleaseDeps, log: Log, only?: string): Promise<number> {
  const nowMs = deps.clock.now();
  const rows = await deps.store.openRows(nowMs + RELEASE_AHEAD_MS, MAX_OPEN_ROWS);
  const groups = new Map<string, { readonly mailboxes: readonly string[]; readonly due: OpenRow[] }>();
  const wanted = only === undefined ? undefined : mailboxesFor(deps, only);
  for (const row of rows) {
    const mailboxes = mailboxesFor(deps, row.mailbox);
    const key = mailboxes.join(' ');
    if ((wanted && key !== wanted.join(' ')) || !mayNeedRelease(row, nowMs)) continue;
    const group = groups.get(key) ?? { mailboxes, due: [] };
    groups.set(key, group);
    group.due.push(row);
  }
  let released = 0;
  for (const { mailboxes, due } of groups.values()) released += await releaseOf(deps, mailboxes, due, nowMs);
  if (released > 0)
    log('info', { event: 'messages.released', count: released, ...(only === undefined ? {} : { mailbox: only }) });
  return released;
}

/** The mailboxes that may send what waits for `mailbox`, in small letters. */
function mailboxesFor({ settings }: ReleaseDeps, mailbox: string): readonly string[] {
  const sender = senderOfMailbox(settings.senders, mailbox);
  return (sender?.mailboxes ?? [mailbox]).map(one => one.toLowerCase());
}

async function releaseOf(
  deps: ReleaseDeps,
  mailboxes: readonly string[],
  due: OpenRow[],
  nowMs: number,
): Promise<number> {
  due.sort((a, b) => Number(b.priority === 'high') - Number(a.priority === 'high') || (a.id < b.id ? -1 : 1));
  const wanted = await planned(deps, mailboxes, due, nowMs);
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
  const released = await deps.store.release(wanted, deps.clock.now());
  const byId = new Map(wanted.map(one => [one.row.id, one]));
  for (let at = 0; at < released.length; at += PUTS_AT_ONCE) {
    await Promise.all(
      released.slice(at, at + PUTS_AT_ONCE).map(async ({ id, generation }) => {
        const one = byId.get(id);
        if (!one) return;
        const wakeUp = { messageId: id, generation, ...(one.place ? { place: one.place } : {}) };
        await deps.wakeUps.put(wakeUp, one.row.priority, wakeDelayMs(one.wakeAtMs, deps.clock.now()));
      }),
    );
  }
  return released.length;
}

/** As many of the due messages, in their order, as the mailboxes have turns for. */
async function planned(
  deps: ReleaseDeps,
  mailboxes: readonly string[],
  due: readonly OpenRow[],
  nowMs: number,
): Promise<readonly Release[]> {
  const sender = senderOfMailbox(deps.settings.senders, mailboxes[0] ?? '');
  if (!deps.pacer || !sender) {
    const found = await needingRelease(deps.store, due, MAX_UNPACED, nowMs);
    return found.map(row => ({ row, wakeAtMs: Math.max(row.dueAtMs, nowMs) }));
  }
  const places = await placesFor(deps.pacer, mailboxes, sender.limits, due.length, nowMs);
  const found = await needingRelease(deps.store, due, places.length, nowMs);
  return found.map((row, index) => {
    const place = places[index];
    const wakeAtMs = Math.max(row.dueAtMs, place?.atMs ?? nowMs);
    // What is due later than its place has none when it comes.
    return { row, wakeAtMs, ...(place && row.dueAtMs <= place.atMs ? { place } : {}) };
  });
}

/** Places in the lines of the mailboxes that can send, the earliest first; what one cannot take, the others do. */
async function placesFor(
  pacer: MailboxPacer,
  mailboxes: readonly string[],
  limits: MailboxLimits,
  count: number,
  nowMs: number,
): Promise<readonly Place[]> {
  const places: Place[] = [];
  for (const [index, mailbox] of mailboxes.entries()) {
    const share = Math.ceil((count - places.length) / (mailboxes.length - index));
    const times = await pacer.planWakeUps({ mailbox, limits }, share, nowMs + PLAN_AHEAD_MS);
    places.push(...times.map(atMs => ({ mailbox, atMs })));
  }
  return places.sort((a, b) => a.atMs - b.atMs);
}

async function needingRelease(
  store: MessageStore,
  due: readonly OpenRow[],
  max: number,
  nowMs: number,
): Promise<readonly OpenRow[]> {
  const found: OpenRow[] = [];
  for (const row of due) {
    if (found.length >= max) break;
    if (row.claimUntilMs === undefined || (await hasLapsed(store, row, nowMs))) found.push(row);
  }
  return found;
}

/** The row knows the claim's first end only; its holder may have shown life since. */
async function hasLapsed(store: MessageStore, row: OpenRow, nowMs: number): Promise<boolean> {
  const stored = await store.peek(row.id);
  return stored?.record.claim !== undefined && stored.record.claim.untilMs <= nowMs;
}

/** Due, and neither claimed nor with a wake-up that is on the queue, or was not long ago. */
function mayNeedRelease(row: OpenRow, nowMs: number): boolean {
  if (row.wakeAtMs !== undefined && row.wakeAtMs > nowMs - LOST_AFTER_MS) return false;
  return row.claimUntilMs === undefined ? row.dueAtMs <= nowMs + RELEASE_AHEAD_MS : row.claimUntilMs <= nowMs;
}
