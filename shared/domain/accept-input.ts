/** What one caller may do. Everything left out is not limited here; the senders' own limits hold all the same. */
export interface CallerRules {
  /** Addresses and `*@domain`: the From addresses it may use. */
  readonly from?: readonly string[];
  /** `example.com`, `*.example.com` (below it, not itself), an address, or `*`: whom it may write to. */
  readonly recipientDomains?: readonly string[];
  /** In any 60 seconds, over all instances. */
  readonly messagesPerMinute?: number;
  /** In any 24 hours, over all instances. */
  readonly messagesPerDay?: number;
  /** Size of the composed mail. */
  readonly messageBytes?: number;
}

/** Who calls. Scopes idempotency keys and the sight of messages. */
export interface Caller {
  /** Stable and not secret: `caller:` and the name in MAIL_CALLERS; without that setting `anonymous`, the hash of a key, or an app id; `queue` for mail-requests. */
  readonly id: string;
  /** Sees every caller's messages, and what is for operators only. */
  readonly isOperator: boolean;
  /** Absent: nothing but the senders' own limits. */
  readonly rules?: CallerRules;
}

/** What a raw mail's query may say; the rest stands in its header. */
export interface RawOptions {
  readonly from?: string;
  readonly to?: readonly string[];
  readonly mailbox?: string;
  readonly dryRun: boolean;
}

export type AcceptBody =
  | { readonly kind: 'request'; readonly value: unknown; readonly attachments?: readonly UploadedAttachment[] }
  | { readonly kind: 'raw'; readonly chunks: AsyncIterable<Uint8Array>; readonly options: RawOptions };

/** A part of a multipart/form-data request. */
export interface UploadedAttachment {
  readonly filename?: string;
  readonly contentType?: string;
  readonly content: Uint8Array;
}

export interface AcceptInput {
  readonly caller: Caller;
  readonly channel: 'http' | 'queue';
  readonly body: AcceptBody;
  readonly idempotencyKey?: string;
  readonly traceId: string;
  /** When the request was made, where that is not now: on a queue it may have waited. */
  readonly judgedAtMs?: number;
}

export type Acceptance =
  | {
      readonly kind: 'accepted';
      readonly id: string;
      readonly status: 'queued';
      readonly replayed: boolean;
      readonly dueAtMs: number;
    }
  | {
      readonly kind: 'dryRun';
      readonly headers: string;
      readonly bytes: number;
      readonly mailbox: string;
      readonly recipients: readonly string[];
    };
