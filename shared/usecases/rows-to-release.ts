import type { MailSettings } from '../domain/mail-settings.ts';
import type { MessageStore, OpenRow } from '../domain/message-ports.ts';
import { turnMs } from '../domain/pacing.ts';
import type { Clock } from '../domain/ports.ts';
import { isOnItsWay, PLAN_AHEAD_MS, RELEASE_AHEAD_MS } from '../domain/schedule.ts';
import { type Sender, senderOfMailbox } from '../domain/sender.ts';

/** What needs a release for the mailboxes of one sender, as much as one run can do; each list in order of age. */
export interface DueRows {
  /** The mailboxes that may send it, as the settings write them. */
  readonly mailboxes: readonly string[];
  /** Absent when the settings no longer have one. */
  readonly sender: Sender | undefined;
  /** Claimed, and the claim's first end has passed. Its holder may have shown life since. */
  readonly claimed: OpenRow[];
  /** Woken, and the wake-up has led to nothing for so long that it is taken for lost. */
  readonly lost: OpenRow[];
  readonly high: OpenRow[];
  readonly normal: OpenRow[];
  /** Their time is over. */
  readonly ended: OpenRow[];
}

interface Deps {
  readonly settings: MailSettings;
  readonly store: Pick<MessageStore, 'openRows'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly pacer?: unknown;
}

/** Rows looked at in one run: all there are, but for a bound. Few are kept, so that the number costs time and no memory. */
const MAX_OPEN_ROWS = 200_000;
/** Rows kept of one kind and group, whatever the rate. */
const MAX_KEPT = 5_000;
/** Releases of one group in one run where nobody paces it. */
const MAX_UNPACED = 2_000;
/** Each costs a read of its record, so that it is known whether the holder lives. */
const MAX_CLAIMED = 500;
/** Of all mailboxes together: what has ended can wait for another minute, and what has not goes first. */
const MAX_ENDED = 1_000;

/**
 * Reads the open rows that need a release, for each group of mailboxes that share what waits for any of them. One call of
 * the table for each thousand rows.
 *
 * @param only the group of one mailbox; absent = all
 */
export async function rowsToRelease(deps: Deps, only?: string): Promise<readonly DueRows[]> {
  const nowMs = deps.clock.now();
  const groups = new Map<string, DueRows & { readonly places: number; readonly gapMs: number }>();
  const groupOf = memo((mailbox: string) => {
    const sender = senderOfMailbox(deps.settings.senders, mailbox);
    const mailboxes = sender?.mailboxes ?? [mailbox];
    const key = mailboxes.join(' ').toLowerCase();
    const group = groups.get(key) ?? { ...emptyGroup(mailboxes, sender), ...paceOf(deps, sender) };
    groups.set(key, group);
    return group;
  });
  const wanted = only === undefined ? undefined : groupOf(only);
  let ended = 0;

  function sortIn(row: OpenRow): void {
    const group = groupOf(row.mailbox);
    if ((wanted && group !== wanted) || isOnItsWay(row, nowMs)) return;
    if (row.claimUntilMs !== undefined) {
      if (row.claimUntilMs <= nowMs) add(group.claimed, row, MAX_CLAIMED);
    } else if (row.endsAtMs !== undefined && row.endsAtMs <= nowMs) {
      if (++ended <= MAX_ENDED) group.ended.push(row);
    } else if (row.wakeAtMs !== undefined) add(group.lost, row, group.places);
    else if (row.dueAtMs > nowMs + RELEASE_AHEAD_MS) return;
    else if (row.priority === 'high') add(group.high, row, group.places);
    // Where its time is over before its turn can come, a place would be lost on it.
    else if (row.endsAtMs === undefined || row.endsAtMs > nowMs + group.normal.length * group.gapMs)
      add(group.normal, row, group.places);
  }

  const keep = (row: OpenRow): boolean => {
    sortIn(row);
    return false;
  };
  await deps.store.openRows(nowMs + RELEASE_AHEAD_MS, MAX_OPEN_ROWS, { endsByMs: nowMs, keep });
  return [...groups.values()];
}

/** How many rows the lines of a group's mailboxes can hold, and a few more, which show that there are more. */
function paceOf({ pacer }: Deps, sender: Sender | undefined): { readonly places: number; readonly gapMs: number } {
  if (!pacer || !sender) return { places: MAX_UNPACED, gapMs: 0 };
  const gapMs = turnMs(sender.limits);
  const count = sender.mailboxes.length;
  return { places: Math.min(MAX_KEPT, count * (Math.floor(PLAN_AHEAD_MS / gapMs) + 2)), gapMs: gapMs / count };
}

function emptyGroup(mailboxes: readonly string[], sender: Sender | undefined): DueRows {
  return { mailboxes, sender, claimed: [], lost: [], high: [], normal: [], ended: [] };
}

function add(list: OpenRow[], row: OpenRow, max: number): void {
  if (list.length < max) list.push(row);
}

/** There are many rows and few mailboxes. */
function memo<T>(make: (name: string) => T): (name: string) => T {
  const made = new Map<string, T>();
  return name => {
    const found = made.get(name) ?? make(name);
    made.set(name, found);
    return found;
  };
}
