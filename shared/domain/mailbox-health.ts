import type { Breaker } from './breaker.ts';
import { failedPhase, type ProbeRun } from './probe-run.ts';
import type { CredentialStatus, HealthReason, MailboxHealth } from './status-report.ts';
import type { IncidentView } from './watch-ports.ts';

const DAY_MS = 24 * 3_600_000;
/** A credential that ends within this many days is worth a look, and a day's quota used to this share. */
const SOON_DAYS = 14;
const NEARLY_USED = 0.8;

/** What is known of a mailbox; left out: not known. */
export interface MailboxFacts {
  /** Open ones that name this mailbox. */
  readonly incidents: readonly IncidentView[];
  readonly breaker?: Breaker;
  readonly lastProbe?: ProbeRun;
  readonly credential: CredentialStatus;
  readonly recipientsPerDay: { readonly limit: number; readonly used: number | null };
}

/**
 * The state of a mailbox, by the first of these that holds:
 * failing: an incident is open, or the breaker is not closed, or its credential has ended;
 * degraded: its last probe failed, was neutral or carries a warning, its credential ends within 14 days or an older
 * version stands in without intent, or 80 % of the day's recipients are used;
 * healthy: its last probe was good, or, without one, mail went out in the last 24 h;
 * unknown: none of these. A probe of more than 24 h ago tells nothing any more.
 */
export function judgeMailbox(
  facts: MailboxFacts,
  nowMs: number,
): { readonly state: MailboxHealth; readonly reasons: readonly HealthReason[] } {
  const failing = failures(facts);
  const probe = facts.lastProbe && nowMs - Date.parse(facts.lastProbe.at) <= DAY_MS ? facts.lastProbe : undefined;
  const doubts = [...(probe ? probeDoubts(probe) : []), ...foresight(facts)];
  const reasons = [...failing, ...doubts];
  if (failing.length > 0) return { state: 'failing', reasons };
  if (doubts.length > 0) return { state: 'degraded', reasons };
  const isSeen = probe !== undefined || (facts.recipientsPerDay.used ?? 0) > 0;
  return { state: isSeen ? 'healthy' : 'unknown', reasons };
}

function failures({ incidents, breaker, credential }: MailboxFacts): HealthReason[] {
  return [
    ...incidents.map(({ code, cause, since }) => ({ code, text: `Incident since ${since}: ${cause}` })),
    ...(breaker && breaker.state !== 'closed'
      ? [{ code: breaker.code, text: `Sending is held since ${new Date(breaker.sinceMs).toISOString()}.` }]
      : []),
    ...(credential.daysLeft !== null && credential.daysLeft < 0
      ? [{ code: 'vault_certificate_expired', text: `The ${credential.kind} has expired.` }]
      : []),
  ];
}

function probeDoubts(probe: ProbeRun): HealthReason[] {
  if (probe.ok === false) {
    const phase = failedPhase(probe);
    const code = probe.code ?? phase?.code;
    return [{ text: `The last probe failed at ${phase?.phase ?? 'an unknown phase'}.`, ...withCode(code) }];
  }
  const warnings = probe.phases.filter(phase => phase.ok === true && phase.code !== undefined);
  return [
    ...(probe.ok === null ? [{ text: 'The last probe could not tell.', ...withCode(probe.code) }] : []),
    ...warnings.map(({ detail, code }) => ({ text: detail, ...withCode(code) })),
  ];
}

function foresight({ credential, recipientsPerDay: { used, limit } }: MailboxFacts): HealthReason[] {
  const { daysLeft, fallback } = credential;
  const isIntended = fallback?.reason === 'disabled' || fallback?.reason === 'notYetValid';
  return [
    ...(daysLeft !== null && daysLeft >= 0 && daysLeft <= SOON_DAYS
      ? [{ text: `The ${credential.kind} ends in ${daysLeft === 1 ? 'a day' : `${daysLeft} days`}.` }]
      : []),
    ...(fallback && !isIntended
      ? [{ text: 'An older version of the certificate stands in for the newest.', ...withCode(fallback.code) }]
      : []),
    ...(used !== null && used >= limit * NEARLY_USED
      ? [{ code: 'mailbox_quota_reached', text: `${used} of ${limit} recipients of 24 hours are used.` }]
      : []),
  ];
}

function withCode(code: string | undefined): { readonly code?: string } {
  return code === undefined ? {} : { code };
}
