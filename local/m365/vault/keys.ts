import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Cloud } from '../cloud.ts';
import type { HttpAnswer } from '../http-server.ts';
import type { CertificateVersion } from '../world.ts';
import { signDigest } from './sign-digest.ts';
import { disabled, keyOutOfTime, notFound, vaultError } from './vault-error.ts';
import { attributes, findCertificate, pickVersion, validity } from './vault-objects.ts';

/** `GET keys/{name}[/{version}]`: the public key behind a certificate, as a JWK. */
export function getKey(cloud: Cloud, name: string, version: string): HttpAnswer {
  const found = findKey(cloud, name, version);
  if (!found) return notFound('Key', version ? `${name}/${version}` : name);
  if (!found.enabled) return disabled('key', 'get');
  const { kty, n, e } = new X509Certificate(found.pem).publicKey.export({ format: 'jwk' });
  const key = { kid: `${cloud.vaultUrl}/keys/${name}/${found.version}`, kty, key_ops: ['sign', 'verify'], n, e };
  return { status: 200, body: { key, attributes: attributes({ ...found, ...validity(found) }), managed: true } };
}

/**
 * `POST keys/{name}/{version}/sign` with `{alg: PS256 | RS256, value: base64url SHA-256 digest}`; exportable or not, the key can sign.
 * A disabled key, and one outside its nbf and exp, is refused with 403.
 */
export function signWithKey(cloud: Cloud, name: string, version: string, body: string): HttpAnswer {
  const found = findKey(cloud, name, version);
  if (!found) return notFound('Key', version ? `${name}/${version}` : name);
  if (!found.enabled) return disabled('key', 'sign');
  const { notBefore, expiresAt } = validity(found);
  if (expiresAt.getTime() <= cloud.now()) return keyOutOfTime('sign', 'an expired');
  if (notBefore.getTime() > cloud.now()) return keyOutOfTime('sign', 'a not yet valid');
  const { alg, value } = readRequest(body);
  const digest = Buffer.from(value, 'base64url');
  if (alg !== 'PS256' && alg !== 'RS256') {
    return vaultError(
      400,
      'BadParameter',
      `Key and signing algorithm are incompatible. Key type is 'RSA', algorithm '${alg}'.`,
    );
  }
  if (digest.length !== 32) {
    return vaultError(
      400,
      'BadParameter',
      `Invalid length of 'value': ${digest.length} bytes. Only 32 bytes are allowed for '${alg}'.`,
    );
  }
  const signature = signDigest(alg, digest, createPrivateKey(found.key));
  const kid = `${cloud.vaultUrl}/keys/${name}/${found.version}`;
  return { status: 200, body: { kid, value: signature.toString('base64url') } };
}

function findKey(cloud: Cloud, name: string, version: string): CertificateVersion | undefined {
  const certificate = findCertificate(cloud, name);
  return certificate && pickVersion(certificate.versions, version);
}

function readRequest(body: string): { alg: string; value: string } {
  try {
    const given = JSON.parse(body) as { alg?: unknown; value?: unknown };
    return { alg: String(given.alg), value: String(given.value) };
  } catch {
    return { alg: '', value: '' };
  }
}
