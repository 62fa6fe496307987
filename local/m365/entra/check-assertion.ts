import { X509Certificate } from 'node:crypto';
import type { Cloud } from '../cloud.ts';
import { knownCertificates } from '../graph/key-store.ts';
import { type Claims, type JwtAlgorithm, type ParsedJwt, parseJwt, verifyJwt } from '../jwt.ts';
import type { App } from '../world.ts';
import { thumbprint } from '../x509/make-certificate.ts';
import { type EntraError, entraErrors } from './entra-error.ts';

const SKEW_SECONDS = 300;
const seenIds = new WeakMap<Cloud, Set<string>>();

/**
 * Judges a client assertion made with a certificate, as Entra does: known key, signature, validity of the certificate, audience, subject, time.
 * Returns the refusal, or undefined when it stands. A jti used twice is counted, not refused.
 * Source: learn.microsoft.com/entra/identity-platform/certificate-credentials.
 */
export function checkCertificateAssertion(cloud: Cloud, app: App, assertion: string): EntraError | undefined {
  const jwt = parseJwt(assertion);
  if (!jwt) return entraErrors.assertionMalformed('The token is not a compact JWT.');
  const { alg } = jwt.header;
  if (alg !== 'PS256' && alg !== 'RS256') return entraErrors.assertionMalformed(`Algorithm '${String(alg)}'.`);
  return checkKey(cloud, app, jwt, alg) ?? checkClaims(cloud, app, jwt.claims);
}

function checkKey(cloud: Cloud, app: App, jwt: ParsedJwt, alg: JwtAlgorithm): EntraError | undefined {
  const sha256 = jwt.header['x5t#S256'];
  const [hash, given] = sha256 === undefined ? (['sha1', jwt.header['x5t']] as const) : (['sha256', sha256] as const);
  if (typeof given !== 'string') {
    return entraErrors.assertionMalformed('No certificate thumbprint specified in token header.');
  }
  const wanted = Buffer.from(given, 'base64url').toString('hex').toUpperCase();
  const registered = knownCertificates(cloud, app).map(pem => new X509Certificate(pem));
  const certificate = registered.find(one => thumbprint(one.raw, hash) === wanted);
  if (!certificate) return entraErrors.keyNotFound(app.clientId, wanted);
  const [start, end] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  const unusable = (reason: string): EntraError =>
    entraErrors.keyUnusable(reason, wanted, shortTime(start), shortTime(end));
  if (!verifyJwt(jwt, alg, certificate.publicKey)) {
    return unusable('The provided signature value did not match the expected signature value.');
  }
  if (end <= cloud.now()) return unusable('The key used is expired.');
  return start > cloud.now() ? unusable('The key used is not yet valid.') : undefined;
}

function checkClaims(cloud: Cloud, app: App, claims: Claims): EntraError | undefined {
  const { iss, sub, aud, jti } = claims;
  if (iss !== app.clientId || sub !== app.clientId) return entraErrors.assertionSubject();
  if (typeof aud !== 'string' || !acceptedAudiences(cloud).includes(aud)) {
    return entraErrors.assertionAudience(String(aud));
  }
  const late = checkTime(cloud, claims);
  if (late) return late;
  const seen = seenIds.get(cloud) ?? new Set<string>();
  seenIds.set(cloud, seen);
  if (seen.has(String(jti))) cloud.counters.repeatedJti++;
  if (seen.size > 10_000) seen.clear();
  seen.add(String(jti));
  return undefined;
}

/** nbf and exp with five minutes of skew; AADSTS700024 otherwise. */
export function checkTime(cloud: Cloud, claims: Claims): EntraError | undefined {
  const now = cloud.now() / 1000;
  const [from, until] = [Number(claims['nbf'] ?? claims['iat'] ?? 0), Number(claims['exp'])];
  if (from <= now + SKEW_SECONDS && until > now - SKEW_SECONDS) return undefined;
  const iso = (seconds: number): string =>
    Number.isFinite(seconds) ? new Date(seconds * 1000).toISOString() : '(none)';
  return entraErrors.assertionTime(iso(now), iso(from), iso(until));
}

function acceptedAudiences({ authorityUrl, world }: Cloud): string[] {
  return [world.tenantId, world.tenantDomain].flatMap(tenant => [
    `${authorityUrl}/${tenant}/oauth2/v2.0/token`,
    `${authorityUrl}/${tenant}/v2.0`,
    `${authorityUrl}/${tenant}/`,
  ]);
}

/** MM/DD/YYYY hh:mm:ss, as the error text shows a key's validity. */
function shortTime(ms: number): string {
  const iso = new Date(ms).toISOString();
  return `${iso.slice(5, 7)}/${iso.slice(8, 10)}/${iso.slice(0, 4)} ${iso.slice(11, 19)}`;
}
