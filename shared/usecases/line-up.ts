import type { MailSettings } from '../domain/mail-settings.ts';
import { type MessageRecord, openRecipients } from '../domain/message-record.ts';
import type { Clock } from '../domain/ports.ts';
import type { Place } from '../domain/queue-ports.ts';
import { type Sender, senderOfMailbox } from '../domain/sender.ts';
import { chooseMailbox } from './choose-mailbox.ts';
import type { MailboxPacer } from './mailbox-pacer.ts';

/** When a message that has just come is to be looked at. */
export type Standing =
  | { readonly kind: 'now' }
  /** Its mailbox has others to send first. */
  | { readonly kind: 'inLine'; readonly place: Place }
  /** So many that `sweep` brings it, or the mailbox cannot send at all. */
  | { readonly kind: 'parked' };

/**
 * @param isReplay whether the message has been taken before under its key, so that a place would be for nobody. Asked only
 * where there would be one: a read that a lone message does not pay for.
 */
export type LineUp = (record: MessageRecord, isReplay?: () => Promise<boolean>) => Promise<Standing>;

/** Places are given for a mailbox that gets more than so many messages here within this time: a lone one costs nothing. */
const MANY = 5;
const WITHIN_MS = 10_000;
/** And more than this share of what it may send in that time: the other instances accept for it, too. */
const SHARE = 0.25;
const NOW: Standing = { kind: 'now' };
/**
 * The caller waits for its answer meanwhile. Longer than several instances take that want places of one mailbox from a slow
 * table: a place that comes too late is lost, and so is its turn where there are many.
 */
const PATIENCE_MS = 2_000;

/**
 * Gives a message its place in line as it is accepted, so that a burst need not be woken, read and sent away again message
 * by message. Whatever goes wrong here or takes long, the message is looked at at once.
 */
export function lineUp(settings: MailSettings, pacer: MailboxPacer, clock: Clock): LineUp {
  const lately = new Map<string, { sinceMs: number; before: number; count: number }>();

  /** How many came within the last ten to twenty seconds, this one included. */
  function countLately(mailbox: string): number {
    const nowMs = clock.now();
    let seen = lately.get(mailbox);
    if (!seen || nowMs - seen.sinceMs > WITHIN_MS) {
      const isRecent = seen !== undefined && nowMs - seen.sinceMs <= 2 * WITHIN_MS;
      seen = { sinceMs: nowMs, before: isRecent ? (seen?.count ?? 0) : 0, count: 0 };
      lately.set(mailbox, seen);
    }
    return seen.before + ++seen.count;
  }

  async function standing(record: MessageRecord, sender: Sender): Promise<Standing> {
    const mailbox = (await chooseMailbox(pacer, sender, record, undefined, new Set())) ?? record.mailbox;
    const paced = { mailbox, limits: sender.limits };
    if (
      (await pacer.breakerOf(mailbox)).state !== 'closed' &&
      (await pacer.breakerOf(mailbox, 'signIn')).state !== 'closed'
    )
      return { kind: 'parked' };
    const recipients = openRecipients(record).length;
    const answer = await pacer.ask(paced, { isHigh: false, recipients, placeFor: 'newcomer' });
    if (answer.kind === 'later') return { kind: 'inLine', place: { mailbox, atMs: answer.atMs } };
    return answer.kind === 'park' ? { kind: 'parked' } : NOW;
  }

  async function unlessReplay(record: MessageRecord, sender: Sender, isReplay?: () => Promise<boolean>) {
    return (await isReplay?.()) ? NOW : standing(record, sender);
  }

  return async (record, isReplay) => {
    const sender = senderOfMailbox(settings.senders, record.mailbox);
    if (!sender || record.priority === 'high' || record.simulated || record.dueAtMs > clock.now()) return NOW;
    const many = Math.max(MANY, (sender.limits.messagesPerMinute / 60_000) * WITHIN_MS * SHARE);
    if (countLately(record.mailbox) <= many) return NOW;
    const found = unlessReplay(record, sender, isReplay).catch(() => NOW);
    return Promise.race([found, clock.sleep(PATIENCE_MS).then(() => NOW)]);
  };
}
