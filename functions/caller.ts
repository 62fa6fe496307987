import { createHash } from 'node:crypto';
import type { CallerProof } from '../shared/domain/callers.ts';
import { accepted, type Outcome, problem, refused } from '../shared/domain/problem.ts';

/** How callers prove themselves. Read when the functions are registered, since the auth level of a route is fixed then. */
export type CallerAuth = 'key' | 'entra';

type Env = Readonly<Record<string, string | undefined>>;

export function callerAuthOf(env: Env): CallerAuth {
  return env['MAIL_CALLER_AUTH']?.trim().toLowerCase() === 'entra' ? 'entra' : 'key';
}

/**
 * What the request proves of its caller. In mode `key` the host has checked the function key, and headers of App
 * Service authentication mean nothing. In mode `entra` its principal counts, and only while the platform says that it
 * is on: otherwise anybody could write the header.
 */
export function readProof(auth: CallerAuth, url: string, headers: Headers, env: Env): Outcome<CallerProof> {
  return auth === 'key' ? keyProof(url, headers) : principalProof(headers, env);
}

function keyProof(url: string, headers: Headers): Outcome<CallerProof> {
  if (new URL(url).searchParams.has('code')) {
    return refused(problem('key_in_url', 'A key in the URL ends up in logs. Send it as the header x-functions-key.'));
  }
  const key = headers.get('x-functions-key');
  if (key === null || key === '') return accepted({ kind: 'key' });
  return accepted({ kind: 'key', keySha256: createHash('sha256').update(key).digest('hex') });
}

function principalProof(headers: Headers, env: Env): Outcome<CallerProof> {
  if (env['WEBSITE_AUTH_ENABLED']?.trim().toLowerCase() !== 'true') {
    return refused(
      problem('settings_invalid', 'MAIL_CALLER_AUTH is entra, but App Service authentication is not on.', {
        retryAfterSeconds: 60,
      }),
    );
  }
  const principal = readPrincipal(headers.get('x-ms-client-principal'));
  if (!principal)
    return refused(problem('unauthenticated', 'A token from Entra ID is needed: Authorization: Bearer ….'));
  const { id, appId, isItself, roles } = principal;
  const isOperator = roles.includes('Mail.Operate');
  const hasRole = isOperator || roles.includes('Mail.Send');
  return accepted({ kind: 'app', id, isItself, hasRole, isOperator, ...(appId === undefined ? {} : { appId }) });
}

interface Principal {
  readonly id: string;
  readonly appId?: string;
  readonly isItself: boolean;
  readonly roles: readonly string[];
}

/**
 * The header X-MS-CLIENT-PRINCIPAL: base64 of JSON with the token's claims (Microsoft, "Work with user identities in
 * Azure App Service authentication"). Undefined when it is none, or of another provider than Entra ID: roles that
 * somebody else hands out mean nothing here.
 */
function readPrincipal(header: string | null): Principal | undefined {
  if (header === null) return undefined;
  try {
    const value = JSON.parse(Buffer.from(header, 'base64').toString('utf8')) as {
      auth_typ?: unknown;
      claims?: { typ?: unknown; val?: unknown }[];
      role_typ?: unknown;
    };
    if (value.auth_typ !== undefined && value.auth_typ !== 'aad') return undefined;
    const claims = Array.isArray(value.claims) ? value.claims : [];
    const read = (...types: string[]) =>
      claims.filter(claim => types.includes(String(claim.typ))).map(claim => String(claim.val));
    // v1 tokens say appid, v2 tokens azp. Two that differ prove neither.
    const appIds = new Set(read('appid', 'azp').map(text => text.toLowerCase()));
    const appId = appIds.size === 1 ? [...appIds][0] : undefined;
    // Only a token for a person has scopes; idtyp is there where the registration asks for it.
    const scopes = read('scp', 'http://schemas.microsoft.com/identity/claims/scope');
    const isItself = appId !== undefined && scopes.length === 0 && !read('idtyp').includes('user');
    const id = appId ?? read('http://schemas.microsoft.com/identity/claims/objectidentifier', 'oid')[0];
    const roles = read(
      'roles',
      'http://schemas.microsoft.com/ws/2008/06/identity/claims/role',
      String(value.role_typ ?? ''),
    );
    return id === undefined ? undefined : { id, isItself, roles, ...(appId === undefined ? {} : { appId }) };
  } catch {
    return undefined;
  }
}
