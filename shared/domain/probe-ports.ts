import type { FailureFacts } from './diagnosis/diagnosis.ts';
import type { Log } from './ports.ts';
import type { CanaryNote } from './probe-canary.ts';
import type { PhaseResult, ProbedCredential, ProbeRun } from './probe-run.ts';
import type { RunFigures } from './probe-statistics.ts';
import type { TokenClaims } from './probe-token.ts';
import type { Sender } from './sender.ts';
import type { ProbeHistory, ProbeQuery } from './watch-ports.ts';

/** What the phases before SMTP found for one sender: `identity`, `vault` and `token`, those that apply, in this order. */
export interface CredentialFindings {
  readonly phases: readonly PhaseResult[];
  readonly credential?: ProbedCredential;
  /** Absent where a phase failed. Never goes further than the sign-in. */
  readonly token?: { readonly token: string; readonly claims: TokenClaims | undefined };
}

/** Asks identity, vault and Entra anew in the life of one round; senders that share a vault or an app share the answers. */
export type CredentialWalk = (sender: Sender, log: Log) => Promise<CredentialFindings>;

export interface SmtpWalkJob {
  readonly mailbox: string;
  readonly token: string;
  /** Extensions offered under TLS in the run before. */
  readonly capabilitiesBefore?: readonly string[] | undefined;
  /** Code of a shut-off of the mailbox that each MAIL would prolong: then the walk ends after the sign-in. */
  readonly shutOffBy?: string;
}

/** What one conversation came to: phases from `tcp` on, as far as they were reached. */
export interface SmtpFindings {
  readonly phases: readonly PhaseResult[];
  /** Of the phase that failed. */
  readonly facts?: FailureFacts;
  readonly capabilities?: readonly string[];
  /** Scrubbed; without the sign-in. */
  readonly transcript: readonly string[];
}

/** The submission server, in the life of one round. Never throws. */
export interface ServerWalk {
  /** Phase `dns`, walked once for all mailboxes. */
  resolve(): Promise<PhaseResult>;
  /** One conversation on a connection of its own; only where `resolve` went well. */
  converse(job: SmtpWalkJob): Promise<SmtpFindings>;
}

/** What is known of a mailbox before a run. */
export interface ProbeMemory {
  readonly run?: ProbeRun;
  readonly canary?: CanaryNote;
}

/** The history, with what rounds remember from one to the next, and the bare figures of many runs for what is reckoned from them. */
export interface ProbeArchive extends ProbeHistory {
  /** Writes the runs of one round, and with them what has become of canaries. */
  add(runs: readonly ProbeRun[], canaries?: readonly CanaryNote[]): Promise<void>;
  noteCanaries(notes: readonly CanaryNote[]): Promise<void>;
  /** By mailbox, lower case. */
  recall(mailboxes: readonly string[]): Promise<ReadonlyMap<string, ProbeMemory>>;
  /** Newest first by mailbox; of a long range over many mailboxes the newest part alone. */
  figures(query: Pick<ProbeQuery, 'mailbox' | 'fromMs' | 'toMs'>): Promise<readonly RunFigures[]>;
}
