import type { MailSettings } from '../domain/mail-settings.ts';
import type { Clock, Log, MessageStore, OpenRow, WakeQueue } from '../domain/ports.ts';
import { LOST_AFTER_MS, RELEASE_AHEAD_MS, wakeDelayMs } from '../domain/schedule.ts';
import { senderOfMailbox } from '../domain/sender.ts';
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
/** Releases in one run: what one instance puts on the queues within seconds. */
const MAX_RELEASES = 2_000;
/** Wake-ups are planned so far ahead: until the next run is done, and some. */
const PLAN_AHEAD_MS = 110_000;
const PUTS_AT_ONCE = 8;

/**
 * Releases what is due and has no wake-up on its way: parked, stored but never enqueued, claimed by an instance that died.
 * Each mailbox gets the next minutes' worth, high priority first, then by age, a turn apart.
 *
 * @param only one mailbox, e.g. when its breaker has closed; absent = all
 */
export async function releaseDue(deps: ReleaseDeps, log: Log, only?: string): Promise<number> {
  const nowMs = deps.clock.now();
  const rows = await deps.store.openRows(nowMs + RELEASE_AHEAD_MS, MAX_OPEN_ROWS);
  const byMailbox = new Map<string, OpenRow[]>();
  let found = 0;
  for (const row of rows) {
    const mailbox = row.mailbox.toLowerCase();
    if (found >= MAX_RELEASES || (only !== undefined && mailbox !== only.toLowerCase())) continue;
    if (!(await needsRelease(deps.store, row, nowMs))) continue;
    found++;
    byMailbox.set(mailbox, [...(byMailbox.get(mailbox) ?? []), row]);
  }
  let released = 0;
  for (const [mailbox, due] of byMailbox) released += await releaseOf(deps, mailbox, due, nowMs);
  if (released > 0)
    log('info', { event: 'messages.released', count: released, ...(only === undefined ? {} : { mailbox: only }) });
  return released;
}

async function releaseOf(deps: ReleaseDeps, mailbox: string, due: OpenRow[], nowMs: number): Promise<number> {
  due.sort((a, b) => Number(b.priority === 'high') - Number(a.priority === 'high') || (a.id < b.id ? -1 : 1));
  const times = await wakeTimes(deps, mailbox, due, nowMs);
  const wanted = due
    .slice(0, times.length)
    .map((row, index) => ({ row, wakeAtMs: Math.max(row.dueAtMs, times[index] ?? nowMs) }));
  const released = await deps.store.release(wanted);
  const byId = new Map(wanted.map(one => [one.row.id, one]));
  for (let at = 0; at < released.length; at += PUTS_AT_ONCE) {
    await Promise.all(
      released.slice(at, at + PUTS_AT_ONCE).map(async ({ id, generation }) => {
        const one = byId.get(id);
        if (one)
          await deps.wakeUps.put(
            { messageId: id, generation },
            one.row.priority,
            wakeDelayMs(one.wakeAtMs, deps.clock.now()),
          );
      }),
    );
  }
  return released.length;
}

async function wakeTimes(
  deps: ReleaseDeps,
  mailbox: string,
  due: readonly OpenRow[],
  nowMs: number,
): Promise<readonly number[]> {
  const sender = senderOfMailbox(deps.settings.senders, mailbox);
  if (!deps.pacer || !sender) return due.map(() => nowMs);
  return deps.pacer.planWakeUps({ mailbox, limits: sender.limits }, due.length, nowMs + PLAN_AHEAD_MS);
}

async function needsRelease(store: MessageStore, row: OpenRow, nowMs: number): Promise<boolean> {
  if (row.claimUntilMs !== undefined) {
    if (row.claimUntilMs > nowMs) return false;
    // The row knows the claim's first end only; its holder may have shown life since.
    const stored = await store.peek(row.id);
    return stored?.record.claim !== undefined && stored.record.claim.untilMs <= nowMs && !wokenLately(row, nowMs);
  }
  if (row.dueAtMs > nowMs + RELEASE_AHEAD_MS) return false;
  return !wokenLately(row, nowMs);
}

/** Its wake-up is on the queue, or was not long ago. */
function wokenLately(row: OpenRow, nowMs: number): boolean {
  return row.wakeAtMs !== undefined && row.wakeAtMs > nowMs - LOST_AFTER_MS;
}
