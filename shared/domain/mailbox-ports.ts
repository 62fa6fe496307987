import type { WriteResult } from './message-ports.ts';
import type { MailboxState } from './pacing.ts';

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
