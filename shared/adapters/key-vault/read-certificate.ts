import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { AppCertificate, VaultSecret } from '../../domain/credential-ports.ts';
import { ServiceFailure } from '../../domain/failure.ts';

interface Content {
  readonly key?: KeyObject;
  readonly certificates: readonly X509Certificate[];
}

/** What PS256 (RFC 7518 3.5) and Entra ID ask for. */
const MIN_RSA_BITS = 2048;

/**
 * Reads the secret behind a Key Vault certificate: PEM (`application/x-pem-file`) or PKCS#12 with an empty password
 * (`application/x-pkcs12`).
 *
 * Throws ServiceFailure of stage `vault`: `vault_content_unreadable` when it holds no certificate, or a key that does
 * not belong to it; `vault_key_unsuitable` when the key is not RSA of at least 2048 bits.
 */
export async function readCertificate(name: string, secret: VaultSecret): Promise<AppCertificate> {
  const isPem = secret.contentType.includes('pem') || secret.value.includes('-----BEGIN');
  let content: Content;
  try {
    content = isPem ? fromPem(secret.value) : await openPkcs12(secret.value);
  } catch (error) {
    throw unreadable(name, `content type ${secret.contentType || 'none'}`, error);
  }
  const { key, certificates } = content;
  const leaf = key
    ? certificates.find(certificate => certificate.checkPrivateKey(key))
    : (certificates.find(certificate => !certificates.some(other => isIssuedBy(other, certificate))) ??
      certificates[0]);
  if (!leaf)
    throw unreadable(name, certificates.length > 0 ? 'its private key is not the certificate’s' : 'it is empty');
  assertSuitable(name, leaf);
  return {
    version: secret.version,
    leaf,
    chainPem: chainOf(leaf, certificates)
      .map(certificate => certificate.toString())
      .join(''),
    ...(key ? { key } : {}),
    thumbprintSha256: leaf.fingerprint256.replaceAll(':', ''),
    notBeforeMs: Math.max(Date.parse(leaf.validFrom), secret.notBeforeMs ?? Number.NEGATIVE_INFINITY),
    notAfterMs: Math.min(Date.parse(leaf.validTo), secret.expiresAtMs ?? Number.POSITIVE_INFINITY),
    ...(secret.keyId === undefined ? {} : { keyId: secret.keyId }),
  };
}

function fromPem(text: string): Content {
  const certificates = (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    pem => new X509Certificate(pem),
  );
  const key = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----[^-]+-----END (?:[A-Z]+ )?PRIVATE KEY-----/.exec(text);
  return key ? { key: createPrivateKey(key[0]), certificates } : { certificates };
}

/** Opening a PKCS#12 takes tens of milliseconds, and the same bytes are read again and again. */
const opened = new Map<string, Content>();
const MAX_OPENED = 16;

async function openPkcs12(base64: string): Promise<Content> {
  const digest = createHash('sha256').update(base64).digest('hex');
  const known = opened.get(digest);
  if (known) return known;
  const content = await fromPkcs12(base64);
  const [oldest] = opened.keys();
  if (opened.size >= MAX_OPENED && oldest !== undefined) opened.delete(oldest);
  opened.set(digest, content);
  return content;
}

/** Node reads PKCS#12 only into a TLS context and gives nothing of it back, hence node-forge. Loaded when first needed. */
async function fromPkcs12(base64: string): Promise<Content> {
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

/** Leaf first, then each one's issuer, as x5c wants it; what belongs to no link of the chain is left out. */
function chainOf(leaf: X509Certificate, certificates: readonly X509Certificate[]): X509Certificate[] {
  const chain = [leaf];
  for (let last: X509Certificate | undefined = leaf; last; ) {
    const issued: X509Certificate = last;
    last = certificates.find(candidate => !chain.includes(candidate) && isIssuedBy(issued, candidate));
    if (last) chain.push(last);
  }
  return chain;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate !== issuer && certificate.checkIssued(issuer);
}

function assertSuitable(name: string, { publicKey }: X509Certificate): void {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKey;
  if (type === 'rsa' && (details?.modulusLength ?? 0) >= MIN_RSA_BITS) return;
  const text = `the key of ${name} is ${type ?? 'unknown'} ${details?.modulusLength ?? details?.namedCurve ?? ''}; Entra ID needs RSA of ${MIN_RSA_BITS} bits or more`;
  throw new ServiceFailure(`Key Vault: ${text}`, { stage: 'vault', errorCode: 'vault_key_unsuitable', text });
}

function unreadable(name: string, why: string, cause?: unknown): ServiceFailure {
  return new ServiceFailure(
    `Key Vault: ${name} holds no certificate that can be used (${why})`,
    {
      stage: 'vault',
      errorCode: 'vault_content_unreadable',
      text: `the secret ${name} is not a certificate as PEM or PKCS#12: ${why}`,
    },
    { cause },
  );
}
