import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { makeCertificate } from '../../local/m365/x509/make-certificate.ts';
import { startForTest } from './harness.ts';

interface Bag {
  cert?: unknown;
  key?: unknown;
}
/** The part of node-forge used here as a second opinion on our PKCS#12. */
interface Forge {
  asn1: { fromDer(bytes: string): unknown };
  util: { decode64(text: string): string };
  pki: { privateKeyToPem(key: unknown): string; certificateToPem(certificate: unknown): string };
  pkcs12: {
    pkcs12FromAsn1(asn1: unknown, password: string): { safeContents: { safeBags: Bag[] }[] };
  };
}
const forge = createRequire(import.meta.url)('node-forge') as Forge;

for (const pfxEncryption of ['tripleDesSha1', 'aes256Sha256'] as const) {
  test(`another implementation opens our PKCS#12 with an empty password (${pfxEncryption})`, async () => {
    const made = await makeCertificate({ bits: 2048, pfxEncryption });
    const pfx = forge.pkcs12.pkcs12FromAsn1(forge.asn1.fromDer(forge.util.decode64(made.pfxBase64)), '');
    const bags = pfx.safeContents.flatMap(({ safeBags }) => safeBags);
    const certificate = bags.map(bag => bag.cert).find(Boolean);
    const key = bags.map(bag => bag.key).find(Boolean);
    const found = new X509Certificate(forge.pki.certificateToPem(certificate));
    assert.equal(found.fingerprint256, new X509Certificate(made.pem).fingerprint256);
    assert.ok(found.checkPrivateKey(createPrivateKey(forge.pki.privateKeyToPem(key))));
    createSecureContext({ pfx: Buffer.from(made.pfxBase64, 'base64'), passphrase: '' });
  });
}

test('a made certificate is self-signed and names its thumbprints', async () => {
  const notAfter = new Date('2051-03-04T05:06:07Z');
  const made = await makeCertificate({ commonName: 'test app', bits: 2048, notAfter });
  const certificate = new X509Certificate(made.pem);
  assert.equal(certificate.subject, 'CN=test app');
  assert.ok(certificate.verify(certificate.publicKey));
  assert.equal(made.thumbprintSha256, certificate.fingerprint256.replaceAll(':', ''));
  assert.equal(made.thumbprintSha1, certificate.fingerprint.replaceAll(':', ''));
  assert.equal(Date.parse(certificate.validTo), notAfter.getTime());
});

test('a second start finds the same authority and the same app certificates', async t => {
  const first = await startForTest(t);
  const second = await startForTest(t);
  assert.equal(first.state.caPem, second.state.caPem);
  assert.deepEqual(first.state.certificates, second.state.certificates);
  assert.notEqual(first.settings['SMTP_PORT'], second.settings['SMTP_PORT']);
});
