import type { FailureFacts } from './diagnosis/diagnosis.ts';
import type { Log } from './ports.ts';
import type { Sender } from './sender.ts';

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
  /** Waits until a connection of the mailbox is free here, without taking it, and says whether one is. Absent where none is ever in use. */
  hasFree?(sender: Sender, mailbox: string, messageId: string, log: Log, patienceMs: number): Promise<boolean>;
  /** Whether `prepare` would sign in: this process has no connection yet and has not just failed to get one. */
  needsSignIn?(sender: Sender, mailbox: string): boolean;
}

export type PrepareResult =
  | { readonly kind: 'ready' }
  /** A sign-in has been under way here for longer than is worth waiting for. */
  | { readonly kind: 'opening' }
  | Exclude<ConnectResult, { readonly kind: 'connected' }>;
