import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { issueCertificate, toPem } from '../../local/m365/x509/issue-certificate.ts';
import { makeCertificate, pkcs8Pem } from '../../local/m365/x509/make-certificate.ts';
import { type PfxEncryption, writePfx } from '../../local/m365/x509/pkcs12.ts';
import { readCertificate } from '../../shared/adapters/key-vault/read-certificate.ts';
import type { VaultSecret } from '../../shared/domain/credential-ports.ts';
import { diagnose } from '../../shared/domain/diagnosis/diagnose.ts';
import { ServiceFailure } from '../../shared/domain/failure.ts';

const PFX = 'application/x-pkcs12';
const PEM = 'application/x-pem-file';
const made = await makeCertificate({ bits: 2048 });
const VALID = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 86_400_000) };

function read(value: string, contentType = PFX, rest: Partial<VaultSecret> = {}) {
  return readCertificate('exosend-smtp', { value, contentType, version: 'v1', ...rest });
}

/** Fails with this code, as the catalogue sees it, and the log's text holds nothing of the value. */
async function fails(value: string, contentType: string, code: string) {
  await assert.rejects(read(value, contentType), error => {
    assert.ok(error instanceof ServiceFailure);
    assert.equal(error.facts.stage, 'vault');
    assert.equal(diagnose(error.facts).entry.code, code);
    if (value.length > 20) assert.ok(!error.message.includes(value.slice(0, 20)));
    return true;
  });
}

/** Leaf, intermediate and root, DER, with the leaf's key. */
function chain() {
  const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
  const [root, middle, leaf] = [pair(), pair(), pair()];
  const issuerRoot = { commonName: 'root', ...root };
  const issuerMiddle = { commonName: 'middle', ...middle };
  return {
    key: leaf.privateKey,
    leaf: issueCertificate({ commonName: 'exosend', publicKey: leaf.publicKey, issuer: issuerMiddle, ...VALID }),
    middle: issueCertificate({
      commonName: 'middle',
      publicKey: middle.publicKey,
      issuer: issuerRoot,
      isCa: true,
      ...VALID,
    }),
    root: issueCertificate({ commonName: 'root', publicKey: root.publicKey, issuer: issuerRoot, isCa: true, ...VALID }),
  };
}

for (const encryption of ['tripleDesSha1', 'aes256Sha256'] as const satisfies readonly PfxEncryption[]) {
  test(`PKCS#12 with an empty password is read: ${encryption}`, async () => {
    const der = new X509Certificate(made.pem).raw;
    const pkcs8 = createPrivateKey(made.key).export({ type: 'pkcs8', format: 'der' });
    const certificate = await read(writePfx([der], pkcs8, encryption).toString('base64'));
    assert.equal(certificate.thumbprintSha256, made.thumbprintSha256);
    assert.ok(certificate.key && certificate.leaf.checkPrivateKey(certificate.key));
  });
}

const OPENSSL: readonly (readonly [string, readonly string[]])[] = [
  ['RC2-40 and 3DES', ['-legacy', '-certpbe', 'PBE-SHA1-RC2-40', '-keypbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']],
  ['3DES', ['-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']],
  ['AES-256 PBES2', ['-certpbe', 'AES-256-CBC', '-keypbe', 'AES-256-CBC', '-macalg', 'sha256']],
  ['AES-128 PBES2, SHA-512', ['-certpbe', 'AES-128-CBC', '-keypbe', 'AES-128-CBC', '-macalg', 'sha512']],
  ['a key and certificates in the clear', ['-certpbe', 'NONE', '-keypbe', 'NONE']],
];

for (const [name, options] of OPENSSL) {
  test(`PKCS#12 as openssl writes it is read: ${name}`, async context => {
    const folder = mkdtempSync(join(tmpdir(), 'exosend-pfx-'));
    context.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'in.pem'), made.key + made.pem);
    const files = ['-in', join(folder, 'in.pem'), '-out', join(folder, 'out.pfx')];
    try {
      execFileSync('openssl', ['pkcs12', '-export', '-passout', 'pass:', ...files, ...options], { stdio: 'pipe' });
    } catch (error) {
      context.skip(`openssl cannot: ${String(error).slice(0, 200)}`);
      return;
    }
    const certificate = await read(readFileSync(join(folder, 'out.pfx')).toString('base64'));
    assert.equal(certificate.thumbprintSha256, made.thumbprintSha256);
    assert.ok(certificate.key);
  });
}

