import type { DiagnosisClass } from './diagnosis/diagnosis.ts';

/** States of a message. `sent` means that Exchange answered 250; nothing is ever called delivered. */
export type MessageStatus = 'queued' | 'sending' | 'deferred' | 'sent' | 'failed' | 'expired' | 'unknown' | 'cancelled';

export const FINAL_STATUSES: ReadonlySet<MessageStatus> = new Set([
  'sent',
  'failed',
  'expired',
  'unknown',
  'cancelled',
]);

/**
 * What may follow what. Total by its type: a state that is added does not compile until its row is written.
 * `sending → sending` is a claim taken over from an instance that died; `queued → deferred` and `deferred → deferred` an
 * attempt that ended before a claim, e.g. at sign-in; `deferred → sent` and (put back on request) `queued → sent` a 250
 * that came after its claim had lapsed.
 */
const TRANSITIONS: Record<MessageStatus, readonly MessageStatus[]> = {
  queued: ['sending', 'deferred', 'sent', 'failed', 'expired', 'cancelled'],
  sending: ['sending', 'sent', 'deferred', 'failed', 'expired', 'unknown'],
  deferred: ['sending', 'deferred', 'sent', 'failed', 'expired', 'cancelled', 'unknown'],
  sent: [],
  failed: ['queued'],
  expired: [],
  unknown: ['queued'],
  cancelled: [],
};

export function mayFollow(from: MessageStatus, to: MessageStatus): boolean {
  return TRANSITIONS[from].includes(to);
}

export function isFinal(status: MessageStatus): boolean {
  return FINAL_STATUSES.has(status);
}

export type Priority = 'high' | 'normal' | 'low';

/** `pending` has no answer yet; `deferred` was refused with 4xx and is tried again alone. */
export type RecipientOutcome = 'pending' | 'accepted' | 'deferred' | 'refused';

export interface RecipientState {
  readonly address: string;
  readonly outcome: RecipientOutcome;
  /** Last SMTP reply for this recipient, secrets removed. */
  readonly reply?: string;
  /** Code of the diagnosis catalogue. */
  readonly code?: string;
}

/**
 * One step of a message. `diagnosis` is a code; the texts are looked up when the timeline is read, so that an
 * old message gets today's remedy.
 */
export interface MessageEvent {
  readonly atMs: number;
  readonly status: MessageStatus;
  readonly attempt?: number;
  readonly reply?: string;
  readonly code?: string;
  readonly nextAttemptAtMs?: number;
  readonly inDoubt?: true;
  /** Recipients refused for good in this attempt. */
  readonly refusedRecipients?: number;
  /** What a person should know and no field says, e.g. why an attempt was not made. */
  readonly note?: string;
}

/**
 * How far the holder of a claim has got. `content` is written before the envelope goes out (with PIPELINING
 * MAIL, RCPT and DATA are one write), `final` right before the terminating dot. Only a claim that lapsed in
 * `final` leaves doubt: in every other phase the record proves that the dot was not sent.
 */
export type ClaimPhase = 'connect' | 'content' | 'final';

/** Who works on a message. It lapses at `untilMs`; any write of the holder needs the row's ETag, so a lapsed holder finds out. */
export interface Claim {
  readonly token: string;
  readonly untilMs: number;
  readonly phase: ClaimPhase;
}

/** Where the composed mail is: in the table row, or in a blob of the container mail-content. */
export interface ContentRef {
  readonly kind: 'inline' | 'blob';
  readonly isDeleted?: true;
  readonly bytes: number;
  /** The mail has octets over 127 in its body and is announced with BODY=8BITMIME (RFC 6152). */
  readonly eightBit: boolean;
  /** When the content of a failed or unknown message is deleted, ms since 1970. */
  readonly deleteAfterMs?: number;
}

/** All that is known of a message but its bytes. One table entity; every change is a write with the ETag last read. */
export interface MessageRecord {
  readonly id: string;
  readonly status: MessageStatus;
  readonly caller: string;
  readonly from: string;
  readonly mailbox: string;
  readonly recipients: readonly RecipientState[];
  readonly priority: Priority;
  readonly metadata: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly sendAtMs?: number;
  readonly expiresAtMs?: number;
  readonly deadlineAtMs: number;
  readonly onUnknown: 'resend' | 'hold';
  /** When the message is due: at once, at sendAt, or at its next attempt. */
  readonly dueAtMs: number;
  /** Its last attempt met a fault of the mailbox: no wake-up of its own, `sweep` releases it when the breaker lets it. */
  readonly waitsForMailbox?: true;
  /** Rises with each release to the queue; a wake-up with a lower one is dropped unread. */
  readonly generation: number;
  readonly attempts: number;
  /** Attempts of the present row of failures of one kind, for plans that end after a few. */
  readonly attemptsOfCode?: { readonly code: string; readonly count: number };
  /** How often it was submitted again after an attempt that ended in doubt. */
  readonly resends: number;
  readonly claim?: Claim;
  readonly content: ContentRef;
  /** Message-ID header of the mail, with angle brackets. */
  readonly messageIdHeader: string;
  /** The Message-ID that Exchange gave it instead, as its 250 names it. */
  readonly serverMessageId?: string;
  readonly reply?: string;
  readonly code?: string;
  readonly failureClass?: DiagnosisClass;
  readonly finalAtMs?: number;
  /** Why a request was refused on the queue: pointer and detail of each fault. */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  /** Row key of the idempotency entry, so that the final state can set its end. */
  readonly idempotencyRow?: string;
  readonly traceId: string;
  readonly simulated?: true;
  /** The caller named the mailbox: it goes through no other of its sender's. */
  readonly isMailboxNamed?: true;
  readonly events: readonly MessageEvent[];
}

/**
 * The timeline keeps its first events, the latest ones and every doubt, which alone explains a doubled mail; a mail that
 * was deferred for a day needs no hundred of them.
 */
const MAX_EVENTS = 40;
const KEPT_FIRST = 3;

export function withEvent(events: readonly MessageEvent[], event: MessageEvent): readonly MessageEvent[] {
  const all = [...events, event];
  if (all.length <= MAX_EVENTS) return all;
  const at = all.findIndex((one, index) => index >= KEPT_FIRST && !one.inDoubt);
  return all.filter((_one, index) => index !== at);
}

/** An attempt ended in doubt, however long ago and whatever was asked for since: a copy may be with its recipients. */
export function mayHaveArrived(record: Pick<MessageRecord, 'resends' | 'events'>): boolean {
  return record.resends > 0 || record.events.some(({ inDoubt }) => inDoubt);
}

/** Recipients that still wait for an answer. */
export function openRecipients(record: MessageRecord): readonly RecipientState[] {
  return record.recipients.filter(recipient => recipient.outcome === 'pending' || recipient.outcome === 'deferred');
}

/** When there is no time left to send it, ms since 1970. */
export function endsAtMs({ expiresAtMs, deadlineAtMs }: Pick<MessageRecord, 'expiresAtMs' | 'deadlineAtMs'>): number {
  return Math.min(expiresAtMs ?? Number.POSITIVE_INFINITY, deadlineAtMs);
}
