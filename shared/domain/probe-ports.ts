import type { FailureFacts } from './diagnosis/diagnosis.ts';
import type { Log } from './ports.ts';
import type { CanaryNote } from './probe-canary.ts';
import type { PhaseResult, ProbedCredential } from './probe-run.ts';
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
  /** The mailbox is shut off, and each MAIL would prolong it: end after the sign-in. */
  readonly withoutEnvelope?: boolean;
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

/** The history, and the bare figures of many runs for what is reckoned from them. */
export interface ProbeArchive extends ProbeHistory {
  /** Newest first by mailbox; of a long range over many mailboxes the newest part alone. */
  figures(query: Pick<ProbeQuery, 'mailbox' | 'fromMs' | 'toMs'>): Promise<readonly RunFigures[]>;
}

/** Remembers the last canary of each mailbox. Faults of the service are thrown as ServiceFailure. */
export interface CanaryBook {
  /** By mailbox, lower case. */
  read(): Promise<ReadonlyMap<string, CanaryNote>>;
  write(notes: readonly CanaryNote[]): Promise<void>;
}
