import { X509Certificate } from 'node:crypto';
import type { Cloud } from '../cloud.ts';
import { parseJwt, verifyJwt } from '../jwt.ts';
import type { App } from '../world.ts';
import { isValidNow, keysOf } from './key-store.ts';

const AUDIENCE = '00000002-0000-0000-c000-000000000000';
const LIFETIME_SECONDS = 600;
const SKEW_SECONDS = 300;

/**
 * Whether a proof of possession stands: signed with RS256 or PS256 by a certificate of the registration that is valid today,
 * for the audience of the directory, issued by the *application's* object id, and living ten minutes at most.
 * Source: learn.microsoft.com/graph/application-rollkey-prooftoken.
 */
export function isProof(cloud: Cloud, app: App, proof: unknown): boolean {
  const jwt = typeof proof === 'string' ? parseJwt(proof) : undefined;
  if (!jwt) return false;
  const { aud, iss, nbf, exp } = jwt.claims;
  if (aud !== AUDIENCE || iss !== app.applicationObjectId) return false;
  const [from, until] = [Number(nbf), Number(exp)];
  const now = cloud.now() / 1000;
  if (!(until - from <= LIFETIME_SECONDS && from <= now + SKEW_SECONDS && until > now)) return false;
  const { alg } = jwt.header;
  if (alg !== 'RS256' && alg !== 'PS256') return false;
  return keysOf(app).some(
    ({ pem }) => isValidNow(cloud, pem) && verifyJwt(jwt, alg, new X509Certificate(pem).publicKey),
  );
}
