import { issueAccessToken } from '../access-token.ts';
import type { Cloud } from '../cloud.ts';
import type { HttpAnswer, HttpCall } from '../http-server.ts';
import type { App } from '../world.ts';
import { checkCertificateAssertion } from './check-assertion.ts';
import { checkFederatedAssertion, isFederated } from './check-federated.ts';
import { answerEntraError, type EntraError, entraErrors } from './entra-error.ts';

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Resources whose service principal every tenant has. */
const RESOURCES = [
  'https://outlook.office365.com',
  'https://outlook.office.com',
  'https://vault.azure.net',
  'https://graph.microsoft.com',
  'https://storage.azure.com',
  'https://management.azure.com',
  'https://ps.outlook.com',
];

/** Permissions of Microsoft Graph, among those of other resources. */
const GRAPH_ROLE = /^(Application|Directory)\./;

/** `POST /{tenant}/oauth2/v2.0/token` with grant_type client_credentials (RFC 6749 section 4.4, RFC 7523). */
export function answerToken(cloud: Cloud, tenant: string, call: HttpCall): HttpAnswer {
  cloud.counters.tokenRequests++;
  const { world } = cloud;
  const form = new URLSearchParams(call.body);
  const correlationId = form.get('client-request-id') ?? headerOf(call, 'client-request-id');
  const refuse = (refused: EntraError): HttpAnswer => answerEntraError(cloud, refused, correlationId ?? undefined);
  const grant = form.get('grant_type') ?? '';
  if (!isTenant(cloud, tenant)) return refuse(entraErrors.tenantNotFound(tenant));
  if (grant !== 'client_credentials') return refuse(entraErrors.grantType(grant));
  const clientId = (form.get('client_id') ?? '').toLowerCase();
  const app = world.apps.find(one => one.clientId === clientId);
  if (!app) return refuse(entraErrors.appNotFound(clientId, world.tenantName));
  if (!app.hasServicePrincipal) return refuse(entraErrors.noServicePrincipal(clientId, world.tenantId));
  if (!app.enabled) return refuse(entraErrors.appDisabled(app));
  const refused = checkCredential(cloud, app, form);
  if (refused) return refuse(refused);
  if (app.blockedByConditionalAccess) return refuse(entraErrors.conditionalAccess());
  const scope = form.get('scope') ?? '';
  const resource = /^(\S+)\/\.default$/.exec(scope)?.[1]?.replace(/\/$/, '');
  if (resource === undefined) return refuse(entraErrors.badScope(scope));
  if (!RESOURCES.includes(resource)) return refuse(entraErrors.resourceNotFound(resource, world.tenantName));
  return {
    status: 200,
    headers: { 'Cache-Control': 'no-store', Pragma: 'no-cache' },
    body: issue(cloud, app, resource),
  };
}

/** Whether Entra knows the tenant by this path segment: its id or its initial domain. */
export const isTenant = ({ world }: Cloud, tenant: string): boolean =>
  [world.tenantId, world.tenantDomain].includes(tenant.toLowerCase());

function issue(cloud: Cloud, app: App, resource: string): Record<string, unknown> {
  const { lifetimeSeconds } = cloud.world.tokens;
  const isOutlook = resource.startsWith('https://outlook.office');
  const isGraph = resource === 'https://graph.microsoft.com';
  const { token } = issueAccessToken(cloud, {
    audience: resource,
    clientId: app.clientId,
    objectId: app.objectId,
    lifetimeSeconds,
    roles: isOutlook || isGraph ? app.roles.filter(role => GRAPH_ROLE.test(role) === isGraph) : [],
  });
  cloud.counters.tokensIssued++;
  return { token_type: 'Bearer', expires_in: lifetimeSeconds, ext_expires_in: lifetimeSeconds, access_token: token };
}

function checkCredential(cloud: Cloud, app: App, form: URLSearchParams): EntraError | undefined {
  const assertion = form.get('client_assertion');
  const secret = form.get('client_secret');
  if (assertion !== null) {
    if (form.get('client_assertion_type') !== JWT_BEARER) {
      return entraErrors.assertionMalformed('client_assertion_type is missing or not supported.');
    }
    if (isFederated(assertion)) {
      cloud.counters.federatedAssertions++;
      return checkFederatedAssertion(cloud, app, assertion);
    }
    cloud.counters.assertions++;
    return checkCertificateAssertion(cloud, app, assertion);
  }
  if (secret === null) return entraErrors.noCredential();
  cloud.counters.clientSecrets++;
  const known = app.secrets.find(one => one.value === secret);
  if (!known) return entraErrors.wrongSecret(app.clientId);
  return known.expiresAt.getTime() <= cloud.now() ? entraErrors.secretExpired(app.clientId) : undefined;
}

function headerOf(call: HttpCall, name: string): string | undefined {
  const value = call.headers[name];
  return typeof value === 'string' ? value : undefined;
}
