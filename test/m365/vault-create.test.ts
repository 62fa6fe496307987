import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { M365 } from '../../local/m365/start-m365.ts';
import { fetchIdentityToken, startForTest } from './harness.ts';

const POLICY = {
  key_props: { exportable: false, kty: 'RSA', key_size: 2048, reuse_key: false },
  secret_props: { contentType: 'application/x-pem-file' },
  x509_props: { subject: 'CN=made', validity_months: 6 },
  issuer: { name: 'Self' },
};

let m365: M365;
let token: string;
let end: () => Promise<void>;
before(async () => {
  m365 = await startForTest({
    after: close => {
      end = close;
    },
  });
  token = await fetchIdentityToken(m365, 'https://vault.azure.net');
});
after(() => end());

// biome-ignore lint/suspicious/noExplicitAny: the answers are read as they come
type Body = any;
async function vault(method: string, path: string, body?: unknown, apiVersion = '7.5') {
  const response = await fetch(`${m365.settings['KEY_VAULT_URL']}/certificates/${path}?api-version=${apiVersion}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Body };
}

/** Creates a version and waits until it is there. */
async function create(name: string, extra: object = {}): Promise<Body> {
  assert.equal((await vault('POST', `${name}/create`, { policy: POLICY, ...extra })).status, 202);
  for (;;) {
    const { body } = await vault('GET', `${name}/pending`);
    if (body.status === 'completed') break;
    assert.equal(body.status, 'inProgress');
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  return (await vault('GET', name)).body;
}

test('a certificate is created by its policy, one version at a time', async () => {
  assert.equal((await vault('GET', 'made/pending')).status, 404);
  const first = vault('POST', 'made/create', { policy: POLICY });
  assert.equal((await first).body.status, 'inProgress');
  const second = await vault('POST', 'made/create', { policy: POLICY });
  assert.deepEqual([second.status, second.body.error.code], [409, 'Conflict']);
  assert.equal((await vault('GET', 'made')).status, 404, 'no version yet');
  while ((await vault('GET', 'made/pending')).body.status === 'inProgress') {
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  const { body: made } = await vault('GET', 'made');
  const x509 = new X509Certificate(Buffer.from(made.cer, 'base64'));
  assert.equal(x509.subject, 'CN=made');
  assert.equal(x509.publicKey.asymmetricKeyDetails?.modulusLength, 2048);
  assert.deepEqual(made.policy.key_props, POLICY.key_props);
  assert.equal(made.attributes.exp * 1000, Date.parse(x509.validTo));
  const months = (Date.parse(x509.validTo) - Date.now()) / (30.4 * 86_400_000);
  assert.ok(months > 5 && months < 7, `${months} months`);
});

test('tags and the switch of one version can be changed; the rest stays', async () => {
  await create('tagged', { tags: { one: '1' } });
  const newer = await create('tagged');
  const [older] = (await vault('GET', 'tagged/versions')).body.value;
  assert.deepEqual(older.tags, { one: '1' });
  const path = `tagged/${older.id.split('/').at(-1)}`;
  const changed = await vault('PATCH', path, { tags: { two: '2' } });
  assert.deepEqual(
    [changed.body.tags, changed.body.attributes.enabled],
    [{ two: '2' }, true],
    'tags are replaced whole',
  );
  await vault('PATCH', path, { attributes: { enabled: false } });
  const { value } = (await vault('GET', 'tagged/versions')).body;
  assert.deepEqual(
    value.map((one: Body) => [one.attributes.enabled, one.tags]),
    [
      [false, { two: '2' }],
      [true, undefined],
    ],
  );
  assert.equal((await vault('GET', 'tagged')).body.id, newer.id);
  assert.equal((await vault('GET', path)).status, 200, 'the certificate of a disabled version can be read');
  assert.equal((await vault('PATCH', 'tagged/none', {})).status, 404);
});

test('a policy that the vault would refuse, and an API version that there is not, are refused', async () => {
  const bad = (change: object) => vault('POST', 'bad/create', { policy: { ...POLICY, ...change } });
  for (const change of [
    { issuer: { name: 'Unknown' } },
    { key_props: { kty: 'RSA', key_size: 1024 } },
    { key_props: { kty: 'EC' } },
    { x509_props: { subject: 'made' } },
    { x509_props: { subject: 'CN=made', validity_months: 0 } },
    { secret_props: { contentType: 'text/plain' } },
  ]) {
    assert.deepEqual((await bad(change)).body.error.code, 'BadParameter', JSON.stringify(change));
  }
  assert.equal((await vault('POST', 'bad/create', {})).status, 400);
  const { status, body } = await vault('GET', 'exosend-smtp', undefined, '9.9');
  assert.deepEqual([status, body.error.code], [400, 'BadParameter']);
});

test('an identity that may only read creates and changes nothing', async () => {
  const identity = m365.world.identities.find(one => one.kind === 'systemAssigned');
  assert.ok(identity);
  identity.vaultOperations = ['certificates/get', 'secrets/get'];
  assert.equal((await vault('GET', 'exosend-smtp')).status, 200);
  const denied = await vault('POST', 'exosend-smtp/create', { policy: POLICY });
  assert.match(denied.body.error.message, /certificates\/create\/action/);
  assert.equal((await vault('PATCH', 'exosend-smtp/x', {})).status, 403);
  delete identity.vaultOperations;
});
