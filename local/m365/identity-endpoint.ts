import { randomUUID } from 'node:crypto';
import { issueAccessToken } from './access-token.ts';
import type { Cloud } from './cloud.ts';
import type { HttpAnswer, HttpCall } from './http-server.ts';
import type { Identity } from './world.ts';

const FEDERATION = 'api://AzureADTokenExchange';

/**
 * Answers `GET {IDENTITY_ENDPOINT}?api-version=2019-08-01&resource=…[&client_id=…]` as the App Service endpoint does.
 * Without client_id the system-assigned identity speaks; without one of those the call is refused, as on a real app.
 * Source: learn.microsoft.com/azure/app-service/overview-managed-identity, REST endpoint reference.
 * @param secret what X-IDENTITY-HEADER must hold
 */
export function answerIdentity(cloud: Cloud, secret: string, call: HttpCall): HttpAnswer {
  cloud.counters.identityRequests++;
  const query = call.url.searchParams;
  const resource = query.get('resource');
  if (call.url.pathname !== '/msi/token' || call.method !== 'GET') return refuse(404, 'Not found.');
  if (call.headers['x-identity-header'] !== secret) return refuse(401, 'Invalid or missing X-IDENTITY-HEADER.');
  if (query.get('api-version') !== '2019-08-01') return refuse(400, 'The api-version is missing or not supported.');
  if (!resource) return refuse(400, "The query parameter 'resource' is missing.");
  const identity = findIdentity(cloud, query);
  if (!identity) {
    return refuse(
      400,
      'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.',
    );
  }
  const federation = resource.replace(/\/\.default$/, '') === FEDERATION;
  const { token, expiresAtSeconds } = issueAccessToken(cloud, {
    audience: federation ? FEDERATION : resource.replace(/\/$/, ''),
    clientId: identity.clientId,
    objectId: identity.principalId,
    lifetimeSeconds: cloud.world.tokens.identityLifetimeSeconds,
    version: federation ? '2.0' : '1.0',
  });
  const body = {
    access_token: token,
    expires_on: String(expiresAtSeconds),
    resource,
    token_type: 'Bearer',
    client_id: identity.clientId,
  };
  return { status: 200, body };
}

function findIdentity(cloud: Cloud, query: URLSearchParams): Identity | undefined {
  const clientId = query.get('client_id');
  const principalId = query.get('principal_id') ?? query.get('object_id');
  return cloud.world.identities.find(identity => {
    if (clientId) return identity.clientId === clientId.toLowerCase();
    if (principalId) return identity.principalId === principalId.toLowerCase();
    return identity.kind === 'systemAssigned';
  });
}

const refuse = (statusCode: number, message: string): HttpAnswer => ({
  status: statusCode,
  body: { statusCode, message, correlationId: randomUUID() },
});
