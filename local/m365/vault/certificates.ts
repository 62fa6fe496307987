import { X509Certificate } from 'node:crypto';
import type { Cloud } from '../cloud.ts';
import type { HttpAnswer, HttpCall } from '../http-server.ts';
import type { CertificateVersion, VaultCertificate } from '../world.ts';
import { thumbprint } from '../x509/make-certificate.ts';
import { page } from './page.ts';
import { notFound } from './vault-error.ts';
import { attributes, findCertificate, pickVersion, validity } from './vault-objects.ts';

/** `GET certificates/{name}[/{version}]`: public part, ids of key and secret, attributes and policy. */
export function getCertificate(cloud: Cloud, name: string, version: string): HttpAnswer {
  const certificate = findCertificate(cloud, name);
  const found = certificate && pickVersion(certificate.versions, version);
  if (!certificate || !found) return notFound('Certificate', version ? `${name}/${version}` : name);
  return { status: 200, body: certificateBundle(cloud, name, certificate, found) };
}

/** A version as it is read whole. A disabled one can be read, too: only its key and its secret cannot. */
export function certificateBundle(
  cloud: Cloud,
  name: string,
  certificate: VaultCertificate,
  version: CertificateVersion,
): Record<string, unknown> {
  return {
    ...describe(cloud, name, version),
    kid: `${cloud.vaultUrl}/keys/${name}/${version.version}`,
    sid: `${cloud.vaultUrl}/secrets/${name}/${version.version}`,
    cer: new X509Certificate(version.pem).raw.toString('base64'),
    contentType: certificate.contentType,
    policy: policy(cloud, name, certificate, version),
  };
}

/** `GET certificates/{name}/policy`. */
export function getPolicy(cloud: Cloud, name: string): HttpAnswer {
  const certificate = findCertificate(cloud, name);
  const newest = certificate?.versions.at(-1);
  return certificate && newest
    ? { status: 200, body: policy(cloud, name, certificate, newest) }
    : notFound('Certificate', name);
}

/** `GET certificates/{name}/versions`, a page at a time. */
export function listCertificateVersions(cloud: Cloud, name: string, call: HttpCall): HttpAnswer {
  const versions = findCertificate(cloud, name)?.versions ?? [];
  return page(
    cloud,
    call,
    versions.map(version => describe(cloud, name, version)),
  );
}

function describe(cloud: Cloud, name: string, version: CertificateVersion): Record<string, unknown> {
  const der = new X509Certificate(version.pem).raw;
  return {
    id: `${cloud.vaultUrl}/certificates/${name}/${version.version}`,
    x5t: Buffer.from(thumbprint(der, 'sha1'), 'hex').toString('base64url'),
    subject: '',
    attributes: attributes({ ...version, ...validity(version) }),
    ...(version.tags ? { tags: version.tags } : {}),
  };
}

function policy(
  cloud: Cloud,
  name: string,
  certificate: VaultCertificate,
  version: CertificateVersion,
): Record<string, unknown> {
  if (certificate.policy) return { id: `${cloud.vaultUrl}/certificates/${name}/policy`, ...certificate.policy };
  const x509 = new X509Certificate(version.pem);
  return {
    id: `${cloud.vaultUrl}/certificates/${name}/policy`,
    key_props: {
      exportable: certificate.exportable,
      kty: 'RSA',
      key_size: x509.publicKey.asymmetricKeyDetails?.modulusLength,
      reuse_key: false,
    },
    secret_props: { contentType: certificate.contentType },
    x509_props: { subject: x509.subject.replaceAll('\n', ', '), validity_months: 12 },
    issuer: { name: 'Self' },
    attributes: { enabled: true },
  };
}
