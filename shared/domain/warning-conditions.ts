import type { OpenRow } from './message-ports.ts';
import type { MailboxState } from './pacing.ts';
import type { ProbeRun } from './probe-run.ts';
import { redact } from './redact.ts';
import type { Condition } from './warning.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 3_600_000;

/** A certificate or client secret as the vault has it, with the mailboxes whose mail depends on it. */
export interface WatchedCredential {
  /** Tells it from others: name in the vault and app. */
  readonly key: string;
  readonly name: string;
  readonly kind: 'certificate' | 'secret';
  readonly version: string;
  /** Absent where the vault does not say when it ends. */
  readonly expiresAtMs?: number;
  readonly mailboxes: readonly string[];
}

/** `isComplete` false: some could not be read just now, so what is missing says nothing. */
export interface WatchedCredentials {
  readonly list: readonly WatchedCredential[];
  readonly isComplete: boolean;
}

/** Days left at which is said that a certificate or secret expires. */
export const EXPIRY_DAYS: readonly number[] = [60, 30, 14, 7, 3, 1];

/**
 * The lowest threshold that is crossed counts: a certificate found with 5 days left gives one alert and not four. One that
 * is found expired gives none: the probe says so at once, as an incident, or that an older version stands in for it.
 */
export function expiryOf(credential: WatchedCredential, isTold: boolean, nowMs: number): Condition {
  const { name, kind, version, expiresAtMs, mailboxes } = credential;
  const key = `expiry:${credential.key}`;
  const level =
    expiresAtMs === undefined ? undefined : EXPIRY_DAYS.findLast(days => expiresAtMs - nowMs <= days * DAY_MS);
  if (expiresAtMs === undefined || level === undefined) return { key, holds: false };
  if (kind === 'certificate' && expiresAtMs <= nowMs && !isTold) return { key, holds: false };
  const days = Math.floor((expiresAtMs - nowMs) / DAY_MS);
  const when = new Date(expiresAtMs).toISOString().slice(0, 10);
  const detail =
    days < 0
      ? `The ${kind} ${name}, version ${version}, expired on ${when}.`
      : `The ${kind} ${name}, version ${version}, expires on ${when}: ${days === 1 ? '1 day' : `${days} days`} left.`;
  return { key, holds: true, code: 'credential_expiring', mailboxes, detail, level, version };
}

const QUOTA_WARN = 0.8;
/** It ends below this only, so that a number that moves around the threshold is told once. */
const QUOTA_CALM = 0.7;

/** Recipients of the last 24 hours against what the mailbox may have. */
export function quotaOf(
  mailbox: string,
  state: MailboxState,
  recipientsPerDay: number,
  isTold: boolean,
  nowMs: number,
): Condition {
  const key = `quota:${mailbox.toLowerCase()}`;
  const used = state.recipients.reduce((sum, [startMs, count]) => (startMs > nowMs - DAY_MS ? sum + count : sum), 0);
  const share = used / recipientsPerDay;
  if (share <= (isTold ? QUOTA_CALM : QUOTA_WARN)) return { key, holds: false };
  const detail = `${used} of ${recipientsPerDay} recipients in the last 24 hours.`;
  return { key, holds: true, code: 'mailbox_quota_near', mailboxes: [mailbox], detail };
}

export const OVERDUE_MS = 15 * MINUTE_MS;
/** A mailbox whose next turn is this recent gives out turns: what waits there waits for its pace. */
const TURN_IS_RECENT_MS = 10_000;

/**
 * Messages whose due time is long past, where the mailbox does not send at its full pace. Counted from the due time, so
 * that what is scheduled, deferred or waits for the next day is silent; and while turns are being given out one after
 * the other, what waits is a backlog and not forgotten.
 */
