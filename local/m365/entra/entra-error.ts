import { randomUUID } from 'node:crypto';
import type { Cloud } from '../cloud.ts';
import { countBy } from '../counters.ts';
import type { HttpAnswer } from '../http-server.ts';
import type { App } from '../world.ts';

/** A refusal of the token endpoint: AADSTS number, OAuth error, HTTP status and the service's own sentence. */
export interface EntraError {
  code: number;
  error: string;
  status: number;
  message: string;
}

const error = (code: number, name: string, status: number, message: string): EntraError => ({
  code,
  error: name,
  status,
  message,
});

/** Texts as Entra words them. Source: learn.microsoft.com/entra/identity-platform/reference-error-codes and messages in public issues. */
export const entraErrors = {
  tenantNotFound: (tenant: string) =>
    error(
      90002,
      'invalid_request',
      400,
      `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`,
    ),
  appNotFound: (clientId: string, tenantName: string) =>
    error(
      700016,
      'unauthorized_client',
      400,
      `Application with identifier '${clientId}' was not found in the directory '${tenantName}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
    ),
  noServicePrincipal: (clientId: string, tenantId: string) =>
    error(
      7000229,
      'unauthorized_client',
      401,
      `The client application ${clientId} is missing service principal in the tenant ${tenantId}. See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119`,
    ),
  appDisabled: ({ clientId, displayName }: App) =>
    error(7000112, 'unauthorized_client', 400, `Application '${clientId}'(${displayName}) is disabled.`),
  wrongSecret: (clientId: string) =>
    error(
      7000215,
      'invalid_client',
      401,
      `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`,
    ),
  secretExpired: (clientId: string) =>
    error(
      7000222,
      'invalid_client',
      401,
      `The provided client secret keys for app '${clientId}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.`,
    ),
  noCredential: () =>
    error(
      7000218,
      'invalid_client',
      401,
      "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
  keyNotFound: (clientId: string, thumbprint: string) =>
    error(
      700027,
      'invalid_client',
      401,
      `The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: '${thumbprint}', Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '${clientId}'. Review the documentation at https://docs.microsoft.com/en-us/graph/deployments to determine the corresponding service endpoint and https://docs.microsoft.com/en-us/graph/api/application-get?view=graph-rest-1.0&tabs=http to build a query request URL, such as 'https://graph.microsoft.com/beta/applications/${clientId}'].`,
    ),
  keyUnusable: (reason: string, thumbprint: string, start: string, end: string) =>
    error(
      700027,
      'invalid_client',
      401,
      `Client assertion contains an invalid signature. [Reason - ${reason}, Thumbprint of key used by client: '${thumbprint}', Found key 'Start=${start}, End=${end}']`,
    ),
  assertionTime: (now: string, from: string, until: string) =>
    error(
      700024,
      'invalid_client',
      401,
      `Client assertion is not within its valid time range. Current time: ${now}, assertion valid from ${from}, expiry time of assertion ${until}. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .`,
    ),
  assertionMalformed: (what: string) =>
    error(50027, 'invalid_request', 400, `JWT token is invalid or malformed. ${what}`),
  assertionAudience: (audience: string) =>
    error(
      700023,
      'invalid_client',
      401,
      `Client assertion audience claim does not match Realm issuer. The assertion was made for '${audience}'. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .`,
    ),
  assertionSubject: () =>
    error(
      700021,
      'invalid_client',
      401,
      'Client assertion application identifier does not match client_id parameter. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .',
    ),
  noFederation: (part: 'issuer' | 'audience' | 'subject', value: string) =>
    error(
      { issuer: 700211, audience: 700212, subject: 700213 }[part],
      'invalid_client',
      401,
      `No matching federated identity record found for presented assertion ${part} '${value}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation`,
    ),
  resourceNotFound: (resource: string, tenantName: string) =>
    error(
      500011,
      'invalid_resource',
      400,
      `The resource principal named ${resource} was not found in the tenant named ${tenantName}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.`,
    ),
  badScope: (scope: string) =>
    error(
      70011,
      'invalid_scope',
      400,
      `The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope ${scope} is not valid.`,
    ),
  conditionalAccess: () =>
    error(
      53003,
      'invalid_grant',
      400,
      'Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.',
    ),
  grantType: (grant: string) =>
    error(70003, 'unsupported_grant_type', 400, `The app requested an unsupported grant type '${grant}'.`),
};

/** The refusal as the token endpoint writes it, counted by its number. */
export function answerEntraError(
  cloud: Cloud,
  refused: EntraError,
  correlationId = randomUUID() as string,
): HttpAnswer {
  countBy(cloud.counters.tokenErrors, String(refused.code));
  const traceId = randomUUID();
  const timestamp = `${new Date(cloud.now()).toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return {
    status: refused.status,
    body: {
      error: refused.error,
      error_description: `AADSTS${refused.code}: ${refused.message} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
      error_codes: [refused.code],
      timestamp,
      trace_id: traceId,
      correlation_id: correlationId,
      error_uri: `${cloud.authorityUrl}/error?code=${refused.code}`,
    },
  };
}
