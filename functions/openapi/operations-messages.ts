import {
  acceptedExample,
  cancelledExample,
  failedExample,
  messageListExample,
  sentExample,
  unknownExample,
} from './answer-examples.ts';
import type { Operation } from './document-types.ts';
import { parameterRef } from './parameters.ts';
import { headerRefs, jsonResponse, problemResponses, schemaRef } from './responses.ts';

export const listMessages: Operation = {
  operationId: 'listMessages',
  tags: ['Messages'],
  summary: 'List messages',
  description:
    'Newest first. A page can be short or even empty and still have a `continuation`: go on until there is none. Records are kept 30 days unless `RECORD_RETENTION_DAYS` says otherwise. Other query parameters are refused.',
  parameters: [
    {
      name: 'status',
      in: 'query',
      description: 'Only messages in this state.',
      schema: schemaRef('MessageStatus'),
      example: 'failed',
    },
    {
      name: 'mailbox',
      in: 'query',
      description: 'Only messages that this mailbox submits.',
      schema: { type: 'string', maxLength: 254 },
      example: 'billing@contoso.com',
    },
    {
      name: 'limit',
      in: 'query',
      description: 'How many at most.',
      schema: { type: 'integer', minimum: 1, maximum: 100, default: 50 },
      example: 20,
    },
    {
      name: 'continuation',
      in: 'query',
      description: 'As the page before gave it, with the same filters.',
      schema: { type: 'string', maxLength: 1024 },
    },
  ],
  responses: {
    200: jsonResponse('A page.', 'MessageList', { page: { summary: 'A page of one', value: messageListExample } }),
    ...problemResponses('request_invalid'),
  },
};

export const getMessage: Operation = {
  operationId: 'getMessage',
  tags: ['Messages'],
  summary: 'Read a message',
  description:
    'State, timeline, the outcome and SMTP reply for each recipient, and for a failure its diagnosis with a remedy. `sent` means that Exchange answered 250; whether the mail arrived, only a message trace in Exchange tells (look for `serverMessageId`).',
  parameters: [parameterRef('MessageId')],
  responses: {
    200: jsonResponse('The message.', 'Message', {
      sent: { summary: 'Exchange took it', value: sentExample },
      failed: { summary: 'Refused, with the reason', value: failedExample },
      unknown: { summary: 'In doubt', value: unknownExample },
    }),
    ...problemResponses('message_not_found'),
  },
};

export const cancelMessage: Operation = {
  operationId: 'cancelMessage',
  tags: ['Messages'],
  summary: 'Cancel a message',
  description:
    'Ends a message that is `queued` or `deferred` and that nobody can have got. A `deferred` one answers 409 once Exchange has taken it for some of its recipients, or once an attempt ended in doubt: calling it cancelled would not be true; `recipients` and `events` (`inDoubt`) tell which it is. One that was put back can be cancelled until its next attempt; what earlier ones did stands in `events`. Cancelling a cancelled message answers 200 again. The record stays.',
  parameters: [parameterRef('MessageId')],
  responses: {
    200: jsonResponse('Cancelled.', 'Message', { cancelled: { summary: 'Cancelled', value: cancelledExample } }),
    ...problemResponses('message_not_found', 'not_cancellable'),
  },
};

export const retryMessage: Operation = {
  operationId: 'retryMessage',
  tags: ['Messages'],
  summary: 'Try a message again',
  description:
    'Puts a `failed` or `unknown` message back, to the recipients that Exchange has not accepted, with a new deadline. Its `expiresAt` stays: once that has passed the answer is 409, since a message is never sent after it. Mind that an `unknown` message may have been sent. Content is kept 72 hours after a failure; then the answer is 410.',
  parameters: [parameterRef('MessageId')],
  responses: {
    202: jsonResponse(
      'Back in the queue.',
      'Accepted',
      { accepted: { summary: 'Queued again', value: acceptedExample } },
      headerRefs('Location', 'Retry-After'),
    ),
    ...problemResponses('message_not_found', 'not_retryable', 'content_gone'),
  },
};
