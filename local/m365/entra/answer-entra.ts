import type { Cloud } from '../cloud.ts';
import type { HttpAnswer, HttpCall } from '../http-server.ts';
import { answerEntraError, entraErrors } from './entra-error.ts';
import { answerToken, isTenant } from './token-endpoint.ts';

/** Entra's token service: discovery document, signing keys and the v2 token endpoint. Every answer carries the cloud's Date. */
export function answerEntra(cloud: Cloud, call: HttpCall): HttpAnswer {
  const answer = route(cloud, call);
  return { ...answer, headers: { Date: new Date(cloud.now()).toUTCString(), ...answer.headers } };
}

function route(cloud: Cloud, call: HttpCall): HttpAnswer {
  const [, tenant = '', ...rest] = call.url.pathname.split('/');
  const what = `${call.method} ${rest.join('/')}`;
  if (what === 'POST oauth2/v2.0/token') return answerToken(cloud, tenant, call);
  if (what === 'GET v2.0/.well-known/openid-configuration') {
    return isTenant(cloud, tenant)
      ? { status: 200, body: discovery(cloud) }
      : answerEntraError(cloud, entraErrors.tenantNotFound(tenant));
  }
  if (what === 'GET discovery/v2.0/keys') return { status: 200, body: { keys: [signingJwk(cloud)] } };
  return { status: 404, body: 'Not found' };
}

function discovery({ authorityUrl, world }: Cloud): Record<string, unknown> {
  const base = `${authorityUrl}/${world.tenantId}`;
  return {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: `${base}/v2.0`,
    request_uri_parameter_supported: false,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
    end_session_endpoint: `${base}/oauth2/v2.0/logout`,
    tenant_region_scope: 'EU',
    cloud_instance_name: new URL(authorityUrl).host,
  };
}

function signingJwk({ signingKey }: Cloud): Record<string, unknown> {
  return {
    ...signingKey.publicKey.export({ format: 'jwk' }),
    use: 'sig',
    alg: 'RS256',
    kid: signingKey.kid,
    x5t: signingKey.kid,
  };
}
