import assert from 'node:assert/strict';
import { createHash, createPrivateKey, verify, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { CryptographyClient, KeyClient } from '@azure/keyvault-keys';
import { SecretClient } from '@azure/keyvault-secrets';
import type { JwtAlgorithm } from '../../local/m365/jwt.ts';
import { rotateCertificate } from '../../local/m365/rotate-certificate.ts';
import type { M365 } from '../../local/m365/start-m365.ts';
import { signDigest } from '../../local/m365/vault/sign-digest.ts';
import { makeCertificate } from '../../local/m365/x509/make-certificate.ts';
import { fetchIdentityToken, fetchToken, startForTest } from './harness.ts';

const RESOURCE = 'https://vault.azure.net';
const options = { disableChallengeResourceVerification: true, retryOptions: { maxRetries: 0 } };

/** Signs in as the system-assigned identity. */
const credentialOf = (m365: M365) => ({
  getToken: async () => ({
    token: await fetchIdentityToken(m365, RESOURCE),
    expiresOnTimestamp: Date.now() + 3_600_000,
  }),
});
const urlOf = (m365: M365): string => m365.settings['KEY_VAULT_URL'] ?? '';
const secretsOf = (m365: M365) => new SecretClient(urlOf(m365), credentialOf(m365), options);
const isError = (statusCode: number, code: string, text: RegExp) => (error: unknown) => {
  const { message, ...rest } = error as { statusCode: number; code: string; message: string };
  assert.deepEqual([rest.statusCode, rest.code], [statusCode, code]);
  assert.match(message, text);
  return true;
};

test('SecretClient reads a certificate as PKCS#12 with an empty password', async t => {
  const m365 = await startForTest(t);
  const secret = await secretsOf(m365).getSecret('exosend-smtp');
  assert.equal(secret.properties.contentType, 'application/x-pkcs12');
  assert.equal(secret.properties.managed, true);
  assert.match(secret.properties.certificateKeyId ?? '', /\/keys\/exosend-smtp\/[0-9a-f]{32}$/);
  createSecureContext({ pfx: Buffer.from(secret.value ?? '', 'base64'), passphrase: '' });
});

test('SecretClient reads a certificate as PEM: PKCS#8 key, then the certificate', async t => {
  const m365 = await startForTest(t);
  const { value = '', properties } = await secretsOf(m365).getSecret('exosend-smtp-pem');
  assert.equal(properties.contentType, 'application/x-pem-file');
  assert.match(value, /^-----BEGIN PRIVATE KEY-----/);
  const certificate = new X509Certificate(value.slice(value.indexOf('-----BEGIN CERTIFICATE')));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(value)));
  assert.equal(properties.expiresOn?.getTime(), Date.parse(certificate.validTo));
});

test('the secret of a certificate that is not exportable has no private key', async t => {
  const m365 = await startForTest(t);
  const { value = '' } = await secretsOf(m365).getSecret('exosend-smtp-vault');
  const pfx = Buffer.from(value, 'base64').toString('latin1');
  assert.ok(!pfx.includes(Buffer.from('2a864886f70d010c0a0102', 'hex').toString('latin1')), 'no shrouded key bag');
  const certificate = m365.world.vault.certificates['exosend-smtp-vault'];
  if (certificate) certificate.contentType = 'application/x-pem-file';
  const pem = await secretsOf(m365).getSecret('exosend-smtp-vault');
  assert.match(pem.value ?? '', /^-----BEGIN CERTIFICATE-----/);
});

test('a rotated certificate gives the newest version, and the older one by its id', async t => {
  const m365 = await startForTest(t);
  const client = secretsOf(m365);
  const before = await client.getSecret('exosend-smtp');
  const added = await rotateCertificate(m365.world, 'exosend-smtp', { bits: 2048 });
  const after = await client.getSecret('exosend-smtp');
  assert.equal(after.properties.version, added.version);
  const older = await client.getSecret('exosend-smtp', { version: before.properties.version ?? '' });
  assert.equal(older.value, before.value);
  assert.equal(after.properties.previousVersion, before.properties.version);
});

test('versions come in pages', async t => {
  const m365 = await startForTest(t);
  const client = secretsOf(m365);
  for (let index = 0; index < 30; index++) await client.setSecret('many', `value ${index}`);
  const versions: string[] = [];
  for await (const { version } of client.listPropertiesOfSecretVersions('many')) versions.push(version ?? '');
  assert.equal(new Set(versions).size, 30);
  assert.equal(m365.counters.vaultOperations['secrets/list'], 2, '25 to a page');
  assert.equal((await client.getSecret('many')).value, 'value 29');
});

test('a disabled version is refused, an expired one is not', async t => {
  const m365 = await startForTest(t);
  const client = secretsOf(m365);
  await client.setSecret('old', 'x', { expiresOn: new Date(0) });
  assert.equal((await client.getSecret('old')).value, 'x');
  await client.setSecret('off', 'x', { enabled: false });
  await assert.rejects(client.getSecret('off'), isError(403, 'Forbidden', /not allowed on a disabled secret/));
});

test('what is not there is a 404 in the words of the service', async t => {
  const m365 = await startForTest(t);
  const client = secretsOf(m365);
  await assert.rejects(
    client.getSecret('nothing'),
    isError(404, 'SecretNotFound', /\(name\/id\) nothing was not found/),
  );
  const keys = new KeyClient(urlOf(m365), credentialOf(m365), options);
  await assert.rejects(keys.getKey('nothing'), isError(404, 'KeyNotFound', /^A key with/));
});

