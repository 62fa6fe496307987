import type { Operation } from './document-types.ts';
import { jsonResponse, problemResponses } from './responses.ts';
import { statusExample } from './status-example.ts';

export const status: Operation = {
  operationId: 'status',
  tags: ['Watching'],
  summary: 'How is it doing?',
  description:
    'For operators: mailboxes with their state, last probe, credential, quota and breaker, open incidents, lengths of the queues, and how much waits. A source that does not answer is named in `missing`, and the rest stands. Safe to ask every few seconds.',
  responses: {
    200: jsonResponse('What is known at this moment.', 'StatusReport', {
      healthy: { summary: 'All is well', value: statusExample },
    }),
    ...problemResponses(),
  },
};

export const dashboard: Operation = {
  operationId: 'dashboard',
  tags: ['Watching'],
  summary: 'The same for people',
  description:
    'One page of HTML that loads nothing from elsewhere. It holds no data: it asks for the key and calls this API with it, as `x-functions-key`. With `MAIL_CALLER_AUTH=entra` the cookie of App Service authentication takes its place.',
  security: [],
  responses: {
    200: { description: 'The page.', content: { 'text/html': { schema: { type: 'string' } } } },
  },
};
