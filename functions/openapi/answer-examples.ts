import type { z } from 'zod';
import { entryOf } from '../../shared/domain/diagnosis/catalogue.ts';
import { diagnosisOf } from '../../shared/domain/diagnosis/diagnose.ts';
import { explain } from '../../shared/domain/diagnosis/explain.ts';
import type {
  acceptedSchema,
  batchAnswerSchema,
  dryRunSchema,
  explanationSchema,
  messageListSchema,
  messageSchema,
} from './answer-schemas.ts';
import { EXAMPLE_TRACE_ID, problemExample } from './problem-examples.ts';

type Message = z.infer<typeof messageSchema>;

export const EXAMPLE_ID = '01M8R9W90ANZW54PXPA9GK41SJ';
const MESSAGES_URL = 'https://exosend.example.com/api/messages';
const EXCHANGE_REPLY =
  '250 2.0.0 OK <5E1B7C0D@AM0PR04MB4212.eurprd04.prod.outlook.com> [Hostname=AM0PR04MB4212.eurprd04.prod.outlook.com]';
const UNKNOWN_USER =
  '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ada@example.com not found by SMTP address lookup';

export const acceptedExample: z.infer<typeof acceptedSchema> = {
  id: EXAMPLE_ID,
  status: 'queued',
  statusUrl: `${MESSAGES_URL}/${EXAMPLE_ID}`,
};

export const dryRunExample: z.infer<typeof dryRunSchema> = {
  dryRun: true,
  mailbox: 'billing@contoso.com',
  recipients: ['ada@example.com'],
  headers: [
    `X-Exosend-Id: ${EXAMPLE_ID}`,
    'From: billing@contoso.com',
    'To: ada@example.com',
    'Subject: Invoice 42',
    `Message-ID: <${EXAMPLE_ID}@contoso.com>`,
    'Date: Tue, 01 Dec 2026 08:00:00 +0000',
    'Content-Transfer-Encoding: 7bit',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
  ].join('\r\n'),
  bytes: 331,
};

export const batchAnswerExample: z.infer<typeof batchAnswerSchema> = {
  results: [
    { index: 0, status: 202, message: acceptedExample },
    { index: 1, status: 403, problem: problemExample('sender_not_allowed') },
  ],
};

const queued: Message = {
  id: EXAMPLE_ID,
  status: 'queued',
  createdAt: '2026-12-01T08:00:00.010Z',
  updatedAt: '2026-12-01T08:00:00.010Z',
  from: 'billing@contoso.com',
  mailbox: 'billing@contoso.com',
  priority: 'normal',
  deadlineAt: '2026-12-02T08:00:00.010Z',
  attempts: 0,
  nextAttemptAt: '2026-12-01T08:00:00.010Z',
  bytes: 331,
  messageId: `<${EXAMPLE_ID}@contoso.com>`,
  metadata: { order: '42' },
  recipients: [{ address: 'ada@example.com', outcome: 'pending' }],
  traceId: EXAMPLE_TRACE_ID,
  events: [{ at: '2026-12-01T08:00:00.010Z', status: 'queued' }],
};
const { nextAttemptAt: _open, ...submitted } = {
  ...queued,
  attempts: 1,
  events: [...queued.events, { at: '2026-12-01T08:00:00.120Z', status: 'sending' as const, attempt: 1 }],
};
const ended = { updatedAt: '2026-12-01T08:00:00.640Z', finalAt: '2026-12-01T08:00:00.640Z' };
const endedAt = { at: ended.finalAt, attempt: 1 };
const notFound = diagnosisOf(entryOf('smtp_recipient_unknown'));
const inDoubt = diagnosisOf(entryOf('unknown_outcome'));

export const sentExample: Message = {
  ...submitted,
  ...ended,
  status: 'sent',
  serverMessageId: '<5E1B7C0D@AM0PR04MB4212.eurprd04.prod.outlook.com>',
  recipients: [{ address: 'ada@example.com', outcome: 'accepted', reply: EXCHANGE_REPLY }],
  reply: EXCHANGE_REPLY,
  events: [...submitted.events, { ...endedAt, status: 'sent', reply: EXCHANGE_REPLY }],
};

export const failedExample: Message = {
  ...submitted,
  ...ended,
  status: 'failed',
  recipients: [{ address: 'ada@example.com', outcome: 'refused', reply: UNKNOWN_USER, diagnosis: notFound }],
  refusedRecipients: 1,
  reply: UNKNOWN_USER,
  diagnosis: notFound,
  events: [
    ...submitted.events,
    { ...endedAt, status: 'failed', reply: UNKNOWN_USER, diagnosis: notFound, refusedRecipients: 1 },
  ],
};

export const unknownExample: Message = {
  ...submitted,
  ...ended,
  status: 'unknown',
  diagnosis: inDoubt,
  events: [...submitted.events, { ...endedAt, status: 'unknown', diagnosis: inDoubt, inDoubt: true }],
};

export const cancelledExample: Message = {
  ...queued,
  ...ended,
  status: 'cancelled',
  events: [...queued.events, { at: ended.finalAt, status: 'cancelled' }],
};

export const messageListExample: z.infer<typeof messageListSchema> = {
  messages: [
    {
      id: EXAMPLE_ID,
      status: 'failed',
      createdAt: queued.createdAt,
      updatedAt: ended.updatedAt,
      from: queued.from,
      mailbox: queued.mailbox,
      recipientCount: 1,
      attempts: 1,
      metadata: queued.metadata,
      code: notFound.code,
    },
  ],
  continuation: 'eyJuZXh0UGFydGl0aW9uS2V5IjoibWVzc2FnZXMiLCJuZXh0Um93S2V5IjoiWTFLQiJ9',
};

export const EXAMPLE_ERROR_TEXT = '535 5.7.3 Authentication unsuccessful';
export const explanationExample: z.infer<typeof explanationSchema> = {
  matches: explain(EXAMPLE_ERROR_TEXT).slice(0, 1),
};
