/** The phases of a probe run, in the order in which they are walked. */
export const PROBE_PHASES = [
  'settings',
  'identity',
  'vault',
  'token',
  'dns',
  'tcp',
  'greeting',
  'ehlo',
  'tls',
  'ehlo2',
  'auth',
  'envelope',
  'canary',
] as const;

export type ProbePhase = (typeof PROBE_PHASES)[number];

/** What one phase came to. A phase that does not apply (no vault in a sandbox, no canary address) is left out of a run. */
export interface PhaseResult {
  readonly phase: ProbePhase;
  /** Null: not reached, because an earlier phase failed or no connection was free. */
  readonly ok: boolean | null;
  readonly ms: number;
  /** For people: what was found, or what could not be told and why. Scrubbed; never a token, key or address of a recipient. */
  readonly detail: string;
  /** Code of the diagnosis when it failed, or of the warning that it carries. */
  readonly code?: string;
}

/** The credential that a run found. */
export interface ProbedCredential {
  readonly kind: 'certificate' | 'secret' | 'managedIdentity';
  readonly name?: string;
  /** The version in use. */
  readonly version?: string;
  /** ISO 8601 in UTC; absent where nobody says when it ends. */
  readonly expiresAt?: string;
}

/** One walk of the mail's way for one mailbox, without sending anything (the canary apart). */
export interface ProbeRun {
  readonly mailbox: string;
  /** When it began, ISO 8601 in UTC. */
  readonly at: string;
  /** Null: neutral. Nothing could be told, e.g. because all connections were busy with mail that goes through. */
  readonly ok: boolean | null;
  /** The whole run's time. */
  readonly ms: number;
  /** Code of the diagnosis of the first phase that failed. */
  readonly code?: string;
  readonly phases: readonly PhaseResult[];
  /** For the alerts before it ends, and for the status; not part of the API's answer. */
  readonly credential?: ProbedCredential;
  /** Extensions that the server offered under TLS, for the next run to compare with; not part of the API's answer. */
  readonly offered?: readonly string[];
  /** What was said over SMTP, redacted, one entry a line; kept for runs that failed. */
  readonly transcript?: readonly string[];
}

/** The phase that failed first; undefined for a run that is good or neutral. */
export function failedPhase(run: ProbeRun): PhaseResult | undefined {
  return run.phases.find(phase => phase.ok === false);
}
