import type { FailureFacts } from './diagnosis/diagnosis.ts';
import type { MailRequest } from './mail-request.ts';
import type { MessageRecord, MessageStatus, Priority } from './message-record.ts';
import type { MailboxState } from './pacing.ts';
import type { Sender } from './sender.ts';

/** The time and what is drawn by lot, handed in so that tests can set them. */
export interface Clock {
  /** ms since 1970. */
  now(): number;
  /** A number in [0, 1). */
  random(): number;
  randomBytes(count: number): Uint8Array;
  sleep(ms: number): Promise<void>;
}

/** Fields of a log line. Alert rules query these names and no others; `detail` is for people. */
export interface LogFields {
  readonly event: string;
  readonly messageId?: string;
  readonly traceId?: string;
  readonly mailbox?: string;
  readonly phase?: string;
  readonly code?: string;
  readonly state?: string;
  readonly attempt?: number;
  readonly ms?: number;
  readonly detail?: string;
  readonly [extra: string]: string | number | boolean | undefined;
}

export type LogLevel = 'info' | 'warn' | 'error';
export type Log = (level: LogLevel, fields: LogFields) => void;

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

/** What all instances share of each mailbox. */
export interface MailboxStates {
  read(mailbox: string): Promise<{ readonly state: MailboxState; readonly etag: string } | undefined>;
  /** `etag` undefined: there was none. Conflict when somebody else has written since. */
  write(mailbox: string, state: MailboxState, etag: string | undefined): Promise<WriteResult>;
  list(): Promise<readonly { readonly mailbox: string; readonly state: MailboxState }[]>;
}

/** One of a mailbox's connections, held by this process. */
export interface ConnectionSlot {
  /** Which of them, from 0. */
  readonly index: number;
  /** False once the lease may have run out: the connection must not be used any more. */
  isHeld(): boolean;
  release(): Promise<void>;
}

/** The connections that Exchange allows a mailbox, leased among all instances. */
export interface ConnectionSlots {
  /** Undefined while all are taken; with `only`, while that one is. */
  acquire(mailbox: string, count: number, only?: number): Promise<ConnectionSlot | undefined>;
}

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

/** A wake-up says only: look at this message. The table says what to do. */
export interface WakeUp {
  readonly messageId: string;
  readonly generation?: number;
  /** The message's place in the line of a mailbox: the time it was told to come. Without one it is a newcomer. */
  readonly place?: Place;
}

export interface Place {
  readonly mailbox: string;
  readonly atMs: number;
}

export interface WakeQueue {
  put(wakeUp: WakeUp, priority: Priority, delayMs: number): Promise<void>;
}

/** A message of a poison queue, read raw: its text is whatever was on the queue, base64 or not. */
export interface PoisonMessage {
  readonly queue: string;
  readonly text: string;
  readonly insertedAtMs: number;
  done(): Promise<void>;
}

export interface RequestQueues {
  /** Copies the text of a refused request to mail-requests-poison. */
  poisonRequest(text: string): Promise<void>;
  /** Puts a request back for later, with its key, when a service it needs is away. One that would not fit goes to a blob, and its name on the queue. */
  retryRequest(text: string, delayMs: number): Promise<void>;
  /** The request itself where the value is what `retryRequest` put in its place; else the value as it is. */
  unwrapRequest(value: unknown): Promise<unknown>;
  receivePoison(max: number): Promise<readonly PoisonMessage[]>;
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

export interface SubmitJob {
  readonly messageId: string;
  readonly from: string;
  readonly recipients: readonly string[];
  readonly bytes: number;
  readonly eightBit: boolean;
  /** Accepted in mode sandbox: it must not leave, whatever the mode is now. */
  readonly simulated?: true;
  /** 1 for the first. */
  readonly attempt?: number;
  /** Aborted when the claim is lost: the connection is dropped at once. */
  readonly signal: AbortSignal;
  /** Opens the mail's bytes; called once the server takes content. */
  content(): AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;
  /** Right before the terminating dot. A rejection drops the connection with the dot unsent. */
  beforeFinal(): Promise<void>;
}

export interface RefusedRecipient {
  readonly address: string;
  readonly facts: FailureFacts;
}

/** What one submission came to. Adapters report facts; what follows from them is the domain's business. */
export type SubmitResult =
  | {
      readonly kind: 'accepted';
      readonly reply: string;
      readonly serverMessageId?: string;
      readonly accepted: readonly string[];
      readonly refused: readonly RefusedRecipient[];
      readonly timings: Readonly<Record<string, number>>;
    }
  | {
      readonly kind: 'failed';
      readonly facts: FailureFacts;
      /** The dot had been handed to the socket and no reply came: nobody knows whether Exchange has the mail. */
      readonly inDoubt: boolean;
      readonly refused: readonly RefusedRecipient[];
    };

/** A signed-in connection of a mailbox, held until `release`; then it stays warm for the next message. */
export interface MailConnection {
  submit(job: SubmitJob, log: Log): Promise<SubmitResult>;
  release(): void;
}

export type ConnectResult =
  | { readonly kind: 'connected'; readonly connection: MailConnection }
  /** All connections that the mailbox may have are in use, here and elsewhere. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'failed'; readonly facts: FailureFacts };

export interface ConnectOptions {
  /** How long to wait while all connections are in use, in ms. */
  readonly patienceMs?: number;
  /** Accepted in mode sandbox: nothing is connected to, and nothing leaves. */
  readonly isSimulated?: boolean;
}

export interface MailTransport {
  connect(
    sender: Sender,
    mailbox: string,
    messageId: string,
    log: Log,
    options?: ConnectOptions,
  ): Promise<ConnectResult>;
  /**
   * Sees to it that this process has a signed-in connection of the mailbox, without taking it. Absent where connections
   * cost nothing.
   *
   * @param slot the one of the mailbox's connections to try for; absent = any
   */
  prepare?(sender: Sender, mailbox: string, messageId: string, log: Log, slot?: number): Promise<PrepareResult>;
  /** Whether `prepare` would sign in: this process has no connection yet and has not just failed to get one. */
  needsSignIn?(sender: Sender, mailbox: string): boolean;
}

export type PrepareResult =
  | { readonly kind: 'ready' }
  /** A sign-in has been under way here for longer than is worth waiting for. */
  | { readonly kind: 'opening' }
  | Exclude<ConnectResult, { readonly kind: 'connected' }>;
