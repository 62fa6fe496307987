import type { Breaker } from '../domain/breaker.ts';
import type { CredentialState } from '../domain/credential-ports.ts';
import { findEntry } from '../domain/diagnosis/catalogue.ts';
import { diagnosisOf } from '../domain/diagnosis/diagnose.ts';
import type { MailSettings } from '../domain/mail-settings.ts';
import { judgeMailbox } from '../domain/mailbox-health.ts';
import type { MailboxStates } from '../domain/mailbox-ports.ts';
import type { MessageStore } from '../domain/message-ports.ts';
import { countOpenMail } from '../domain/open-mail.ts';
import { type MailboxState, NEW_MAILBOX, recipientsUsed, turnsUsed } from '../domain/pacing.ts';
import type { Clock, Log } from '../domain/ports.ts';
import type { ProbeRun } from '../domain/probe-run.ts';
import type { Sender } from '../domain/sender.ts';
import { credentialStatus } from '../domain/status-credential.ts';
import type {
  BreakerStatus,
  MailboxStatus,
  ProbeHistoryStatus,
  ProbeSummary,
  QueueLengths,
  StatusReport,
} from '../domain/status-report.ts';
import type { IncidentBook, IncidentView, ProbeHistory } from '../domain/watch-ports.ts';
import type { ProbeDigests } from './probe-digests.ts';
import { sourceReader } from './read-sources.ts';

export interface StatusDeps {
  readonly settings: Pick<MailSettings, 'senders' | 'mode'>;
  readonly store: Pick<MessageStore, 'openRows'>;
  readonly mailboxes: Pick<MailboxStates, 'list'>;
  readonly queues: QueueLengths;
  readonly clock: Pick<Clock, 'now'>;
  readonly history?: Pick<ProbeHistory, 'latest'>;
  readonly digests?: ProbeDigests;
  readonly incidents?: Pick<IncidentBook, 'list'>;
  /** What this process knows of a certificate from its own tokens. */
  readonly credentials?: (name: string) => readonly CredentialState[];
}

/** Open rows counted at most: five calls of the table service. */
const MAX_OPEN_ROWS = 5_000;
/** Open rows reach no further: sendAt and deadlines are a matter of days. */
const OPEN_ROWS_AHEAD_MS = 60 * 24 * 3_600_000;
/** An operator looks here because something is wrong: whatever takes longer is named as missing. */
const SOURCE_LIMIT_MS = 8_000;

/** All that is known of the app at this moment. A source that fails or hangs is named in `missing`, and the rest stands. */
export async function reportStatus(deps: StatusDeps, log: Log, limitMs = SOURCE_LIMIT_MS): Promise<StatusReport> {
  const nowMs = deps.clock.now();
  const { missing, read } = sourceReader(log, limitMs);
  const names = mailboxesOf(deps.settings.senders);
  const [incidents, probes, states, queues, rows] = await Promise.all([
    read('incidents', deps.incidents?.list()),
    read('probes', deps.history?.latest([...names.keys()])),
    read('mailboxes', deps.mailboxes.list()),
    read('queues', deps.queues.list()),
    read('messages', deps.store.openRows(nowMs + OPEN_ROWS_AHEAD_MS, MAX_OPEN_ROWS + 1)),
  ]);
  // The first reading of a long history may take several calls; how far it has come is told with it.
  if (probes && deps.digests) await read('probes', deps.digests.refresh(probes), { mayGoOn: true });
  const mailboxes = [...names].map(([mailbox, sender]) =>
    mailboxStatus(deps, sender, {
      mailbox,
      nowMs,
      incidents: (incidents ?? []).filter(one => one.state === 'open' && isNamed(one, mailbox)),
      lastProbe: probes?.find(run => isSame(run.mailbox, mailbox)),
      state: states && (states.find(one => isSame(one.mailbox, mailbox))?.state ?? NEW_MAILBOX),
      history: deps.digests?.viewOf(mailbox) ?? null,
    }),
  );
  return {
    at: new Date(nowMs).toISOString(),
    mode: deps.settings.mode,
    incidents: incidents ?? [],
    mailboxes,
    queues: queues ?? [],
    open: rows ? countOpenMail(rows.slice(0, MAX_OPEN_ROWS), rows.length <= MAX_OPEN_ROWS, nowMs) : null,
    diagnoses: diagnosesOf(mailboxes, incidents ?? []),
    missing,
  };
}

