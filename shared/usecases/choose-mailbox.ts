import { type MessageRecord, mayHaveArrived, openRecipients } from '../domain/message-record.ts';
import type { Place } from '../domain/queue-ports.ts';
import type { Sender } from '../domain/sender.ts';
import type { MailboxPacer } from './mailbox-pacer.ts';

/**
 * The mailbox that a message goes through: of those that its sender may use, the one that would send it first. It stays
 * with the one in whose line it has a place as long as that one can send.
 *
 * A message that named its mailbox keeps it, and so does one that may have been sent already: a second copy must not come
 * from somewhere else.
 *
 * @param tried mailboxes that have just refused it
 * @returns the mailbox as the settings write it; undefined when all of them were tried
 */
export async function chooseMailbox(
  pacer: MailboxPacer,
  sender: Sender,
  record: MessageRecord,
  place: Place | undefined,
  tried: ReadonlySet<string>,
): Promise<string | undefined> {
  const own = record.mailbox;
  if (sender.mailboxes.length === 1 || isBound(record)) return tried.has(own) ? undefined : own;
  const recipients = openRecipients(record).length;
  const candidates = sender.mailboxes.filter(mailbox => !tried.has(mailbox));
  const outlooks = await Promise.all(
    candidates.map(async mailbox => ({
      mailbox,
      atMs: await pacer.outlook({ mailbox, limits: sender.limits }, recipients),
    })),
  );
  const able = outlooks.filter(({ atMs }) => Number.isFinite(atMs));
  const inLine = able.find(({ mailbox }) => mailbox === place?.mailbox);
  if (inLine) return inLine.mailbox;
  const [first] = able.toSorted((a, b) => a.atMs - b.atMs || Number(b.mailbox === own) - Number(a.mailbox === own));
  if (first) return first.mailbox;
  return candidates.includes(own) ? own : undefined;
}

export function isBound(record: MessageRecord): boolean {
  return record.isMailboxNamed === true || mayHaveArrived(record) || record.claim?.phase === 'final';
}