export function overdueOf(
  mailbox: string,
  rows: readonly OpenRow[],
  state: MailboxState | undefined,
  gapMs: number,
  nowMs: number,
): Condition {
  const key = `overdue:${mailbox.toLowerCase()}`;
  const late = rows.filter(row => row.dueAtMs < nowMs - OVERDUE_MS && !(row.claimUntilMs && row.claimUntilMs > nowMs));
  const isPaced = state !== undefined && state.nextTurnMs > nowMs - gapMs - TURN_IS_RECENT_MS;
  if (late.length === 0 || isPaced) return { key, holds: false };
  const oldest = Math.min(...late.map(row => row.dueAtMs));
  const detail = `${late.length} overdue, the oldest since ${new Date(oldest).toISOString().slice(0, 16)}Z.`;
  return { key, holds: true, code: 'message_overdue', mailboxes: [mailbox], detail };
}

/** An ordinary breaker is told by then by the incident that it belongs to. */
const BREAKER_GRACE_MS = 15 * MINUTE_MS;

/** A breaker that is open without an incident; one that only time closes at once, since no probe will see it. */
export function breakerOf(mailbox: string, { breaker }: MailboxState, nowMs: number): Condition {
  const key = `breaker:${mailbox.toLowerCase()}`;
  if (breaker.state === 'closed') return { key, holds: false };
  if (!breaker.timeOnly && nowMs - breaker.sinceMs < BREAKER_GRACE_MS) return { key, holds: false };
  const since = new Date(breaker.sinceMs).toISOString().slice(0, 16);
  const detail = `Since ${since}Z nothing is submitted, because of ${breaker.code}.`;
  return { key, holds: true, code: breaker.timeOnly ? breaker.code : 'breaker_open', mailboxes: [mailbox], detail };
}

const EVENT_HOLDS_MS = 3_600_000;

/** Messages that ended in doubt: told once an hour for each mailbox, since a broken line can leave many. */
export function unknownOf(mailbox: string, code: string, nowMs: number): Condition {
  return {
    key: `unknown:${mailbox.toLowerCase()}`,
    holds: true,
    code,
    mailboxes: [mailbox],
    detail: 'A message ended as unknown. All of them: GET /api/messages?status=unknown',
    untilMs: nowMs + EVENT_HOLDS_MS,
  };
}

/** Messages that the host gave up and `sweep` has recorded as failed. */
export function poisonOf(count: number, nowMs: number): Condition {
  return {
    key: 'poison:',
    holds: true,
    code: 'poison_message',
    mailboxes: [],
    detail: `${count} recorded from the poison queues. All of them: GET /api/messages?status=failed`,
    untilMs: nowMs + EVENT_HOLDS_MS,
  };
}

/** Said by a run that is good: Microsoft asks not to mix claim mode and App RBAC. */
const MODES_MIXED = 'entra_modes_mixed';

/**
 * Where runs that go well say in the phases of vault or token that something is odd: an older version of the certificate
 * serves in place of the newest, or the two ways to authorise are mixed. Empty for runs that do not get so far.
 */
export function oddityOf(key: string, mailboxes: readonly string[], runs: readonly ProbeRun[]): readonly Condition[] {
  const phases = runs
    .flatMap(run => run.phases)
    .filter(({ phase, ok }) => (phase === 'vault' || phase === 'token') && ok === true);
  if (phases.length === 0) return [];
  const odd = phases.filter(({ code }) => code !== undefined && /^(?:vault|entra)_/.test(code));
  const [older] = odd.filter(({ code }) => code !== MODES_MIXED);
  const [mixed] = odd.filter(({ code }) => code === MODES_MIXED);
  const text = (detail: string) => redact(detail, 500);
  return [
    older
      ? { ...FALLBACK, key: `fallback:${key}`, mailboxes, detail: text(`${older.code}: ${older.detail}`) }
      : { key: `fallback:${key}`, holds: false },
    mixed
      ? { key: `modes:${key}`, holds: true, code: MODES_MIXED, mailboxes, detail: text(mixed.detail) }
      : { key: `modes:${key}`, holds: false },
  ];
}

const FALLBACK = { holds: true, code: 'credential_fallback' } as const;