/** Each mailbox once, with the sender that owns it. */
function mailboxesOf(senders: readonly Sender[]): ReadonlyMap<string, Sender> {
  const found = new Map<string, Sender>();
  const seen = new Set<string>();
  for (const sender of senders) {
    for (const mailbox of sender.mailboxes) {
      if (seen.has(mailbox.toLowerCase())) continue;
      seen.add(mailbox.toLowerCase());
      found.set(mailbox, sender);
    }
  }
  return found;
}

interface Known {
  readonly mailbox: string;
  readonly nowMs: number;
  readonly incidents: readonly IncidentView[];
  readonly lastProbe: ProbeRun | undefined;
  /** Undefined when the table of mailboxes did not answer. */
  readonly state: MailboxState | undefined;
  readonly history: ProbeHistoryStatus | null;
}

function mailboxStatus(deps: StatusDeps, sender: Sender, known: Known): MailboxStatus {
  const { mailbox, nowMs, state, lastProbe } = known;
  const credential = credentialStatus(sender, deps.credentials, lastProbe, nowMs);
  const recipientsPerDay = {
    limit: sender.limits.recipientsPerDay,
    used: state ? recipientsUsed(state, nowMs) : null,
  };
  const judged = judgeMailbox(
    {
      incidents: known.incidents,
      credential,
      recipientsPerDay,
      ...(state ? { breaker: state.breaker } : {}),
      ...(lastProbe ? { lastProbe } : {}),
    },
    nowMs,
  );
  return {
    mailbox,
    ...judged,
    lastProbe: lastProbe ? summaryOf(lastProbe) : null,
    credential,
    quota: {
      messagesPerMinute: { limit: sender.limits.messagesPerMinute, used: state ? turnsUsed(state, nowMs) : null },
      recipientsPerDay,
    },
    breaker: state ? breakerStatus(state.breaker) : null,
    history: known.history,
  };
}

function breakerStatus(breaker: Breaker): BreakerStatus {
  if (breaker.state === 'closed') return { state: 'closed' };
  const { state, sinceMs, code } = breaker;
  return {
    state,
    since: new Date(sinceMs).toISOString(),
    code,
    ...(breaker.state === 'open' ? { nextTrialAt: new Date(breaker.trialAtMs).toISOString() } : {}),
  };
}

function summaryOf({ mailbox, at, ok, ms, code, phases }: ProbeRun): ProbeSummary {
  return { mailbox, at, ok, ms, ...(code === undefined ? {} : { code }), phases };
}

/** The texts of every code that the report names, each once. */
function diagnosesOf(mailboxes: readonly MailboxStatus[], incidents: readonly IncidentView[]) {
  const codes = mailboxes.flatMap(({ reasons, lastProbe, history, breaker }) => [
    ...reasons.map(({ code }) => code),
    ...(lastProbe?.phases.map(({ code }) => code) ?? []),
    ...(history?.failures.map(({ code }) => code) ?? []),
    breaker?.code,
  ]);
  const named = new Set([...codes, ...incidents.map(({ code }) => code)]);
  return Object.fromEntries(
    [...named].flatMap(code => {
      const entry = typeof code === 'string' ? findEntry(code) : undefined;
      return entry ? [[entry.code, diagnosisOf(entry)] as const] : [];
    }),
  );
}

function isNamed(incident: IncidentView, mailbox: string): boolean {
  return incident.mailboxes.some(one => isSame(one, mailbox));
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
