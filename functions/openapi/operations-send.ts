import { EXCHANGE_ONLINE_LIMITS } from '../../shared/domain/sender.ts';
import { MAX_BATCH_BYTES, MAX_BATCH_ITEMS } from '../http-batch.ts';
import { acceptedExample, batchAnswerExample, dryRunExample } from './answer-examples.ts';
import type { MediaType, Operation, Parameter } from './document-types.ts';
import { parameterRef } from './parameters.ts';
import { mailExample, rawMailExample, scheduledMailExample, smallMailExample } from './request-examples.ts';
import { headerRefs, jsonResponse, problemResponses, schemaRef } from './responses.ts';

const MEGABYTE = 1024 * 1024;

const rawParameters: Parameter[] = [
  {
    name: 'from',
    in: 'query',
    description: 'With message/rfc822 only: envelope sender (MAIL FROM), in place of the From header.',
    schema: schemaRef('Mailbox'),
    example: 'bounces@contoso.com',
  },
  {
    name: 'to',
    in: 'query',
    description:
      'With message/rfc822 only: recipients in place of To, Cc and Bcc. May be repeated; each may be a comma-separated list.',
    schema: { type: 'array', items: { type: 'string' } },
    explode: true,
    example: ['ada@example.com'],
  },
  {
    name: 'mailbox',
    in: 'query',
    description: 'With message/rfc822 only: mailbox that submits the mail.',
    schema: { type: 'string' },
    example: 'billing@contoso.com',
  },
  {
    name: 'dryRun',
    in: 'query',
    description: 'With message/rfc822 only: `true` checks and composes, and stores nothing. In JSON it is a field.',
    schema: { type: 'string', enum: ['true', '1', '', 'false', '0'] },
    example: 'true',
  },
];

const bodies: Record<string, MediaType> = {
  'application/json': {
    schema: schemaRef('MailRequest'),
    examples: {
      small: { summary: 'The smallest mail', value: smallMailExample },
      full: { summary: 'HTML, picture, attachment', value: mailExample },
      scheduled: { summary: 'Later, and not too late', value: scheduledMailExample },
    },
  },
  'message/rfc822': {
    schema: { type: 'string', description: 'A complete mail (RFC 5322), sent as it is, without Bcc.' },
    examples: { raw: { summary: 'A raw mail', value: rawMailExample } },
  },
  'multipart/form-data': {
    schema: {
      type: 'object',
      required: ['message'],
      properties: { message: schemaRef('MailRequest') },
      additionalProperties: {
        type: 'string',
        contentMediaType: 'application/octet-stream',
        description: 'Every other part is an attachment, by its file name and Content-Type.',
      },
    },
    encoding: { message: { contentType: 'application/json' } },
    examples: { form: { summary: 'JSON and a file', value: { message: smallMailExample, invoice: '%PDF-1.4 …' } } },
  },
};

export const sendMail: Operation = {
  operationId: 'sendMail',
  tags: ['Sending'],
  summary: 'Send a mail',
  description: [
    'Checks the mail and stores it. **202** means that it is durable and will be sent, or its failure told; it is not sent yet. Follow `Location` to its state.',
    'Three forms of body: JSON; a raw mail (`message/rfc822`), whose envelope is read from its header or from the query; `multipart/form-data` with the JSON as part `message`, every other part an attachment.',
    'With an `Idempotency-Key` a repeat after a timeout cannot send twice. `dryRun` does everything but storing.',
    `Limits: ${EXCHANGE_ONLINE_LIMITS.recipientsPerMessage} recipients and ${EXCHANGE_ONLINE_LIMITS.messageBytes / MEGABYTE} MB as sent (attachments grow by a third), unless the mailbox is set up otherwise.`,
  ].join('\n\n'),
  parameters: [parameterRef('IdempotencyKey'), parameterRef('TraceParent'), ...rawParameters],
  requestBody: { required: true, content: bodies },
  responses: {
    200: jsonResponse('`dryRun`: checked and composed, nothing stored.', 'DryRun', {
      dryRun: { summary: 'The composed header', value: dryRunExample },
    }),
    202: jsonResponse(
      'Accepted: stored, and on its way.',
      'Accepted',
      { accepted: { summary: 'Accepted', value: acceptedExample } },
      headerRefs('Location', 'Retry-After', 'Idempotent-Replayed'),
    ),
    ...problemResponses(
      'request_not_json',
      'idempotency_key_invalid',
      'sender_not_allowed',
      'recipient_not_allowed',
      'idempotency_in_progress',
      'request_too_large',
      'unsupported_media_type',
      'request_invalid',
      'idempotency_key_reused',
      'rate_limited',
    ),
  },
};

export const sendBatch: Operation = {
  operationId: 'sendBatch',
  tags: ['Sending'],
  summary: `Send up to ${MAX_BATCH_ITEMS} mails`,
  description: [
    `An array of mails, up to ${MAX_BATCH_ITEMS} and ${MAX_BATCH_BYTES / MEGABYTE} MB in all. Each is taken or refused by itself: the answer is **207** with one result per mail, in order, so look at each \`status\`.`,
    'An `Idempotency-Key` covers each mail as `key#index`: after a timeout send the same array again, and only what was not taken is stored.',
  ].join('\n\n'),
  parameters: [parameterRef('IdempotencyKey'), parameterRef('TraceParent')],
  requestBody: {
    required: true,
    content: {
      'application/json': {
        schema: { type: 'array', minItems: 1, maxItems: MAX_BATCH_ITEMS, items: schemaRef('MailRequest') },
        examples: {
          two: { summary: 'Two mails', value: [smallMailExample, { ...smallMailExample, from: 'ceo@contoso.com' }] },
        },
      },
    },
  },
  responses: {
    207: jsonResponse('One result per mail.', 'BatchAnswer', {
      mixed: { summary: 'One taken, one refused', value: batchAnswerExample },
    }),
    ...problemResponses(
      'request_not_json',
      'idempotency_key_invalid',
      'request_too_large',
      'unsupported_media_type',
      'request_invalid',
    ),
  },
};
