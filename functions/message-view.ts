import { entryOf, findEntry } from '../shared/domain/diagnosis/catalogue.ts';
import { diagnosisOf } from '../shared/domain/diagnosis/diagnose.ts';
import type { Diagnosis } from '../shared/domain/diagnosis/diagnosis.ts';
import type { MessageEvent, MessageRecord } from '../shared/domain/message-record.ts';

/** A message as the API shows it: times as ISO 8601, diagnoses with their texts, nothing internal. */
export function messageView(record: MessageRecord) {
  const refused = record.recipients.filter(recipient => recipient.outcome === 'refused').length;
  return {
    id: record.id,
    status: record.status,
    createdAt: iso(record.createdAtMs),
    updatedAt: iso(record.updatedAtMs),
    ...(record.finalAtMs === undefined ? {} : { finalAt: iso(record.finalAtMs) }),
    from: record.from,
    mailbox: record.mailbox,
    priority: record.priority,
    ...(record.sendAtMs === undefined ? {} : { sendAt: iso(record.sendAtMs) }),
    ...(record.expiresAtMs === undefined ? {} : { expiresAt: iso(record.expiresAtMs) }),
    deadlineAt: iso(record.deadlineAtMs),
    attempts: record.attempts,
    ...(record.status === 'queued' || record.status === 'deferred' ? { nextAttemptAt: iso(record.dueAtMs) } : {}),
    bytes: record.content.bytes,
    messageId: record.messageIdHeader,
    ...(record.serverMessageId === undefined ? {} : { serverMessageId: record.serverMessageId }),
    metadata: record.metadata,
    recipients: record.recipients.map(({ code, ...recipient }) => ({
      ...recipient,
      ...(code === undefined ? {} : { diagnosis: diagnosisFor(code) }),
    })),
    ...(refused === 0 ? {} : { refusedRecipients: refused }),
    ...(record.reply === undefined ? {} : { reply: record.reply }),
    ...(record.code === undefined || record.status === 'sent' ? {} : { diagnosis: diagnosisFor(record.code) }),
    ...(record.errors === undefined ? {} : { errors: record.errors }),
    ...(record.simulated ? { simulated: true } : {}),
    traceId: record.traceId,
    events: record.events.map(eventView),
  };
}

/** One line of a list: enough to choose by, without timeline and recipients. */
export function messageSummary(record: MessageRecord) {
  return {
    id: record.id,
    status: record.status,
    createdAt: iso(record.createdAtMs),
    updatedAt: iso(record.updatedAtMs),
    from: record.from,
    mailbox: record.mailbox,
    recipientCount: record.recipients.length,
    attempts: record.attempts,
    metadata: record.metadata,
    ...(record.code === undefined || record.status === 'sent' ? {} : { code: record.code }),
  };
}

function eventView({ atMs, code, nextAttemptAtMs, ...event }: MessageEvent) {
  return {
    at: iso(atMs),
    ...event,
    ...(code === undefined ? {} : { diagnosis: diagnosisFor(code) }),
    ...(nextAttemptAtMs === undefined ? {} : { nextAttemptAt: iso(nextAttemptAtMs) }),
  };
}

/** The texts of a stored code. A code that a later version no longer knows is still named. */
function diagnosisFor(code: string): Diagnosis {
  return { ...diagnosisOf(findEntry(code) ?? entryOf('internal_error')), code };
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}
