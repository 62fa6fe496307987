import { matchesAddressPattern } from './address.ts';
import { accepted, type Outcome, problem, refused } from './problem.ts';

/** What Exchange Online allows one mailbox. Defaults are the service's own; source: Exchange Online limits, "Sending limits". */
export interface MailboxLimits {
  /** Messages in any minute. */
  readonly messagesPerMinute: number;
  /** Recipients in any 24 hours. */
  readonly recipientsPerDay: number;
  /** Simultaneous SMTP connections. */
  readonly connections: number;
  readonly recipientsPerMessage: number;
  /** Size of the whole mail as it goes over the wire, in bytes. */
  readonly messageBytes: number;
}

export const EXCHANGE_ONLINE_LIMITS: MailboxLimits = {
  messagesPerMinute: 30,
  recipientsPerDay: 10_000,
  connections: 3,
  recipientsPerMessage: 500,
  messageBytes: 36_700_160,
};

/** How the app proves itself to Entra for one sender. */
export type CredentialConfig =
  | {
      readonly kind: 'certificate';
      readonly name: string;
      readonly sign: 'local' | 'vault';
      /** Object id of the App registration: a proof towards Microsoft Graph names it. Needed for rotation alone. */
      readonly applicationObjectId?: string;
    }
  | { readonly kind: 'managedIdentity'; readonly clientId?: string }
  | { readonly kind: 'secret'; readonly name: string };

/** One entry of MAIL_SENDERS: who may be the From, through which mailboxes, with which app registration. */
export interface Sender {
  /** Mailboxes that may submit for the From patterns; the first is the usual one. Lower-case domain, as parsed. */
  readonly mailboxes: readonly string[];
  /** Addresses or `*@domain`. */
  readonly from: readonly string[];
  readonly tenantId: string;
  readonly clientId: string;
  readonly credential: CredentialConfig;
  readonly limits: MailboxLimits;
  readonly authorization?: 'appRbac' | 'claim';
}

/**
 * Finds the sender and its mailbox for a message.
 *
 * The named `mailbox` decides where it is given; otherwise an exact From pattern wins over `*@domain`, and among
 * equals the order of MAIL_SENDERS. Refused with `sender_not_allowed` when no entry allows this From.
 */
export function resolveSender(
  senders: readonly Sender[],
  from: string,
  mailbox: string | undefined,
): Outcome<{ readonly sender: Sender; readonly mailbox: string }> {
  const named = mailbox?.toLowerCase();
  const owners =
    named === undefined ? senders : senders.filter(sender => sender.mailboxes.some(own => own.toLowerCase() === named));
  if (owners.length === 0) {
    return refused(
      problem('sender_not_allowed', `No sender is set up for the mailbox ${mailbox}.`, {
        errors: [{ pointer: '/mailbox', detail: 'is not a mailbox of MAIL_SENDERS or MAIL_MAILBOX' }],
      }),
    );
  }
  const sender =
    owners.find(candidate =>
      candidate.from.some(pattern => !pattern.startsWith('*@') && matchesAddressPattern(from, pattern)),
    ) ?? owners.find(candidate => candidate.from.some(pattern => matchesAddressPattern(from, pattern)));
  if (!sender) {
    return refused(
      problem('sender_not_allowed', `Nobody may send as ${from} here.`, {
        errors: [{ pointer: '/from', detail: 'matches no From pattern of the configured senders' }],
      }),
    );
  }
  const chosen =
    sender.mailboxes.find(own => own.toLowerCase() === named) ??
    sender.mailboxes.find(own => own.toLowerCase() === from.toLowerCase()) ??
    sender.mailboxes[0];
  if (chosen === undefined) return refused(problem('sender_not_allowed', 'The sender has no mailbox.'));
  return accepted({ sender, mailbox: chosen });
}

/** The sender entry that owns `mailbox`, for a message accepted earlier; undefined when the settings no longer have it. */
export function senderOfMailbox(senders: readonly Sender[], mailbox: string): Sender | undefined {
  const wanted = mailbox.toLowerCase();
  return senders.find(sender => sender.mailboxes.some(own => own.toLowerCase() === wanted));
}
