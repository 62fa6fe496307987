import { EXAMPLE_ERROR_TEXT, explanationExample } from './answer-examples.ts';
import type { Operation } from './document-types.ts';
import { jsonResponse, problemResponses } from './responses.ts';

export const explainError: Operation = {
  operationId: 'explain',
  tags: ['Service'],
  summary: 'Explain an error',
  description:
    'A pasted error text → what it means and what to do, best match first. Takes an SMTP reply, an Entra ID answer, a Node or nodemailer error, a log line or a code. Nothing is stored.',
  parameters: [
    {
      name: 'text',
      in: 'query',
      required: true,
      description: 'The error, or the log that holds it.',
      schema: { type: 'string', minLength: 1 },
      example: EXAMPLE_ERROR_TEXT,
    },
  ],
  responses: {
    200: jsonResponse('What is known about it.', 'Explanation', {
      known: { summary: 'A refused sign-in', value: explanationExample },
      nothing: { summary: 'Nothing is known', value: { matches: [] } },
    }),
    ...problemResponses('request_invalid'),
  },
};

export const health: Operation = {
  operationId: 'health',
  tags: ['Service'],
  summary: 'Is the app up?',
  description: 'Cheap and without detail: whether the app runs and its settings can be used. No key is needed.',
  security: [],
  responses: {
    200: jsonResponse('Up.', 'Health', { ok: { summary: 'Up', value: { status: 'ok' } } }),
    503: jsonResponse('Up, but its settings are missing or wrong; its log names them.', 'Health', {
      unavailable: { summary: 'Not usable', value: { status: 'unavailable' } },
    }),
  },
};

export const openapi: Operation = {
  operationId: 'openapi',
  tags: ['Service'],
  summary: 'This document',
  description: 'OpenAPI 3.1, made from the schemas that the app itself checks with. No key is needed.',
  security: [],
  responses: {
    200: {
      description: 'The document.',
      content: { 'application/json': { schema: { type: 'object', required: ['openapi', 'info', 'paths'] } } },
    },
  },
};

export const docs: Operation = {
  operationId: 'docs',
  tags: ['Service'],
  summary: 'This document as a page',
  description: 'One page of HTML that loads nothing from elsewhere. No key is needed.',
  security: [],
  responses: {
    200: { description: 'The page.', content: { 'text/html': { schema: { type: 'string' } } } },
  },
};
