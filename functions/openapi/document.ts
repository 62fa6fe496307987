import { componentSchemas } from './component-schemas.ts';
import { introduction } from './description.ts';
import type { OpenApiDocument } from './document-types.ts';
import { acknowledgeIncident, testAlerts } from './operations-alerts.ts';
import { cancelMessage, getMessage, listMessages, retryMessage } from './operations-messages.ts';
import { listProbes, probeNow } from './operations-probe.ts';
import { sendBatch, sendMail } from './operations-send.ts';
import { docs, explainError, health, openapi } from './operations-service.ts';
import { dashboard, status } from './operations-watch.ts';
import { answerHeaders, sharedParameters } from './parameters.ts';
import { problemExamples } from './problem-examples.ts';

/** Version of the package, which is that of its API. */
export const API_VERSION = '0.1.0';

let built: Omit<OpenApiDocument, 'servers'> | undefined;

/**
 * The OpenAPI 3.1 document of this app. Built with the first call; the parts are shared by all callers, so do not
 * change them.
 *
 * @param serverUrl where the routes below are found, without a slash at the end; default `/api`
 */
export function openApiDocument(serverUrl = '/api'): OpenApiDocument {
  built ??= build();
  const { openapi, info, ...rest } = built;
  return { openapi, info, servers: [{ url: serverUrl }], ...rest };
}

function build(): Omit<OpenApiDocument, 'servers'> {
  return {
    openapi: '3.1.1',
    info: {
      title: 'Exosend',
      version: API_VERSION,
      summary: 'Send mail through Exchange Online from apps.',
      description: introduction(),
      license: { name: 'MIT', identifier: 'MIT' },
    },
    security: [{ functionKey: [] }, { entraToken: [] }],
    tags: [
      { name: 'Sending', description: 'Hand over mail.' },
      { name: 'Messages', description: 'See what became of it, cancel it, try it again.' },
      {
        name: 'Watching',
        description: 'Whether mail would go through now, since when not, and who is told. For operators.',
      },
      { name: 'Service', description: 'The app itself, and its errors explained.' },
    ],
    paths: {
      '/messages': { post: sendMail, get: listMessages },
      '/messages/batch': { post: sendBatch },
      '/messages/{id}': { get: getMessage, delete: cancelMessage },
      '/messages/{id}/retry': { post: retryMessage },
      '/probe': { post: probeNow },
      '/probes': { get: listProbes },
      '/status': { get: status },
      '/dashboard': { get: dashboard },
      '/incidents/{id}/ack': { post: acknowledgeIncident },
      '/alerts/test': { post: testAlerts },
      '/explain': { get: explainError },
      '/health': { get: health },
      '/openapi.json': { get: openapi },
      '/docs': { get: docs },
    },
    components: {
      securitySchemes: {
        functionKey: {
          type: 'apiKey',
          in: 'header',
          name: 'x-functions-key',
          description: 'A function key or host key of the app.',
        },
        entraToken: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'A token of Entra ID for this app, where it is set to `MAIL_CALLER_AUTH=entra`.',
        },
      },
      schemas: componentSchemas(),
      parameters: sharedParameters,
      headers: answerHeaders,
      examples: problemExamples(),
    },
  };
}
