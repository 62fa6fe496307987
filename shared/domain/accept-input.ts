/** Who calls. Scopes idempotency keys and the sight of messages. */
export interface Caller {
  /** Stable and not secret: `queue`, `anonymous`, or the hash of a key, or an app id. */
  readonly id: string;
  readonly isOperator: boolean;
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
