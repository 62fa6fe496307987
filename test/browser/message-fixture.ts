import type { Message, MessageSummary } from '../../functions/dashboard/page/api-shapes.ts';
import { entryOf, findEntry } from '../../shared/domain/diagnosis/catalogue.ts';
import { diagnosisOf } from '../../shared/domain/diagnosis/diagnose.ts';

const MINUTE_MS = 60_000;
const iso = (ms: number) => new Date(ms).toISOString();
const STATES: readonly (readonly [status: string, code?: string])[] = [
  ['queued'],
  ['deferred', 'smtp_rate_limited'],
  ['failed', 'smtp_recipient_unknown'],
  ['unknown', 'unknown_outcome'],
  ['sent'],
  ['sent'],
  ['cancelled'],
  ['sent'],
  ['expired', 'message_expired'],
  ['sent'],
];

export function messages(nowMs = Date.now()): Message[] {
  return STATES.map(([status, code], index) => {
    const createdMs = nowMs - (index + 1) * 7 * MINUTE_MS;
    const diagnosis = code === undefined ? undefined : diagnosisOf(findEntry(code) ?? entryOf('internal_error'));
    const reply = status === 'failed' ? '550 5.1.10 RESOLVER.ADR.RecipientNotFound' : '250 2.0.0 OK';
    return {
      id: `01KAK7T000000000000000000${index}`,
      status,
      createdAt: iso(createdMs),
      updatedAt: iso(createdMs + 2_000),
      from: 'billing@contoso.com',
      mailbox: index % 2 === 0 ? 'billing@contoso.com' : 'noreply@contoso.com',
      attempts: status === 'queued' ? 0 : 1,
      bytes: 4_213,
      messageId: `<01KAK7T${index}@contoso.com>`,
      metadata: { order: String(4200 + index) },
      recipients: [{ address: 'ada@example.com', outcome: status === 'sent' ? 'accepted' : 'pending', reply }],
      ...(diagnosis ? { diagnosis } : {}),
      ...(status === 'queued' || status === 'deferred' ? { nextAttemptAt: iso(nowMs + 4 * MINUTE_MS) } : {}),
      events: [
        { at: iso(createdMs), status: 'queued' },
        ...(status === 'queued'
          ? []
          : [
              { at: iso(createdMs + 1_000), status: 'sending', attempt: 1 },
              { at: iso(createdMs + 2_000), status, reply, ...(diagnosis ? { diagnosis } : {}) },
            ]),
      ],
    };
  });
}

export function summaryOf({ recipients, diagnosis, ...message }: Message): MessageSummary {
  const { id, status, createdAt, updatedAt, from, mailbox, attempts } = message;
  return {
    id,
    status,
    createdAt,
    updatedAt,
    from,
    mailbox,
    attempts,
    recipientCount: recipients.length,
    ...(diagnosis ? { code: diagnosis.code } : {}),
  };
}
