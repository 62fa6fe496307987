import type { Breaker } from './breaker.ts';
import type { PassedOverReason } from './credential-ports.ts';
import type { Diagnosis } from './diagnosis/diagnosis.ts';
import type { MailSettings } from './mail-settings.ts';
import type { ProbePhase, ProbeRun } from './probe-run.ts';
import type { CredentialConfig } from './sender.ts';
import type { IncidentView } from './watch-ports.ts';

/** `unknown`: nothing has been seen of it yet, neither a probe nor a mail. See `judgeMailbox` for the rule. */
export type MailboxHealth = 'healthy' | 'degraded' | 'failing' | 'unknown';

/** A run as it is shown. */
export type ProbeSummary = Omit<ProbeRun, 'credential' | 'offered' | 'transcript'>;

/** Why a mailbox is in its state, in one sentence; `code` leads to cause and remedy. */
export interface HealthReason {
  readonly text: string;
  readonly code?: string;
}

/** What an operator is told of one mailbox. Null: not known, either because nothing has been seen or because `missing` names its source. */
export interface MailboxStatus {
  readonly mailbox: string;
  readonly state: MailboxHealth;
  readonly reasons: readonly HealthReason[];
  /** Without its transcript, which `GET /api/probes` gives. */
  readonly lastProbe: ProbeSummary | null;
  readonly credential: CredentialStatus;
  readonly quota: {
    /** `used`: turns that fell into the last 60 s, on all instances. Nothing is paced in a sandbox, so 0 there. */
    readonly messagesPerMinute: { readonly limit: number; readonly used: number | null };
    /** `used`: recipients submitted in the last 24 h, counted by half hours. */
    readonly recipientsPerDay: { readonly limit: number; readonly used: number | null };
  };
  readonly breaker: BreakerStatus | null;
  readonly history: ProbeHistoryStatus | null;
}

export interface CredentialStatus {
  readonly kind: CredentialConfig['kind'];
  /** Name in Key Vault; null for a managed identity. */
  readonly name: string | null;
  readonly version: string | null;
  readonly expiresAt: string | null;
  /** Whole days, negative after the end. */
  readonly daysLeft: number | null;
  /** An older version serves in place of the newest. */
  readonly fallback?: {
    readonly reason: PassedOverReason;
    readonly since: string;
    readonly version?: string;
    readonly code?: string;
  };
}

export interface BreakerStatus {
  readonly state: Breaker['state'];
  /** Left out while it is closed. */
  readonly since?: string;
  readonly code?: string;
  readonly nextTrialAt?: string;
}

/** Runs of one span of time, in steps of equal length, oldest first; the last step is the running one. */
export interface UptimeStatus {
  /** Good ÷ (good + failed); neutral runs do not count. Null without runs. */
  readonly ratio: number | null;
  readonly from: string;
  readonly stepSeconds: number;
  readonly steps: readonly RunCounts[];
}

export type RunCounts = readonly [good: number, failed: number, neutral: number];

export interface PhaseTimes {
  readonly phase: ProbePhase;
  /** ms over the last 24 h, runs in which the phase went well. */
  readonly p50: number | null;
  readonly p95: number | null;
  /** ms of the latest runs, oldest first; null where it was not reached or failed. */
  readonly recent: readonly (number | null)[];
}

export interface FailedRun {
  readonly at: string;
  readonly phase: ProbePhase | null;
  readonly code: string | null;
  readonly detail: string;
}

export interface ProbeHistoryStatus {
  /** How far back runs have been read: older steps say nothing until they have. */
  readonly coveredFrom: string;
  readonly day: UptimeStatus;
  readonly week: UptimeStatus;
  readonly phases: readonly PhaseTimes[];
  /** The latest failed runs of the week, newest first. */
  readonly failures: readonly FailedRun[];
}

export interface OpenMail {
  /** Due now, waiting for its turn. */
  readonly queued: number;
  readonly sending: number;
  /** Tried before, waiting for its next attempt. */
  readonly deferred: number;
  /** Due later, by its sendAt or because the day's recipients are used up. */
  readonly scheduled: number;
  /** From the due time of the message that has waited longest; 0 when none is due. */
  readonly oldestOverdueSeconds: number;
  /** There is more than was counted: the figures say "at least". */
  readonly truncated?: true;
}

export type StatusSource = 'incidents' | 'probes' | 'mailboxes' | 'queues' | 'messages';

/** A source that did not answer: the rest of the report stands without it. */
export interface MissingSource {
  readonly source: StatusSource;
  readonly code: string;
  readonly detail: string;
}

/** `GET /api/status` */
export interface StatusReport {
  readonly at: string;
  readonly mode: MailSettings['mode'];
  readonly incidents: readonly IncidentView[];
  readonly mailboxes: readonly MailboxStatus[];
  readonly queues: readonly QueueLength[];
  readonly open: OpenMail | null;
  /** Texts of every code in this report. */
  readonly diagnoses: Readonly<Record<string, Diagnosis>>;
  readonly missing: readonly MissingSource[];
}

export interface QueueLength {
  readonly name: string;
  /** As the service counts: approximate, hidden messages included. */
  readonly length: number;
}

/** Lengths of the app's queues. Faults of the service are thrown as ServiceFailure. */
export interface QueueLengths {
  list(): Promise<readonly QueueLength[]>;
}
