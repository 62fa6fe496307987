import { randomBytes } from 'node:crypto';
import type { Cloud } from '../cloud.ts';
import { certificateVersion } from '../default-world.ts';
import type { HttpAnswer } from '../http-server.ts';
import type { VaultCertificate } from '../world.ts';
import { makeCertificate } from '../x509/make-certificate.ts';
import { certificateBundle } from './certificates.ts';
import { notFound, vaultError } from './vault-error.ts';
import { findCertificate } from './vault-objects.ts';

interface Policy {
  key_props?: { exportable?: boolean; kty?: string; key_size?: number; reuse_key?: boolean };
  secret_props?: { contentType?: string };
  x509_props?: { subject?: string; validity_months?: number };
  issuer?: { name?: string };
}

/** A self-signed certificate begins ten minutes before it is made. */
const BACKDATED_MS = 10 * 60_000;

/**
 * `POST certificates/{name}/create` with `{policy, tags?}`: 202 and an operation to follow under `pending`; the version
 * appears when its key is made. Only self-signed RSA.
 * Source: learn.microsoft.com/rest/api/keyvault/certificates/create-certificate.
 */
export function createCertificate(cloud: Cloud, name: string, body: string): HttpAnswer {
  const given = parse(body) as { policy?: Policy; tags?: Record<string, string> } | undefined;
  const policy = given?.policy;
  if (!/^[0-9a-zA-Z-]{1,127}$/.test(name)) return bad('The request URI contains an invalid name.');
  if (!policy) return bad('Property policy is required.');
  const wrong = faultOf(policy);
  if (wrong) return bad(wrong);
  const certificate = findCertificate(cloud, name) ?? addCertificate(cloud, name);
  if (certificate.pending?.status === 'inProgress') {
    return vaultError(409, 'Conflict', `A pending operation for the certificate ${name} is already in progress.`);
  }
  const pending: NonNullable<VaultCertificate['pending']> = {
    requestId: randomBytes(16).toString('hex'),
    status: 'inProgress',
  };
  certificate.pending = pending;
  void makeVersion(cloud, certificate, policy, given.tags).then(() => {
    pending.status = 'completed';
  });
  return { status: 202, body: operation(cloud, name, certificate) };
}

/** `GET certificates/{name}/pending`: the latest creation, also when it is over. */
export function getPending(cloud: Cloud, name: string): HttpAnswer {
  const certificate = findCertificate(cloud, name);
  return certificate?.pending
    ? { status: 200, body: operation(cloud, name, certificate) }
    : vaultError(404, 'PendingCertificateNotFound', `Pending certificate not found: ${name}.`);
}

/** `PATCH certificates/{name}/{version}` with `{attributes: {enabled}, tags}`: tags replace all there were. */
export function updateCertificate(cloud: Cloud, name: string, version: string, body: string): HttpAnswer {
  const certificate = findCertificate(cloud, name);
  const found = certificate?.versions.find(one => one.version === version);
  if (!certificate || !found) return notFound('Certificate', `${name}/${version}`);
  const given = parse(body) as { attributes?: { enabled?: unknown }; tags?: Record<string, string> } | undefined;
  if (!given) return bad('The request body is not valid JSON.');
  const { attributes: { enabled } = {}, tags } = given;
  if (tags && Object.keys(tags).length > 15) return bad('The number of tags exceeds 15.');
  if (tags && Object.values(tags).some(value => typeof value !== 'string' || value.length > 256)) {
    return bad('A tag value is not a string of at most 256 characters.');
  }
  if (typeof enabled === 'boolean') found.enabled = enabled;
  if (tags) found.tags = { ...tags };
  return { status: 200, body: certificateBundle(cloud, name, certificate, found) };
}

function faultOf({ key_props: key = {}, secret_props: secret, x509_props: x509, issuer }: Policy): string | undefined {
  if (issuer?.name !== 'Self') return `Unsupported issuer: ${issuer?.name ?? 'none'}.`;
  if (key.kty !== 'RSA' || ![2048, 3072, 4096].includes(key.key_size ?? 2048)) return 'Unsupported key type or size.';
  if (!/^CN=.+/.test(x509?.subject ?? '')) return 'The subject name is not a valid X500 name.';
  const months = x509?.validity_months ?? 12;
  if (!Number.isInteger(months) || months < 1 || months > 1200) return 'validity_months is out of range.';
  return ['application/x-pkcs12', 'application/x-pem-file'].includes(secret?.contentType ?? '')
    ? undefined
    : 'Unsupported content type of the secret.';
}

function addCertificate({ world }: Cloud, name: string): VaultCertificate {
  const certificate: VaultCertificate = { contentType: 'application/x-pkcs12', exportable: true, versions: [] };
  world.vault.certificates[name] = certificate;
  return certificate;
}

async function makeVersion(
  cloud: Cloud,
  certificate: VaultCertificate,
  policy: Policy,
  tags: Record<string, string> | undefined,
): Promise<void> {
  const notAfter = new Date(cloud.now());
  notAfter.setUTCMonth(notAfter.getUTCMonth() + (policy.x509_props?.validity_months ?? 12));
  const newest = certificate.versions.at(-1);
  const made = await makeCertificate({
    commonName: /CN=([^,]+)/.exec(policy.x509_props?.subject ?? '')?.[1] ?? 'exosend',
    bits: policy.key_props?.key_size ?? 2048,
    notBefore: new Date(cloud.now() - BACKDATED_MS),
    notAfter,
    ...(policy.key_props?.reuse_key && newest ? { key: newest.key } : {}),
  });
  certificate.policy = policy as Record<string, unknown>;
  certificate.exportable = policy.key_props?.exportable ?? true;
  certificate.contentType = policy.secret_props?.contentType as VaultCertificate['contentType'];
  const version = certificateVersion(made);
  certificate.versions.push({ ...version, createdAt: new Date(cloud.now()), ...(tags ? { tags } : {}) });
}

function operation({ vaultUrl }: Cloud, name: string, { pending }: VaultCertificate): Record<string, unknown> {
  const isOver = pending?.status === 'completed';
  return {
    id: `${vaultUrl}/certificates/${name}/pending`,
    issuer: { name: 'Self' },
    cancellation_requested: false,
    status: pending?.status,
    ...(isOver ? { target: `${vaultUrl}/certificates/${name}` } : { status_details: 'Pending certificate created.' }),
    request_id: pending?.requestId,
  };
}

const bad = (message: string): HttpAnswer => vaultError(400, 'BadParameter', message);

function parse(body: string): object | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
