import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { AppCertificate, VaultSecret } from '../../domain/credential-ports.ts';
import { ServiceFailure } from '../../domain/failure.ts';

/**
 * Reads the secret behind a Key Vault certificate: PEM (`application/x-pem-file`) or PKCS#12 with an empty password
 * (`application/x-pkcs12`). Throws ServiceFailure of stage `vault` when it holds no certificate.
 */
export async function readCertificate(name: string, secret: VaultSecret): Promise<AppCertificate> {
  const isPem = secret.contentType.includes('pem') || secret.value.includes('-----BEGIN');
  let parts: { key?: KeyObject; certificates: X509Certificate[] };
  try {
    parts = isPem ? fromPem(secret.value) : await fromPkcs12(secret.value);
  } catch (error) {
    throw unreadable(name, secret, error);
  }
  const { key, certificates } = parts;
  const leaf =
    (key && certificates.find(certificate => certificate.checkPrivateKey(key))) ??
    certificates.find(certificate => !certificate.ca) ??
    certificates[0];
  if (!leaf) throw unreadable(name, secret, undefined);
  return {
    version: secret.version,
    leaf,
    chainPem: [leaf, ...certificates.filter(certificate => certificate !== leaf)]
      .map(certificate => certificate.toString())
      .join(''),
    ...(key ? { key } : {}),
    thumbprintSha256: leaf.fingerprint256.replaceAll(':', ''),
    notAfterMs: Date.parse(leaf.validTo),
    ...(secret.keyId === undefined ? {} : { keyId: secret.keyId }),
  };
}

function fromPem(text: string): { key?: KeyObject; certificates: X509Certificate[] } {
  const certificates = (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    pem => new X509Certificate(pem),
  );
  const key = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----[^-]+-----END (?:[A-Z]+ )?PRIVATE KEY-----/.exec(text);
  return key ? { key: createPrivateKey(key[0]), certificates } : { certificates };
}

/** Node reads PKCS#12 only into a TLS context and gives nothing of it back, hence node-forge. Loaded when first needed. */
async function fromPkcs12(base64: string): Promise<{ key?: KeyObject; certificates: X509Certificate[] }> {
  const { default: forge } = await import('node-forge');
  const der = forge.util.createBuffer(Buffer.from(base64, 'base64').toString('latin1'));
  const store = forge.pkcs12.pkcs12FromAsn1(forge.asn1.fromDer(der, false), false, '');
  const derOf = (asn1: import('node-forge').asn1.Asn1) => Buffer.from(forge.asn1.toDer(asn1).getBytes(), 'latin1');
  const certificates: X509Certificate[] = [];
  let key: KeyObject | undefined;
  for (const safe of store.safeContents) {
    for (const bag of safe.safeBags) {
      if (bag.type === forge.pki.oids['certBag']) {
        certificates.push(new X509Certificate(derOf(bag.cert ? forge.pki.certificateToAsn1(bag.cert) : bag.asn1)));
      } else if (bag.type === forge.pki.oids['pkcs8ShroudedKeyBag'] || bag.type === forge.pki.oids['keyBag']) {
        const info = bag.key ? forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(bag.key)) : bag.asn1;
        key = createPrivateKey({ key: derOf(info), format: 'der', type: 'pkcs8' });
      }
    }
  }
  return key ? { key, certificates } : { certificates };
}

function unreadable(name: string, secret: VaultSecret, cause: unknown): ServiceFailure {
  return new ServiceFailure(
    `Key Vault: ${name} holds no certificate that can be read (content type ${secret.contentType || 'none'})`,
    {
      stage: 'vault',
      errorCode: 'vault_content_unreadable',
      text: `the secret ${name} is not a certificate as PEM or PKCS#12`,
    },
    { cause },
  );
}