for (const algorithm of ['PS256', 'RS256'] as const) {
  test(`CryptographyClient signs with a key that never leaves the vault (${algorithm})`, async t => {
    const m365 = await startForTest(t);
    const key = await new KeyClient(urlOf(m365), credentialOf(m365), options).getKey('exosend-smtp-vault');
    const client = new CryptographyClient(key, credentialOf(m365), options);
    const data = Buffer.from('to be signed');
    const { result } = await client.sign(algorithm, createHash('sha256').update(data).digest());
    const { pem } = m365.state.certificates['exosend-smtp-vault'];
    assert.ok(isSignature(algorithm, data, pem, result));
    assert.equal(m365.counters.vaultOperations['keys/sign'], 1);
  });
}

test('digests are signed right for odd sizes of key too', async () => {
  const { key, pem } = await makeCertificate({ bits: 2080 });
  for (const algorithm of ['PS256', 'RS256'] as const) {
    const data = Buffer.from('x');
    const digest = createHash('sha256').update(data).digest();
    assert.ok(isSignature(algorithm, data, pem, signDigest(algorithm, digest, createPrivateKey(key))));
  }
});

function isSignature(algorithm: JwtAlgorithm, data: Buffer, pem: string, signature: Uint8Array): boolean {
  const key = new X509Certificate(pem).publicKey;
  return verify('sha256', data, { key, padding: algorithm === 'PS256' ? 6 : 1, saltLength: 32 }, signature);
}

test('an expired or disabled key does not sign', async t => {
  const m365 = await startForTest(t);
  const version = m365.world.vault.certificates['exosend-smtp-vault']?.versions[0];
  assert.ok(version);
  const url = `${urlOf(m365)}/keys/exosend-smtp-vault/${version.version}/sign?api-version=7.5`;
  const authorization = `Bearer ${await fetchIdentityToken(m365, RESOURCE)}`;
  const sign = async () => {
    const body = JSON.stringify({ alg: 'PS256', value: Buffer.alloc(32).toString('base64url') });
    const response = await fetch(url, { method: 'POST', headers: { authorization }, body });
    const answer = (await response.json()) as { error?: { message: string } };
    return `${response.status} ${answer.error?.message}`;
  };
  // Asked by hand: the SDK reads the key's dates first and does not even try.
  assert.match(await sign(), /^200 /);
  version.expiresAt = new Date(Date.now() - 1000);
  assert.equal(await sign(), '403 Operation sign is not allowed on an expired key.');
  version.enabled = false;
  assert.equal(await sign(), '403 Operation sign is not allowed on a disabled key.');
});

test('an identity without the role gets the 403 of Azure RBAC', async t => {
  const m365 = await startForTest(t);
  const [identity] = m365.world.identities;
  if (identity) identity.vaultOperations = ['keys/sign'];
  await assert.rejects(
    secretsOf(m365).getSecret('exosend-smtp'),
    isError(403, 'Forbidden', /Caller is not authorized[\s\S]*getSecret\/action/),
  );
});

test('a token for another audience, an expired one and none at all meet the challenge', async t => {
  const m365 = await startForTest(t);
  const get = async (authorization?: string) => {
    const url = `${urlOf(m365)}/secrets/exosend-smtp?api-version=7.5`;
    const response = await fetch(url, authorization ? { headers: { authorization } } : {});
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    assert.deepEqual([response.status, error.code], [401, 'Unauthorized']);
    return { message: error.message, challenge: response.headers.get('www-authenticate') };
  };
  const { message, challenge } = await get();
  assert.match(message, /^AKV10000/);
  const authority = `${m365.settings['AZURE_AUTHORITY_HOST']}/${m365.world.tenantId}`;
  assert.equal(challenge, `Bearer authorization="${authority}", resource="https://vault.azure.net"`);
  assert.match((await get(`Bearer ${await fetchToken(m365)}`)).message, /^AKV10022: Invalid audience/);
  const token = await fetchIdentityToken(m365, RESOURCE);
  m365.expireTokens();
  assert.match((await get(`Bearer ${token}`)).message, /TokenExpired/);
});

test('certificates show their public part and policy', async t => {
  const m365 = await startForTest(t);
  const headers = { authorization: `Bearer ${await fetchIdentityToken(m365, RESOURCE)}` };
  const get = async (path: string) => {
    const response = await fetch(`${urlOf(m365)}/${path}?api-version=7.5`, { headers });
    return (await response.json()) as Record<string, unknown>;
  };
  const certificate = await get('certificates/exosend-smtp-vault');
  const { pem } = m365.state.certificates['exosend-smtp-vault'];
  assert.equal(certificate['cer'], new X509Certificate(pem).raw.toString('base64'));
  const policy = certificate['policy'] as { key_props: Record<string, unknown> };
  assert.deepEqual(policy.key_props, { exportable: false, kty: 'RSA', key_size: 3072, reuse_key: false });
  const versions = (await get('certificates/exosend-smtp-vault/versions')) as { value?: unknown[] };
  assert.equal(versions.value?.length, 1);
});

test('vault faults: status with Retry-After, drop, delay', async t => {
  const m365 = await startForTest(t);
  const client = secretsOf(m365);
  m365.faults.set({
    at: 'vault',
    action: 'http',
    status: 429,
    body: { error: { code: 'Throttled', message: 'slow down' } },
    match: { path: '/secrets/exosend-smtp' },
  });
  await assert.rejects(client.getSecret('exosend-smtp'), isError(429, 'Throttled', /slow down/));
  m365.faults.set({ at: 'vault', action: 'drop' });
  await assert.rejects(client.getSecret('exosend-smtp'));
  m365.faults.set({ at: 'vault', action: 'delay', ms: 50, times: 1 });
  const start = performance.now();
  await client.getSecret('exosend-smtp');
  assert.ok(performance.now() - start >= 49);
});