test('the chain comes leaf first, whatever the order in the vault', async () => {
  const { key, leaf, middle, root } = chain();
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const wanted = [leaf, middle, root].map(der => new X509Certificate(der).toString()).join('');
  for (const order of [
    [leaf, middle, root],
    [root, middle, leaf],
    [middle, leaf, root],
  ]) {
    assert.equal((await read(writePfx(order, pkcs8).toString('base64'))).chainPem, wanted);
    const text = order.map(der => toPem(der, 'CERTIFICATE')).join('');
    assert.equal((await read(text + pkcs8Pem(key), PEM)).chainPem, wanted);
    assert.equal((await read(text, PEM)).chainPem, wanted, 'also without the key');
  }
});

const pkcs1 = createPrivateKey(made.key).export({ type: 'pkcs1', format: 'pem' }).toString();
const FORMS: readonly (readonly [string, string])[] = [
  ['PKCS#8 key, then the certificate', made.key + made.pem],
  ['CRLF', (made.key + made.pem).replaceAll('\n', '\r\n')],
  ['PKCS#1 key', pkcs1 + made.pem],
  ['the key after the certificate', made.pem + made.key],
  ['text around the blocks', `Bag Attributes\n  friendlyName: x-y\n${made.pem}\nKey Attributes: <none>\n${pkcs1}\n`],
];
for (const [name, value] of FORMS) {
  test(`PEM is read: ${name}`, async () => {
    for (const type of [PEM, '']) {
      const certificate = await read(value, type);
      assert.equal(certificate.thumbprintSha256, made.thumbprintSha256);
      assert.ok(certificate.key);
    }
  });
}

test('a certificate whose key stays in the vault has none', async () => {
  const der = new X509Certificate(made.pem).raw;
  assert.equal((await read(made.pem, PEM)).key, undefined);
  const certificate = await read(writePfx([der], undefined).toString('base64'), PFX, { keyId: 'https://v/keys/k/1' });
  assert.equal(certificate.key, undefined);
  assert.equal(certificate.keyId, 'https://v/keys/k/1');
});

test('validity is the certificate’s, narrowed by the vault’s attributes', async () => {
  const plain = await read(made.pem, PEM);
  assert.equal(plain.notAfterMs, Date.parse(plain.leaf.validTo));
  const narrowed = await read(made.pem, PEM, { notBeforeMs: plain.notBeforeMs + 1000, expiresAtMs: 5000 });
  assert.deepEqual([narrowed.notBeforeMs, narrowed.notAfterMs], [plain.notBeforeMs + 1000, 5000]);
  assert.equal((await read(made.pem, PEM, { expiresAtMs: 9e15 })).notAfterMs, plain.notAfterMs);
});

test('what is not a certificate is called unreadable', async () => {
  const stranger = await makeCertificate({ bits: 2048 });
  const pfx = Buffer.from(made.pfxBase64, 'base64');
  for (const [value, type] of [
    ['', PFX],
    ['', PEM],
    ['not a certificate at all, by any means', PFX],
    ['@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/x)', ''],
    [pfx.subarray(0, pfx.length / 2).toString('base64'), PFX],
    [made.key, PEM],
    [made.pem.replace(/[A-Z]/g, 'x'), PEM],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', PEM],
    [stranger.key + made.pem, PEM],
  ] as const) {
    await fails(value, type, 'vault_content_unreadable');
  }
});

test('PKCS#12 under a password is called unreadable', async context => {
  const folder = mkdtempSync(join(tmpdir(), 'exosend-pfx-'));
  context.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'in.pem'), made.key + made.pem);
  const files = ['-in', join(folder, 'in.pem'), '-out', join(folder, 'out.pfx')];
  try {
    execFileSync('openssl', ['pkcs12', '-export', '-passout', 'pass:secret', ...files], { stdio: 'pipe' });
  } catch {
    context.skip('no openssl');
    return;
  }
  await fails(readFileSync(join(folder, 'out.pfx')).toString('base64'), PFX, 'vault_content_unreadable');
});

test('an elliptic-curve key and a short RSA key are called unsuitable, in both forms', async () => {
  const pairs = [
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('rsa', { modulusLength: 1024 }),
  ];
  for (const { publicKey, privateKey } of pairs) {
    const issuer = { commonName: 'exosend', publicKey: createPublicKey(privateKey), privateKey };
    const der = issueCertificate({ commonName: 'exosend', publicKey, issuer, ...VALID });
    await fails(pkcs8Pem(privateKey) + toPem(der, 'CERTIFICATE'), PEM, 'vault_key_unsuitable');
    await fails(toPem(der, 'CERTIFICATE'), PEM, 'vault_key_unsuitable');
    const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
    for (const encryption of ['tripleDesSha1', 'aes256Sha256'] as const) {
      await fails(writePfx([der], pkcs8, encryption).toString('base64'), PFX, 'vault_key_unsuitable');
    }
  }
});
