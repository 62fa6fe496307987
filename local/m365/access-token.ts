import { randomBytes } from 'node:crypto';
import type { Cloud } from './cloud.ts';
import { type Claims, parseJwt, signJwt, verifyJwt } from './jwt.ts';

export interface TokenRequest {
  audience: string;
  /** Client id and object id of the caller. */
  clientId: string;
  objectId: string;
  lifetimeSeconds: number;
  roles?: string[];
  /** Version 2 tokens name the v2.0 issuer; everything Exchange and Key Vault get is version 1. */
  version?: '1.0' | '2.0';
  /** Default: the object id. */
  subject?: string;
}

/** An app-only access token as Entra issues it: RS256, `roles` left out when none is granted. `expiresAtSeconds` is its exp. */
export function issueAccessToken(cloud: Cloud, request: TokenRequest): { token: string; expiresAtSeconds: number } {
  const { tenantId } = cloud.world;
  const version = request.version ?? '1.0';
  const issuedAt = Math.floor(cloud.now() / 1000);
  const expiresAtSeconds = issuedAt + request.lifetimeSeconds;
  const claims: Claims = {
    aud: request.audience,
    iss: version === '1.0' ? `https://sts.windows.net/${tenantId}/` : `${cloud.authorityUrl}/${tenantId}/v2.0`,
    iat: issuedAt,
    nbf: issuedAt,
    exp: expiresAtSeconds,
    aio: `${cloud.tokenGeneration}.${randomBytes(12).toString('base64url')}`,
    ...(version === '1.0' ? { appid: request.clientId, appidacr: '2' } : { azp: request.clientId, azpacr: '2' }),
    idtyp: 'app',
    oid: request.objectId,
    ...(request.roles?.length ? { roles: request.roles } : {}),
    sub: request.subject ?? request.objectId,
    tid: tenantId,
    uti: randomBytes(16).toString('base64url'),
    ver: version,
  };
  const { kid, privateKey } = cloud.signingKey;
  return { token: signJwt({ typ: 'JWT', alg: 'RS256', x5t: kid, kid }, claims, privateKey), expiresAtSeconds };
}

type TokenVerdict =
  | { ok: true; claims: Claims }
  | {
      ok: false;
      reason: 'malformed' | 'signature' | 'audience' | 'expired' | 'notYetValid' | 'tenant';
      claims: Claims;
    };

/** Judges a bearer token as a resource does. Five minutes of skew for nbf, none for exp. */
export function verifyAccessToken(cloud: Cloud, token: string, audiences: string[]): TokenVerdict {
  const jwt = parseJwt(token);
  if (!jwt) return { ok: false, reason: 'malformed', claims: {} };
  const { claims } = jwt;
  const refuse = (reason: Exclude<TokenVerdict, { ok: true }>['reason']): TokenVerdict => ({
    ok: false,
    reason,
    claims,
  });
  if (jwt.header['alg'] !== 'RS256' || !verifyJwt(jwt, 'RS256', cloud.signingKey.publicKey)) return refuse('signature');
  if (!audiences.includes(String(claims['aud']).replace(/\/$/, ''))) return refuse('audience');
  if (claims['tid'] !== cloud.world.tenantId) return refuse('tenant');
  const now = cloud.now() / 1000;
  const generation = Number(String(claims['aio']).split('.')[0]);
  if (Number(claims['exp']) <= now || generation < cloud.tokenGeneration) return refuse('expired');
  if (Number(claims['nbf']) > now + 300) return refuse('notYetValid');
  return { ok: true, claims };
}
