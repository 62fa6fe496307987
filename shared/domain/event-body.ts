import { entryOf, findEntry } from './diagnosis/catalogue.ts';
import { diagnosisOf } from './diagnosis/diagnose.ts';
import type { EventRef } from './events.ts';
import type { MessageRecord } from './message-record.ts';

/**
 * The body of an event, made from the record when it is delivered. State, time, attempt, reply and diagnosis are those
 * of the event; the recipients are as they stand now, which for an event on its second try may be later.
 */
export function eventBody(event: EventRef, record: MessageRecord): string {
  const step = record.events.find(one => one.status === event.status && one.atMs === event.atMs);
  // A long timeline drops steps from its middle, and a state recorded twice has two times: the record's own will do.
  const isCurrent = record.status === event.status;
  const reply = step?.reply ?? (isCurrent ? record.reply : undefined);
  const code = step?.code ?? (isCurrent ? record.code : undefined);
  const attempt = step?.attempt ?? event.attempt ?? (isCurrent ? record.attempts : 0);
  return JSON.stringify({
    type: `message.${event.status}`,
    timestamp: new Date(event.atMs).toISOString(),
    data: {
      messageId: record.id,
      status: event.status,
      from: record.from,
      mailbox: record.mailbox,
      metadata: record.metadata,
      attempt,
      recipients: record.recipients.map(recipient => ({
        address: recipient.address,
        outcome: recipient.outcome,
        ...(recipient.reply === undefined ? {} : { reply: recipient.reply }),
      })),
      ...(reply === undefined ? {} : { reply }),
      ...(code === undefined || event.status === 'sent'
        ? {}
        : { diagnosis: { ...diagnosisOf(findEntry(code) ?? entryOf('internal_error')), code } }),
    },
  });
}
