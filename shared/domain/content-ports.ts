import type { MailRequest } from './mail-request.ts';

/** Blobs of composed mails too large for a table row, and of raw texts from the poison queues. */
export interface ContentStore {
  put(id: string, content: Uint8Array): Promise<void>;
  /** Takes the bytes as they come and stores nothing when the source fails. */
  putStream(id: string, content: AsyncIterable<Uint8Array>): Promise<void>;
  get(id: string): Promise<AsyncIterable<Uint8Array> | undefined>;
  delete(id: string): Promise<void>;
  putPoison(name: string, text: string): Promise<void>;
  /** An attachment that a queue producer left in the container mail-intake; undefined when there is none of this name. */
  getIntake(name: string, maxBytes: number): Promise<Uint8Array | undefined>;
}

/** Containers that hold what belongs to no row of the table. */
export type BlobArea = 'content' | 'intake' | 'poison';

export interface BlobPage {
  /** In order of their names. */
  readonly names: readonly string[];
  readonly continuation?: string;
}

/** Blobs that somebody may have left behind. */
export interface StaleBlobs {
  /** One page of at most `max` blobs, and of them those last written before `beforeMs`. */
  list(area: BlobArea, beforeMs: number, max: number, continuation?: string): Promise<BlobPage>;
  /** Deletes a blob unless it was written since `beforeMs`. One that is gone is fine. */
  delete(area: BlobArea, name: string, beforeMs: number): Promise<void>;
}

export interface ComposedAttachment {
  readonly content: Uint8Array;
  readonly filename?: string | undefined;
  readonly contentType?: string | undefined;
  readonly contentId?: string | undefined;
  readonly disposition?: 'attachment' | 'inline' | undefined;
}

export interface ComposeInput {
  readonly id: string;
  readonly request: MailRequest;
  readonly attachments: readonly ComposedAttachment[];
  /** Date header: when the mail is to go, ms since 1970. */
  readonly dateMs: number;
  /** With angle brackets. */
  readonly messageIdHeader: string;
}

/** Makes the bytes of a mail; the same input gives the same bytes. */
export type ComposeMail = (input: ComposeInput) => Promise<Uint8Array>;
