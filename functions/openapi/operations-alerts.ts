import { EXAMPLE_ID } from './answer-examples.ts';
import type { Operation } from './document-types.ts';
import { jsonResponse, problemResponses } from './responses.ts';

export const acknowledgeIncident: Operation = {
  operationId: 'acknowledgeIncident',
  tags: ['Watching'],
  summary: 'Acknowledge an incident',
  description:
    'Says that somebody has it in hand: no reminders until it closes. A new cause and the end are told all the same. Acknowledging again answers 200 again. For operators.',
  parameters: [
    {
      name: 'id',
      in: 'path',
      required: true,
      description: 'Id of the incident, as alerts and `GET /status` give it.',
      schema: { type: 'string', pattern: '^[0-7][0-9A-HJKMNP-TV-Z]{25}$' },
      example: EXAMPLE_ID,
    },
  ],
  responses: {
    200: jsonResponse('Acknowledged.', 'Acknowledged', {
      done: { summary: 'Acknowledged', value: { id: EXAMPLE_ID, acknowledged: true } },
    }),
    ...problemResponses('incident_not_found'),
  },
};

export const testAlerts: Operation = {
  operationId: 'testAlerts',
  tags: ['Watching'],
  summary: 'Test the alert channels',
  description:
    'Sends one test notification to every channel of `ALERT_CHANNELS`, and a ping to every heartbeat. That a channel took it does not prove that a person saw it: a Teams workflow answers 202 even when its card fails. For operators.',
  responses: {
    200: jsonResponse('What each channel made of it.', 'AlertTest', {
      mixed: {
        summary: 'One took it, one did not',
        value: {
          channels: [
            { kind: 'teams', target: 'prod-01.westeurope.logic.azure.com', taken: true },
            { kind: 'webhook', target: 'alerts.contoso.com', taken: false, reason: 'answered 401' },
          ],
        },
      },
    }),
    ...problemResponses(),
  },
};
