import type { ProbeRun } from './probe-run.ts';

/** Where the results of probes are kept: 30 days, failed ones longer. Faults of the service are thrown as ServiceFailure. */
export interface ProbeHistory {
  /** Writes the runs of one round. */
  add(runs: readonly ProbeRun[]): Promise<void>;
  /** The newest run of each mailbox. */
  latest(mailboxes: readonly string[]): Promise<readonly ProbeRun[]>;
  /** Newest first; a bounded number of pages, then a continuation. */
  list(query: ProbeQuery): Promise<{ readonly runs: readonly ProbeRun[]; readonly continuation?: string }>;
}

export interface ProbeQuery {
  /** All mailboxes when absent. */
  readonly mailbox?: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly limit: number;
  readonly continuation?: string;
}

/** An incident as operators see it. Times are ISO 8601 in UTC. */
export interface IncidentView {
  readonly id: string;
  readonly mailboxes: readonly string[];
  /** Code of the diagnosis. */
  readonly code: string;
  readonly cause: string;
  readonly remedy: string;
  readonly since: string;
  /** When it last worked; absent when that was never seen. */
  readonly lastGood?: string;
  readonly state: 'open' | 'closed';
  readonly acknowledged: boolean;
}

/** What the status page asks of the incidents. */
export interface IncidentBook {
  /** Open ones first, then those closed within the last 7 days, newest first. */
  list(): Promise<readonly IncidentView[]>;
  /** No reminders until it closes. */
  acknowledge(id: string): Promise<'done' | 'unknown'>;
}

/** What happened to a mailbox in traffic: a mail that went through, or a failure that counts against its breaker. */
export type TrafficSign =
  | { readonly mailbox: string; readonly ok: true }
  | { readonly mailbox: string; readonly ok: false; readonly code: string };
