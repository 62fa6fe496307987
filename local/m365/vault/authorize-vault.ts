import { verifyAccessToken } from '../access-token.ts';
import type { Cloud } from '../cloud.ts';
import type { HttpAnswer, HttpCall } from '../http-server.ts';
import type { Claims } from '../jwt.ts';
import { vaultError } from './vault-error.ts';

const AUDIENCE = 'https://vault.azure.net';

/** Data actions of Azure RBAC by our short names, as the 403 names them. */
const ACTIONS: Record<string, string> = {
  'secrets/get': 'Microsoft.KeyVault/vaults/secrets/getSecret/action',
  'secrets/list': 'Microsoft.KeyVault/vaults/secrets/readMetadata/action',
  'secrets/set': 'Microsoft.KeyVault/vaults/secrets/setSecret/action',
  'certificates/get': 'Microsoft.KeyVault/vaults/certificates/read',
  'certificates/list': 'Microsoft.KeyVault/vaults/certificates/read',
  'certificates/create': 'Microsoft.KeyVault/vaults/certificates/create/action',
  'certificates/update': 'Microsoft.KeyVault/vaults/certificates/update/action',
  'keys/get': 'Microsoft.KeyVault/vaults/keys/read',
  'keys/list': 'Microsoft.KeyVault/vaults/keys/read',
  'keys/sign': 'Microsoft.KeyVault/vaults/keys/sign/action',
};

/**
 * Judges the bearer token of a vault call: undefined when the caller may do `operation`, else the 401 challenge or the 403.
 * A caller that is an identity with `vaultOperations` may do only those; any other signed-in principal of the tenant may do all.
 * Source: learn.microsoft.com/azure/key-vault/general/authentication and rest-error-codes.
 */
export function authorizeVault(cloud: Cloud, call: HttpCall, operation: string): HttpAnswer | undefined {
  const bearer = /^Bearer (\S+)$/i.exec(call.headers.authorization ?? '')?.[1];
  if (!bearer) return challenge(cloud, 'AKV10000: Request is missing a Bearer or PoP token.');
  const verdict = verifyAccessToken(cloud, bearer, [AUDIENCE]);
  if (!verdict.ok) return challenge(cloud, refusalText(verdict.reason, verdict.claims));
  const { claims } = verdict;
  const identity = cloud.world.identities.find(one => one.principalId === claims['oid']);
  if (identity?.vaultOperations && !identity.vaultOperations.includes(operation)) {
    return forbidden(cloud, claims, ACTIONS[operation] ?? operation);
  }
  return undefined;
}

function challenge(cloud: Cloud, message: string): HttpAnswer {
  const authority = `${cloud.authorityUrl}/${cloud.world.tenantId}`;
  return {
    ...vaultError(401, 'Unauthorized', message),
    headers: { 'WWW-Authenticate': `Bearer authorization="${authority}", resource="${AUDIENCE}"` },
  };
}

function refusalText(reason: string, claims: Claims): string {
  switch (reason) {
    case 'audience':
      return `AKV10022: Invalid audience. Expected ${AUDIENCE}, found: ${String(claims['aud'])}.`;
    case 'tenant':
      return `AKV10032: Invalid issuer. Found ${String(claims['iss'])}.`;
    case 'signature':
      return 'AKV10046: Unable to resolve the key used for signature validation.';
    case 'expired':
    case 'notYetValid':
      return "[TokenExpired] Error validating token: 'S2S12005'.";
    default:
      return 'AKV10001: The token is malformed.';
  }
}

function forbidden(cloud: Cloud, claims: Claims, action: string): HttpAnswer {
  const { name } = cloud.world.vault;
  const caller = `appid=${String(claims['appid'])};oid=${String(claims['oid'])};iss=${String(claims['iss'])}`;
  const resource = `/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/${name}/providers/microsoft.keyvault/vaults/${name}`;
  const message = [
    'Caller is not authorized to perform action on resource.',
    'If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.',
    `Caller: ${caller}`,
    `Action: '${action}'`,
    `Resource: '${resource}'`,
    'Assignment: (not found)',
    'DenyAssignmentId: null',
    'DecisionReason: null ',
    `Vault: ${name};location=westeurope`,
    '',
  ].join('\r\n');
  return vaultError(403, 'Forbidden', message, 'ForbiddenByRbac');
}
