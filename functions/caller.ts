import { createHash } from 'node:crypto';
import type { Caller } from '../shared/domain/accept-input.ts';
import { accepted, type Outcome, problem, refused } from '../shared/domain/problem.ts';

/** How callers prove themselves. Read when the functions are registered, since the auth level of a route is fixed then. */
export type CallerAuth = 'key' | 'entra';

export function callerAuthOf(env: Readonly<Record<string, string | undefined>>): CallerAuth {
  return env['MAIL_CALLER_AUTH']?.trim().toLowerCase() === 'entra' ? 'entra' : 'key';
}

/**
 * Who calls. In mode `key` the host has checked the function key; its hash names the caller. In mode `entra` the
 * principal of App Service authentication does, and only while the platform says that it is on: otherwise anybody
 * could write the header.
 */
export function identifyCaller(
  auth: CallerAuth,
  url: string,
  headers: Headers,
  env: Readonly<Record<string, string | undefined>>,
): Outcome<Caller> {
  if (auth === 'key') return keyCaller(url, headers);
  if (env['WEBSITE_AUTH_ENABLED']?.toLowerCase() !== 'true') {
    return refused(
      problem('settings_invalid', 'MAIL_CALLER_AUTH is entra, but App Service authentication is not on.', {
        retryAfterSeconds: 60,
      }),
    );
  }
  const principal = principalOf(headers.get('x-ms-client-principal'));
  if (!principal)
    return refused(problem('unauthenticated', 'A token from Entra ID is needed: Authorization: Bearer ….'));
  if (!principal.roles.includes('Mail.Send') && !principal.roles.includes('Mail.Operate')) {
    return refused(problem('caller_not_allowed', 'The calling app has neither the role Mail.Send nor Mail.Operate.'));
  }
  return accepted({ id: `app:${principal.id}`, isOperator: principal.roles.includes('Mail.Operate') });
}

function keyCaller(url: string, headers: Headers): Outcome<Caller> {
  if (new URL(url).searchParams.has('code')) {
    return refused(problem('key_in_url', 'A key in the URL ends up in logs. Send it as the header x-functions-key.'));
  }
  const key = headers.get('x-functions-key');
  const id = key === null ? 'anonymous' : `key:${createHash('sha256').update(key).digest('hex').slice(0, 32)}`;
  return accepted({ id, isOperator: true });
}

function principalOf(header: string | null): { readonly id: string; readonly roles: readonly string[] } | undefined {
  if (header === null) return undefined;
  try {
    const value = JSON.parse(Buffer.from(header, 'base64').toString('utf8')) as {
      claims?: { typ?: unknown; val?: unknown }[];
      role_typ?: unknown;
    };
    const claims = Array.isArray(value.claims) ? value.claims : [];
    const read = (...types: string[]) =>
      claims.filter(claim => types.includes(String(claim.typ))).map(claim => String(claim.val));
    const id = read('appid', 'azp', 'http://schemas.microsoft.com/identity/claims/objectidentifier', 'oid')[0];
    const roles = read(
      'roles',
      'http://schemas.microsoft.com/ws/2008/06/identity/claims/role',
      String(value.role_typ ?? ''),
    );
    return id === undefined ? undefined : { id, roles };
  } catch {
    return undefined;
  }
}
