import type { AlertNotice, NoticeType } from './alert-notice.ts';
import {
  type Cause,
  type Evidence,
  FLAPPING_WINDOW_MS,
  type Incident,
  type Step,
  type Streak,
  type SubjectState,
} from './incident.ts';
import { failuresToOpen } from './incident-subject.ts';

/** Good ones in a row that close an incident. */
const GOODS_TO_CLOSE = 2;
/** One that comes and goes must stay away for longer. */
const GOODS_TO_CALM = 6;
/** The so-manieth opening within the window is called flapping. */
const OPENINGS_TO_FLAP = 3;
/** So many failed runs among the last ones open an incident even if never two of them came together. */
const RECENT_RUNS = 12;
const RECENT_FAILS = 6;
/** Another cause, seen so often in a row, is the cause from now on. */
const TIMES_TO_CHANGE = 2;
/** Failures in traffic that are further apart than this do not belong together. */
const TRAFFIC_STREAK_MS = 3_600_000;
export const REMINDER_MS = 4 * 3_600_000;

type Bad = Extract<Evidence, { verdict: 'bad' }>;
type Good = Extract<Evidence, { verdict: 'good' }>;

/**
 * What follows from something seen. Pure and total; returns the very same state where nothing follows, so that nothing
 * need be written.
 *
 * @param newId id for an incident, should this open one
 */
export function stepIncident(state: SubjectState, seen: Evidence, newId: () => string): Step {
  // A run that began before the last one ended is the same look at the same thing: two instances, a late timer.
  if (seen.by === 'probe' && seen.startMs < state.probedUntilMs) return { state, notices: [] };
  return seen.verdict === 'bad' ? stepBad(state, seen, newId) : stepGood(state, seen);
}

function stepBad(before: SubjectState, seen: Bad, newId: () => string): Step {
  const state = counted(before, seen, 'f');
  if (state.incident) return stepOpen(state, state.incident, seen);
  const streak = longer(state.streaks[seen.by], seen);
  const next = { ...state, streaks: { ...state.streaks, [seen.by]: streak } };
  const isNew = streak.firm >= 2 || streak.fails >= 3 || failuresToOpen(seen.cause.code) === 1;
  const isUnsteady = !isNew && count(next.recent, 'f') >= RECENT_FAILS;
  if (!isNew && !isUnsteady) return { state: next, notices: [] };
  return open(next, streak, seen, isUnsteady, newId());
}

function open(state: SubjectState, streak: Streak, seen: Bad, isUnsteady: boolean, id: string): Step {
  const atMs = seen.endMs;
  const lately = state.openedAtMs.filter(at => at > atMs - FLAPPING_WINDOW_MS);
  const openedAtMs = [...lately, atMs].slice(-OPENINGS_TO_FLAP);
  const isFlapping = isUnsteady || openedAtMs.length >= OPENINGS_TO_FLAP;
  const incident: Incident = {
    id,
    cause: seen.cause,
    mailboxes: seen.mailboxes,
    sinceMs: streak.sinceMs,
    openedBy: seen.by,
    ...(state.lastGoodMs === undefined ? {} : { lastGoodMs: state.lastGoodMs }),
    isAcknowledged: false,
    toldAtMs: atMs,
    reminders: 0,
    codes: [seen.cause.code],
    goods: 0,
    isFlapping,
  };
  // Said at the opening at which it is first seen; later ones within the window say no more of it.
  const isSaid = isFlapping && (isUnsteady || lately.length < OPENINGS_TO_FLAP);
  const notice = noticeOf(incident, 'incident.opened', 'opened', atMs);
  return {
    state: { ...state, streaks: {}, openedAtMs, incident },
    notices: [isSaid ? { ...notice, isFlapping: true } : notice],
  };
}

/** A failure while an incident is open: perhaps of another cause. */
function stepOpen(state: SubjectState, incident: Incident, seen: Bad): Step {
  const mailboxes = union(incident.mailboxes, seen.mailboxes);
  const { change: _change, ...rest } = incident;
  const still: Incident = { ...rest, mailboxes, goods: 0 };
  if (seen.cause.code === incident.cause.code) {
    const isSame = incident.goods === 0 && !incident.change && mailboxes === incident.mailboxes;
    return { state: isSame ? state : { ...state, incident: still }, notices: [] };
  }
  const times = incident.change?.cause.code === seen.cause.code ? incident.change.times + 1 : 1;
  if (times < Math.min(TIMES_TO_CHANGE, failuresToOpen(seen.cause.code)))
    return { state: { ...state, incident: { ...still, change: { cause: seen.cause, times } } }, notices: [] };
  const isKnown = incident.codes.includes(seen.cause.code);
  const changed: Incident = {
    ...still,
    cause: seen.cause,
    ...(isKnown ? {} : { codes: [...incident.codes, seen.cause.code], toldAtMs: seen.endMs }),
  };
  // Causes that take turns are each told once.
  const notices = isKnown
    ? []
    : [noticeOf(changed, 'incident.updated', `updated_${incident.codes.length}`, seen.endMs)];
  return { state: { ...state, incident: changed }, notices };
}

