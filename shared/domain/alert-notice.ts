/** What kind of thing is told. `cleared`: a warning no longer holds; only PagerDuty, which keeps state, is told. */
export type NoticeType =
  | 'incident.opened'
  | 'incident.updated'
  | 'incident.reminder'
  | 'incident.closed'
  | 'warning'
  | 'cleared'
  | 'test';

/** Facts of one notice, fixed when it was made: what is repeated after a crash says the same under the same name. */
export interface AlertNotice {
  /** `webhook-id`. */
  readonly id: string;
  readonly type: NoticeType;
  readonly atMs: number;
  /** Id of the incident or warning; PagerDuty's `dedup_key`. */
  readonly incidentId: string;
  readonly mailboxes: readonly string[];
  readonly code: string;
  readonly sinceMs: number;
  readonly lastGoodMs?: number;
  readonly phase?: string;
  /** What the service said, or the figures of a warning; scrubbed. */
  readonly detail?: string;
  readonly isFlapping?: true;
}

/** A notice on its way: with the channels that have not taken it yet. */
export interface PendingNotice extends AlertNotice {
  readonly waiting: readonly Waiting[];
}

/** One channel that has still to take a notice. */
export interface Waiting {
  /** `AlertChannel.key`. */
  readonly channel: string;
  readonly tries: number;
  readonly nextAtMs: number;
}

/** The log line of a notice goes the same way as its messages, so that a crash loses neither. */
export const LOG_CHANNEL = 'log';

const HOUR_MS = 3_600_000;
/** Given up after this: a page a day late wakes somebody for nothing. A closing is worth more, since it clears a pager. */
const LIFE_MS = 24 * HOUR_MS;
const CLOSING_LIFE_MS = 7 * 24 * HOUR_MS;
/** In one row: a channel that is dead for days must not fill it. */
const MAX_PENDING = 24;
/** Tries that come with each run; after these the waits grow. */
const PROMPT_TRIES = 5;
const MAX_WAIT_MS = 15 * 60_000;

/**
 * Adds notices to those that wait. A closing takes the place of what the channel has not heard of the same incident, an
 * update that of an earlier update, and a reminder is for channels that wait for nothing else of it.
 */
export function addNotices(
  pending: readonly PendingNotice[],
  notices: readonly AlertNotice[],
  channelsOf: (type: NoticeType) => readonly string[],
): readonly PendingNotice[] {
  let list = pending;
  for (const notice of notices) {
    const { incidentId, type, atMs } = notice;
    let channels = channelsOf(type);
    const same = list.filter(one => one.incidentId === incidentId);
    if (type === 'incident.closed') list = list.flatMap(one => (same.includes(one) ? onlyLogged(one) : [one]));
    if (type === 'incident.updated') list = list.filter(one => !(same.includes(one) && one.type === type));
    if (type === 'incident.reminder') {
      list = list.filter(one => !(same.includes(one) && one.type === type));
      const rest = list.filter(one => same.includes(one));
      channels = channels.filter(channel => !rest.some(one => one.waiting.some(each => each.channel === channel)));
    }
    if (channels.length === 0) continue;
    list = [...list, { ...notice, waiting: channels.map(channel => ({ channel, tries: 0, nextAtMs: atMs })) }];
  }
  return list.slice(-MAX_PENDING);
}

/** The log is a record and gets every line. */
function onlyLogged(one: PendingNotice): readonly PendingNotice[] {
  const waiting = one.waiting.filter(each => each.channel === LOG_CHANNEL);
  return waiting.length === 0 ? [] : [{ ...one, waiting }];
}

/** What one channel has to be told now, in order: nothing goes past a notice that has to wait. */
export function dueFor(pending: readonly PendingNotice[], channel: string, nowMs: number): readonly PendingNotice[] {
  const own = pending.filter(one => one.waiting.some(each => each.channel === channel));
  const first = own[0]?.waiting.find(each => each.channel === channel);
  return first && first.nextAtMs <= nowMs ? own : [];
}

/** Strikes a channel off a notice, and a notice off the list when no channel is left. */
export function noticeTaken(pending: readonly PendingNotice[], id: string, channel: string): readonly PendingNotice[] {
  return pending.flatMap(one => {
    if (one.id !== id) return [one];
    const waiting = one.waiting.filter(each => each.channel !== channel);
    return waiting.length === 0 ? [] : [{ ...one, waiting }];
  });
}

/** After a refusal: with the next run at first, later after waits that double up to a quarter of an hour. */
export function noticeRefused(
  pending: readonly PendingNotice[],
  id: string,
  channel: string,
  nowMs: number,
): readonly PendingNotice[] {
  return pending.map(one => {
    if (one.id !== id) return one;
    const waiting = one.waiting.map(each => {
      if (each.channel !== channel) return each;
      const tries = each.tries + 1;
      const waitMs = tries < PROMPT_TRIES ? 0 : Math.min(MAX_WAIT_MS, 30_000 * 2 ** Math.min(tries - PROMPT_TRIES, 10));
      return { ...each, tries, nextAtMs: nowMs + waitMs };
    });
    return { ...one, waiting };
  });
}

/** Without what is too old, and without channels that are no longer set up. */
export function stillWanted(
  pending: readonly PendingNotice[],
  channels: ReadonlySet<string>,
  nowMs: number,
): readonly PendingNotice[] {
  const isCurrent = ({ type, atMs }: AlertNotice) =>
    atMs > nowMs - (type === 'incident.closed' || type === 'cleared' ? CLOSING_LIFE_MS : LIFE_MS);
  const kept = pending.flatMap(one => {
    const waiting = one.waiting.filter(each => channels.has(each.channel));
    return waiting.length === 0 || !isCurrent(one)
      ? []
      : [waiting.length === one.waiting.length ? one : { ...one, waiting }];
  });
  return kept.length === pending.length && kept.every((one, index) => one === pending[index]) ? pending : kept;
}
