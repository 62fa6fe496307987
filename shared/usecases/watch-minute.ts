import { closeIncident } from '../domain/incident-step.ts';
import type { StoredWatchRow } from '../domain/incident-store.ts';
import type { OpenRow } from '../domain/message-ports.ts';
import { turnMs } from '../domain/pacing.ts';
import { senderOfMailbox } from '../domain/sender.ts';
import type { Condition } from '../domain/warning.ts';
import { breakerOf, expiryOf, OVERDUE_MS, overdueOf, poisonOf, quotaOf } from '../domain/warning-conditions.ts';
import type { WatchDeps } from './watch-deps.ts';
import type { Claimed, WatchRows } from './watch-rows.ts';

/** What the sweep of this minute has found. */
export interface SweepCounts {
  /** Messages recorded from poison queues. */
  readonly poisonRecorded?: number;
}

/** Overdue rows looked at, a thousand in a call; and kept of one mailbox, so that none hides another. */
const MAX_ROWS = 200_000;
const MAX_ROWS_OF_MAILBOX = 1_000;
const CLOSED_KEPT_MS = 30 * 24 * 3_600_000;
/** Minute of the hour at which old incidents are deleted. */
const TIDY_MINUTE = 17;

/** All conditions as they are now, for the warnings. Two storage calls, unless thousands of messages are overdue. */
export async function minuteConditions(
  deps: WatchDeps,
  rows: WatchRows,
  counts: SweepCounts,
): Promise<readonly Condition[]> {
  const nowMs = deps.clock.now();
  const told = new Set(rows.all().flatMap(({ row }) => (row.warning ? [row.key.slice(2)] : [])));
  const [states, overdue, expiry] = await Promise.all([
    deps.mailboxes.list(),
    overdueRows(deps, nowMs),
    expiryConditions(deps, told, nowMs),
  ]);
  const conditions: Condition[] = [...expiry.conditions];
  const hit = mailboxesHit(rows.all());
  for (const mailbox of deps.subjects.mailboxes) {
    const lower = mailbox.toLowerCase();
    const state = states.find(one => one.mailbox.toLowerCase() === lower)?.state;
    const limits = senderOfMailbox(deps.senders, mailbox)?.limits;
    if (!limits) continue;
    if (state) conditions.push(quotaOf(mailbox, state, limits.recipientsPerDay, told.has(`quota:${lower}`), nowMs));
    // What waits behind an open incident, or behind its breaker, has been told with it.
    const isHit = hit.has(lower);
    if (state) conditions.push(isHit ? { key: `breaker:${lower}`, holds: false } : breakerOf(mailbox, state, nowMs));
    conditions.push(
      isHit || (state && state.breaker.state !== 'closed')
        ? { key: `overdue:${lower}`, holds: false }
        : overdueOf(mailbox, overdue.get(lower) ?? [], state, turnMs(limits), nowMs),
    );
  }
  if (counts.poisonRecorded) conditions.push(poisonOf(counts.poisonRecorded, nowMs));
  const judged = new Set(conditions.map(({ key }) => key));
  // A warning of which nothing is heard any more: its mailbox or certificate is gone, or it was an event and an hour ago.
  for (const key of told) {
    const isOther = /^(?:fallback|modes):/.test(key) || (key.startsWith('expiry:') && !expiry.isKnown);
    if (!judged.has(key) && !isOther) conditions.push({ key, holds: false });
  }
  return conditions.filter(({ key, holds }) => holds || told.has(key));
}

async function overdueRows({ messages }: WatchDeps, nowMs: number): Promise<ReadonlyMap<string, readonly OpenRow[]>> {
  const counts = new Map<string, number>();
  const keep = (row: OpenRow): boolean => {
    const mailbox = row.mailbox.toLowerCase();
    const count = (counts.get(mailbox) ?? 0) + 1;
    counts.set(mailbox, count);
    return count <= MAX_ROWS_OF_MAILBOX;
  };
  const rows = await messages.openRows(nowMs - OVERDUE_MS, MAX_ROWS, { keep });
  return Map.groupBy(rows, row => row.mailbox.toLowerCase());
}

async function expiryConditions(
  deps: WatchDeps,
  told: ReadonlySet<string>,
  nowMs: number,
): Promise<{ readonly conditions: readonly Condition[]; readonly isKnown: boolean }> {
  const credentials = await deps.credentials?.();
  if (!credentials) return { conditions: [], isKnown: false };
  const conditions = credentials.list.map(one => expiryOf(one, told.has(`expiry:${one.key}`), nowMs));
  return { conditions, isKnown: credentials.isComplete };
}

function mailboxesHit(rows: readonly StoredWatchRow[]): ReadonlySet<string> {
  return new Set(
    rows
      .filter(({ row }) => !row.key.startsWith('canary:'))
      .flatMap(({ row }) => row.subject?.incident?.mailboxes ?? [])
      .map(mailbox => mailbox.toLowerCase()),
  );
}

/** Ends incidents of mailboxes that the settings no longer have; once an hour deletes what is old and rows that are quiet. */
export async function tidyRows(deps: WatchDeps, rows: WatchRows): Promise<readonly Claimed[]> {
  const nowMs = deps.clock.now();
  const claimed: Claimed[] = [];
  const known = new Set(deps.subjects.mailboxes.map(mailbox => mailbox.toLowerCase()));
  for (const { row } of rows.all()) {
    const incident = row.subject?.incident;
    if (!incident || incident.mailboxes.some(mailbox => known.has(mailbox.toLowerCase()))) continue;
    const result = await rows.change(row.key, current => {
      const open = current.subject?.incident;
      if (!current.subject || !open) return { row: current };
      const { state, notices, closed } = closeIncident(current.subject, open, nowMs);
      return { row: { ...current, subject: state }, notices, ...(closed ? { closed } : {}) };
    });
    if (result) claimed.push(result);
  }
  if (new Date(nowMs).getUTCMinutes() === TIDY_MINUTE) {
    await deps.store.forget(nowMs - CLOSED_KEPT_MS);
    for (const stored of rows.all()) await rows.dropQuiet(stored);
  }
  return claimed;
}
