import { X509Certificate } from 'node:crypto';
import type { Cloud } from '../cloud.ts';
import type { CertificateVersion, SecretVersion, VaultCertificate } from '../world.ts';
import { certificateSecret } from './certificate-secret.ts';

/** A secret as read: one of its own, or the one behind a certificate. */
export interface FoundSecret extends SecretVersion {
  /** Name of the certificate it belongs to. */
  certificate?: string;
  /** Version before this one, of a certificate. */
  previousVersion?: string;
}

/** All versions of a secret, oldest first; undefined when the vault has none of that name. */
export function secretVersions({ world }: Cloud, name: string): FoundSecret[] | undefined {
  const own = byName(world.vault.secrets, name);
  if (own && own.length > 0) return own;
  const certificate = byName(world.vault.certificates, name);
  return certificate?.versions.map((version, index) => ({
    ...validity(version),
    version: version.version,
    enabled: version.enabled,
    createdAt: version.createdAt,
    contentType: certificate.contentType,
    certificate: name,
    ...previousOf(certificate.versions[index - 1]),
    get value() {
      return certificateSecret(certificate, version);
    },
  }));
}

const previousOf = (version: CertificateVersion | undefined): { previousVersion?: string } =>
  version ? { previousVersion: version.version } : {};

/** A certificate by name; names are case-insensitive, as in the service. */
export const findCertificate = ({ world }: Cloud, name: string): VaultCertificate | undefined =>
  byName(world.vault.certificates, name);

/** The version asked for, or the newest when `version` is empty. */
export function pickVersion<T extends { version: string }>(versions: T[], version: string): T | undefined {
  return version ? versions.find(one => one.version === version) : versions.at(-1);
}

/** nbf and exp of a certificate version: the attributes, or else the certificate's own. */
export function validity(version: CertificateVersion): { notBefore: Date; expiresAt: Date } {
  const certificate = new X509Certificate(version.pem);
  return {
    notBefore: version.notBefore ?? new Date(certificate.validFrom),
    expiresAt: version.expiresAt ?? new Date(certificate.validTo),
  };
}

/** `attributes` as every vault object has them; times in whole seconds since 1970. */
export function attributes(version: {
  enabled: boolean;
  createdAt: Date;
  notBefore?: Date;
  expiresAt?: Date;
}): Record<string, unknown> {
  const seconds = (time: Date): number => Math.floor(time.getTime() / 1000);
  return {
    enabled: version.enabled,
    ...(version.notBefore ? { nbf: seconds(version.notBefore) } : {}),
    ...(version.expiresAt ? { exp: seconds(version.expiresAt) } : {}),
    created: seconds(version.createdAt),
    updated: seconds(version.createdAt),
    recoveryLevel: 'Recoverable+Purgeable',
    recoverableDays: 90,
  };
}

function byName<T>(group: Record<string, T>, name: string): T | undefined {
  const found = Object.keys(group).find(key => key.toLowerCase() === name.toLowerCase());
  return found === undefined ? undefined : group[found];
}
