import type { MessageRecord, MessageStatus, Priority } from './message-record.ts';

/** A record as read, with the ETag that the next write must name. */
export interface Stored {
  readonly record: MessageRecord;
  readonly etag: string;
}

/** The mail's bytes when they stand in the table row itself. */
export interface StoredWithContent extends Stored {
  readonly inlineContent?: Uint8Array;
}

/** What else is asked of the open rows. */
export interface OpenRowsOptions {
  /** Also rows that end by then, whenever they are due. */
  readonly endsByMs?: number;
  /** Called once for each row, in order of age; what it says no to is not kept in memory. */
  readonly keep?: (row: OpenRow) => boolean;
}

/** What `sweep` and the queue figures read: one small row for each message that is not final. */
export interface OpenRow {
  readonly id: string;
  readonly mailbox: string;
  readonly status: MessageStatus;
  readonly priority: Priority;
  readonly dueAtMs: number;
  readonly generation: number;
  /** When its queue copy becomes visible; absent while it is parked. */
  readonly wakeAtMs?: number;
  /** When that wake-up was written down, right before it went on the queue. */
  readonly wokenAtMs?: number;
  /** When its time is over, by `expiresAt` or the deadline: from then on it only has to say so. Rows of older versions have none. */
  readonly endsAtMs?: number;
  readonly claimUntilMs?: number;
  readonly etag: string;
}

/**
 * `put` without `wakeAtMs` parks the message: it has no queue copy until `sweep` releases it. `isWaiting` says that nothing
 * has become of it, so that its state is not told to webhooks once more.
 */
export type OpenRowChange =
  | { readonly kind: 'untouched' }
  | { readonly kind: 'put'; readonly wakeAtMs?: number; readonly isWaiting?: true }
  | { readonly kind: 'remove' };

/** `conflict`: the row is no longer what the writer read. The writer has lost its claim or its race. */
export type WriteResult =
  | { readonly ok: true; readonly etag: string }
  | { readonly ok: false; readonly reason: 'conflict' | 'gone' };

export interface IdempotencyEntry {
  readonly row: string;
  readonly fingerprint: string;
}

export interface KnownKey {
  readonly messageId: string;
  readonly fingerprint: string;
  /** From then on the key may be used anew; absent while its message is open. */
  readonly expiresAtMs?: number;
}

export type InsertResult =
  | { readonly kind: 'inserted' }
  | { readonly kind: 'duplicate'; readonly messageId: string; readonly fingerprint: string };

export interface DueContent {
  readonly id: string;
  readonly deleteAfterMs: number;
}

export interface ListQuery {
  readonly status?: MessageStatus;
  readonly mailbox?: string;
  readonly caller?: string;
  readonly limit: number;
  readonly continuation?: string;
}

/**
 * The table of messages. Every write that changes a message's state also keeps its open row, in one
 * entity-group transaction. Faults of the service are thrown as ServiceFailure.
 */
export interface MessageStore {
  /** Record, open row and idempotency entry in one transaction. `wakeAtMs` absent = parked. */
  insert(
    record: MessageRecord,
    inlineContent: Uint8Array | undefined,
    options: { readonly wakeAtMs?: number; readonly idempotency?: IdempotencyEntry },
  ): Promise<InsertResult>;
  /** The record with its inline content; undefined when there is none of this id. */
  read(id: string): Promise<StoredWithContent | undefined>;
  /** The record without content, for answers. */
  peek(id: string): Promise<Stored | undefined>;
  /**
   * Writes a changed record. `open` tells what becomes of its open row: kept as it is, written anew, or removed
   * (final states; inline content goes with it unless the record's `content` says until when it is kept).
   */
  write(record: MessageRecord, etag: string, open: OpenRowChange): Promise<WriteResult>;
  list(query: ListQuery): Promise<{ readonly records: readonly MessageRecord[]; readonly continuation?: string }>;
  /** The message that an idempotency entry or a digest row speaks of. */
  findKey(row: string): Promise<KnownKey | undefined>;
  /** Makes a digest row speak of a message. */
  noteKey(row: string, messageId: string): Promise<void>;
  /** Open rows due by `dueByMs`, in order of age; at most `max` are read. */
  openRows(dueByMs: number, max: number, options?: OpenRowsOptions): Promise<readonly OpenRow[]>;
  /** Notes new releases (next generation, wake time, and `nowMs` as the time of this) for rows that have not changed since they were read; returns the ones that took. */
  release(
    rows: readonly { readonly row: OpenRow; readonly wakeAtMs: number }[],
    nowMs: number,
  ): Promise<readonly { readonly id: string; readonly generation: number }[]>;
  /** Messages whose kept content is due for deletion, at most `max`. */
  contentDue(nowMs: number, max: number): Promise<readonly DueContent[]>;
  /** Deletes kept content, `dropBlob` first, and the note that it was due. A message put back meanwhile keeps its content. */
  dropContent(due: DueContent, dropBlob: () => Promise<void>): Promise<void>;
  /** Final records made before `beforeMs`, oldest first, at most `max`; with their idempotency entries they are deleted by `remove`. */
  expired(beforeMs: number, max: number): Promise<readonly MessageRecord[]>;
  remove(records: readonly MessageRecord[]): Promise<void>;
}
