import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { CertificateVersion, VaultCertificate } from '../world.ts';
import { writePfx } from '../x509/pkcs12.ts';

const rendered = new WeakMap<CertificateVersion, { from: string; value: string }>();

/**
 * Value of the secret behind a certificate: base64 PFX with an empty password, or PEM (PKCS#8 key, then the chain).
 * Without the private key when the policy says it is not exportable.
 * Source: learn.microsoft.com/azure/key-vault/certificates/about-certificates, composition of a certificate.
 */
export function certificateSecret(certificate: VaultCertificate, version: CertificateVersion): string {
  const from = `${certificate.contentType} ${certificate.exportable} ${certificate.pfxEncryption} ${version.pem}`;
  const known = rendered.get(version);
  if (known?.from === from) return known.value;
  const value =
    certificate.contentType === 'application/x-pem-file' ? pem(certificate, version) : pfx(certificate, version);
  rendered.set(version, { from, value });
  return value;
}

const pem = ({ exportable }: VaultCertificate, version: CertificateVersion): string =>
  (exportable ? version.key : '') + version.pem;

function pfx(certificate: VaultCertificate, version: CertificateVersion): string {
  const key = createPrivateKey(version.key).export({ type: 'pkcs8', format: 'der' });
  return writePfx(chainOf(version), certificate.exportable ? key : undefined, certificate.pfxEncryption).toString(
    'base64',
  );
}

/** The certificates of a version, DER, leaf first. */
export function chainOf({ pem: text }: CertificateVersion): Buffer[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map(block => new X509Certificate(block).raw);
}
