import type { BodyFacts } from '../domain/mail-body.ts';
import type { Priority } from '../domain/message-record.ts';
import type { ProblemDetail } from '../domain/problem.ts';

/** A request that has passed every check, ready to be stored. */
export interface PreparedMail {
  /** MAIL FROM. */
  readonly from: string;
  readonly mailbox: string;
  /** The request asked for this mailbox. */
  readonly isMailboxNamed: boolean;
  readonly recipients: readonly string[];
  readonly messageIdHeader: string;
  readonly dryRun: boolean;
  readonly priority: Priority;
  readonly metadata: Readonly<Record<string, string>>;
  readonly onUnknown: 'resend' | 'hold';
  readonly sendAtMs?: number;
  readonly expiresAtMs?: number;
  /** Key of a queue request; over HTTP it is a header. */
  readonly idempotencyKey?: string;
  /** What is wrong with sendAt and expiresAt by now; no fault of a request that was taken before. */
  readonly timeFaults: readonly ProblemDetail[];
  readonly content:
    | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly eightBit: boolean }
    /** A raw mail still on its way in; `facts` are complete once the stream has been read. */
    | {
        readonly kind: 'stream';
        readonly head: Uint8Array;
        readonly body: AsyncIterable<Uint8Array>;
        readonly facts: BodyFacts;
      };
  /** For streams: only once the content has been read. */
  fingerprint(): string;
}
