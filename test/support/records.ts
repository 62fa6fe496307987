import type { MessageRecord } from '../../shared/domain/message-record.ts';
import { NOW_MS } from './requests.ts';

/** A message that is being sent, with what a test changes of it. */
export function messageRecord(
  recipients: readonly string[] = ['ada@example.com'],
  changes: Partial<MessageRecord> = {},
): MessageRecord {
  return {
    id: '01KAK7T0000000000000000000',
    status: 'sending',
    caller: 'anonymous',
    from: 'billing@contoso.com',
    mailbox: 'billing@contoso.com',
    recipients: recipients.map(address => ({ address, outcome: 'pending' })),
    priority: 'normal',
    metadata: {},
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    deadlineAtMs: NOW_MS + 86_400_000,
    onUnknown: 'resend',
    dueAtMs: NOW_MS,
    generation: 1,
    attempts: 1,
    resends: 0,
    claim: { token: 't', untilMs: NOW_MS + 120_000, phase: 'connect' },
    content: { kind: 'inline', bytes: 100, eightBit: false },
    messageIdHeader: '<x@contoso.com>',
    traceId: '0'.repeat(32),
    events: [{ atMs: NOW_MS, status: 'queued' }],
    ...changes,
  };
}