function stepGood(before: SubjectState, seen: Good): Step {
  const { incident, streaks } = before;
  if (!incident) {
    const left: { probe?: Streak; traffic?: Streak } = {};
    if (streaks.probe && !proves(seen, streaks.probe.cause, 'probe')) left.probe = streaks.probe;
    if (streaks.traffic && (seen.by === 'probe' || !proves(seen, streaks.traffic.cause, 'traffic')))
      left.traffic = streaks.traffic;
    const isSame = left.probe === streaks.probe && left.traffic === streaks.traffic;
    const isLook = seen.by === 'probe' && (seen.isWhole || !isSame) && (!isSame || before.recent.includes('f'));
    if (isSame && !isLook) return { state: before, notices: [] };
    const state = isLook ? counted(before, seen, 'g') : before;
    return { state: { ...state, streaks: left, lastGoodMs: seen.endMs }, notices: [] };
  }
  if (!proves(seen, incident.cause, incident.openedBy) || !isAmong(seen.mailboxes, incident.mailboxes))
    return { state: before, notices: [] };
  const state = seen.by === 'probe' ? counted(before, seen, 'g') : before;
  const { change: _change, ...rest } = incident;
  const goods = incident.goods + 1;
  if (goods < goodsToClose(incident)) return { state: { ...state, incident: { ...rest, goods } }, notices: [] };
  return closeIncident({ ...state, lastGoodMs: seen.endMs }, incident, seen.endMs);
}

/** Ends an incident, whatever has been heard of it. */
export function closeIncident(state: SubjectState, incident: Incident, atMs: number): Step {
  const { incident: _open, ...rest } = state;
  const { id, mailboxes, sinceMs, lastGoodMs, isAcknowledged } = incident;
  return {
    state: { ...rest, streaks: {}, recent: '' },
    notices: [
      {
        ...noticeOf(incident, 'incident.closed', 'closed', atMs),
        ...(state.lastGoodMs === undefined ? {} : { lastGoodMs: state.lastGoodMs }),
      },
    ],
    closed: {
      id,
      code: incident.cause.code,
      mailboxes,
      sinceMs,
      closedAtMs: atMs,
      ...(lastGoodMs === undefined ? {} : { lastGoodMs }),
      isAcknowledged,
    },
  };
}

/** A reminder where the last word on an open incident is four hours old and nobody has acknowledged it. */
export function remindOf(state: SubjectState, nowMs: number): Step {
  const { incident } = state;
  if (!incident || incident.isAcknowledged || nowMs - incident.toldAtMs < REMINDER_MS) return { state, notices: [] };
  const reminders = incident.reminders + 1;
  return {
    state: { ...state, incident: { ...incident, reminders, toldAtMs: nowMs } },
    notices: [noticeOf(incident, 'incident.reminder', `reminder_${reminders}`, nowMs)],
  };
}

/** Nobody is reminded of an incident that somebody has in hand. */
export function acknowledge(state: SubjectState): SubjectState {
  const { incident } = state;
  return !incident || incident.isAcknowledged ? state : { ...state, incident: { ...incident, isAcknowledged: true } };
}

/**
 * Whether something good says anything about this cause. A mail says nothing about identity, vault and token where the
 * probe has found the fault: mails go on for an hour with the token that is cached.
 */
function proves(seen: Good, cause: Cause, foundBy: 'probe' | 'traffic'): boolean {
  if (cause.kind === 'canary' || seen.kinds.has('canary')) return cause.kind === 'canary' && seen.kinds.has('canary');
  if (seen.by === 'traffic') return foundBy === 'traffic' || cause.kind === 'mailbox';
  return seen.isWhole || (seen.kinds.has(cause.kind) && !cause.code.startsWith('smtp_'));
}

function goodsToClose({ cause, isFlapping }: Incident): number {
  // The next canary after a good one may be hours away, and it is a real mail that Exchange took.
  if (cause.kind === 'canary') return 1;
  return isFlapping ? GOODS_TO_CALM : GOODS_TO_CLOSE;
}

function counted(state: SubjectState, seen: Evidence, sign: 'f' | 'g'): SubjectState {
  if (seen.by !== 'probe') return state;
  return { ...state, probedUntilMs: seen.endMs, recent: `${state.recent}${sign}`.slice(-RECENT_RUNS) };
}

function longer(streak: Streak | undefined, { by, cause, startMs, endMs }: Bad): Streak {
  const isApart = by === 'traffic' && streak !== undefined && endMs - streak.lastMs > TRAFFIC_STREAK_MS;
  const before = isApart ? undefined : streak;
  return {
    fails: (before?.fails ?? 0) + 1,
    firm: (before?.firm ?? 0) + (failuresToOpen(cause.code) < 3 ? 1 : 0),
    sinceMs: before?.sinceMs ?? startMs,
    lastMs: endMs,
    cause,
  };
}

function noticeOf(incident: Incident, type: NoticeType, name: string, atMs: number): AlertNotice {
  const { id, cause, mailboxes, sinceMs, lastGoodMs } = incident;
  return {
    id: `${id}_${name}`,
    type,
    atMs,
    incidentId: id,
    mailboxes,
    code: cause.code,
    sinceMs,
    ...(lastGoodMs === undefined ? {} : { lastGoodMs }),
    ...(cause.phase === undefined ? {} : { phase: cause.phase }),
    ...(cause.detail === undefined ? {} : { detail: cause.detail }),
  };
}

function isAmong(some: readonly string[], all: readonly string[]): boolean {
  return some.some(one => all.some(other => other.toLowerCase() === one.toLowerCase()));
}

function union(known: readonly string[], more: readonly string[]): readonly string[] {
  const fresh = more.filter(one => !known.includes(one));
  return fresh.length === 0 ? known : [...known, ...fresh];
}

function count(text: string, sign: string): number {
  return text.split(sign).length - 1;
}
