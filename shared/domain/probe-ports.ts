import type { FailureFacts } from './diagnosis/diagnosis.ts';
import type { Log } from './ports.ts';
import type { PhaseResult, ProbedCredential } from './probe-run.ts';
import type { TokenClaims } from './probe-token.ts';
import type { Sender } from './sender.ts';

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

/** What one conversation came to: phases from `dns` on, as far as they were reached. */
export interface SmtpFindings {
  readonly phases: readonly PhaseResult[];
  /** Of the phase that failed. */
  readonly facts?: FailureFacts;
  readonly capabilities?: readonly string[];
  /** Scrubbed; without the sign-in. */
  readonly transcript: readonly string[];
}

/** Walks one conversation with the submission server on a connection of its own. Never throws. */
export type SmtpWalk = (job: SmtpWalkJob) => Promise<SmtpFindings>;
