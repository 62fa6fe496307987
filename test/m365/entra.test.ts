import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, type JsonWebKey, randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { ConfidentialClientApplication, type NodeAuthOptions } from '@azure/msal-node';
import { newApp } from '../../local/m365/default-world.ts';
import { type Claims, type JwtAlgorithm, parseJwt, signJwt, verifyJwt } from '../../local/m365/jwt.ts';
import type { M365 } from '../../local/m365/start-m365.ts';
import { type MadeCertificate, makeCertificate } from '../../local/m365/x509/make-certificate.ts';
import { fetchIdentityToken, fetchToken, postToken, startForTest } from './harness.ts';

const SCOPE = 'https://outlook.office365.com/.default';
const app = (m365: M365) => m365.world.apps[0] ?? newApp('', '');

/** Asks for a token with the real client library. */
async function acquire(m365: M365, credential: Partial<NodeAuthOptions>, scope = SCOPE, tenant = m365.world.tenantId) {
  const authority = `${m365.settings['AZURE_AUTHORITY_HOST']}/${tenant}`;
  const knownAuthorities = [new URL(authority).host];
  const client = new ConfidentialClientApplication({
    auth: { clientId: m365.world.clientId, authority, knownAuthorities, ...credential },
  });
  return client.acquireTokenByClientCredential({ scopes: [scope] });
}

const byCertificate = (made: MadeCertificate): Partial<NodeAuthOptions> => ({
  clientCertificate: { thumbprintSha256: made.thumbprintSha256, privateKey: made.key, x5c: made.pem },
});
const bySecret = (value: string): Partial<NodeAuthOptions> => ({ clientSecret: value });
const refusal = (code: number, error?: string) => (thrown: Error & { errorCode?: string }) =>
  thrown.message.includes(`AADSTS${code}:`) && (error === undefined || thrown.errorCode === error);

async function claimsBy(t: TestContext, credential: (m365: M365) => Promise<Partial<NodeAuthOptions>>) {
  const m365 = await startForTest(t);
  const result = await acquire(m365, await credential(m365));
  return { m365, claims: parseJwt(result?.accessToken ?? '')?.claims ?? {} };
}

test('MSAL gets a token with a certificate', async t => {
  const { m365, claims } = await claimsBy(t, async ({ state }) => byCertificate(state.certificates['exosend-smtp']));
  assert.equal(claims['aud'], 'https://outlook.office365.com');
  assert.equal(claims['appid'], m365.world.clientId);
  assert.equal(claims['oid'], app(m365).objectId);
  assert.equal(claims['tid'], m365.world.tenantId);
  assert.equal(claims['roles'], undefined, 'App RBAC: no claim');
  assert.equal(Number(claims['exp']) - Number(claims['iat']), 3599);
  assert.equal(m365.counters.assertions, 1);
});

test('MSAL gets a token with a client secret', async t => {
  const { m365, claims } = await claimsBy(t, async ({ world }) => bySecret(world.apps[0]?.secrets[0]?.value ?? ''));
  assert.equal(claims['appid'], m365.world.clientId);
});

test('MSAL gets a token with the assertion of a managed identity', async t => {
  const { m365, claims } = await claimsBy(t, async m365 => {
    const clientId = m365.settings['AZURE_CLIENT_ID'];
    return { clientAssertion: await fetchIdentityToken(m365, 'api://AzureADTokenExchange', clientId) };
  });
  assert.equal(claims['appid'], m365.world.clientId, 'the app speaks, not the identity');
  assert.equal(m365.counters.federatedAssertions, 1);
});

test('granted application permissions become roles', async t => {
  const m365 = await startForTest(t);
  app(m365).roles = ['SMTP.SendAsApp'];
  const result = await acquire(m365, byCertificate(m365.state.certificates['exosend-smtp']));
  assert.deepEqual(parseJwt(result?.accessToken ?? '')?.claims['roles'], ['SMTP.SendAsApp']);
});

test('an identity without federated credential is refused', async t => {
  const m365 = await startForTest(t);
  const clientAssertion = await fetchIdentityToken(m365, 'api://AzureADTokenExchange');
  await assert.rejects(acquire(m365, { clientAssertion }), refusal(700213, 'invalid_client'));
});

test('a federated assertion that another key signed is refused', async t => {
  const m365 = await startForTest(t);
  const genuine = await fetchIdentityToken(m365, 'api://AzureADTokenExchange', m365.settings['AZURE_CLIENT_ID']);
  const { key } = m365.state.certificates['exosend-smtp'];
  const clientAssertion = signJwt({ alg: 'RS256' }, parseJwt(genuine)?.claims ?? {}, createPrivateKey(key));
  await assert.rejects(acquire(m365, { clientAssertion }), /Signature verification failed/);
});

test('a certificate that is not registered is refused with 700027', async t => {
  const m365 = await startForTest(t);
  const stranger = await makeCertificate({ bits: 2048 });
  await assert.rejects(acquire(m365, byCertificate(stranger)), error => {
    assert.match(String(error), /key was not found/);
    return refusal(700027, 'invalid_client')(error as Error);
  });
});

test('an expired certificate is refused with 700027', async t => {
  const m365 = await startForTest(t);
  const expired = await makeCertificate({ bits: 2048, notAfter: new Date(Date.now() - 1000) });
  app(m365).certificates.push(expired.pem);
  await assert.rejects(acquire(m365, byCertificate(expired)), /AADSTS700027.*The key used is expired/s);
});

test('a signature by another key is refused with 700027', async t => {
  const m365 = await startForTest(t);
  const { 'exosend-smtp': one, 'exosend-smtp-pem': other } = m365.state.certificates;
  await assert.rejects(acquire(m365, byCertificate({ ...one, key: other.key })), /AADSTS700027.*signature value/s);
});

test('a clock that is off is refused with 700024', async t => {
  const m365 = await startForTest(t);
  m365.world.clockOffsetMs = 20 * 60_000;
  const attempt = acquire(m365, byCertificate(m365.state.certificates['exosend-smtp']));
  await assert.rejects(attempt, refusal(700024, 'invalid_client'));
});

const secretOf = (m365: M365): Partial<NodeAuthOptions> => bySecret(app(m365).secrets[0]?.value ?? '');
const refusals: [string, number, string, (m365: M365) => Promise<unknown>][] = [
  ['a wrong secret', 7000215, 'invalid_client', m365 => acquire(m365, bySecret('wrong'))],
  [
    'an expired secret',
    7000222,
    'invalid_client',
    m365 => {
      app(m365).secrets = [{ value: 'old', expiresAt: new Date(Date.now() - 1) }];
      return acquire(m365, secretOf(m365));
    },
  ],
  [
    'an unknown app',
    700016,
    'unauthorized_client',
    m365 => acquire(m365, { ...secretOf(m365), clientId: '00000000-0000-0000-0000-00000000abcd' }),
  ],
  [
    'a missing service principal',
    7000229,
    'unauthorized_client',
    m365 => {
      app(m365).hasServicePrincipal = false;
      return acquire(m365, secretOf(m365));
    },
  ],
  [
    'a disabled app',
    7000112,
    'unauthorized_client',
    m365 => {
      app(m365).enabled = false;
      return acquire(m365, secretOf(m365));
    },
  ],
  [
    'Conditional Access',
    53003,
    'invalid_grant',
    m365 => {
      app(m365).blockedByConditionalAccess = true;
      return acquire(m365, secretOf(m365));
    },
  ],
  [
    'an unknown resource',
    500011,
    'invalid_resource',
    m365 => acquire(m365, secretOf(m365), 'https://nowhere.example/.default'),
  ],
  [
    'a scope without /.default',
    70011,
    'invalid_scope',
    m365 => acquire(m365, secretOf(m365), 'https://outlook.office365.com/SMTP.Send'),
  ],
];
for (const [name, code, error, attempt] of refusals) {
  test(`${name} is refused with ${code}`, async t => {
    const m365 = await startForTest(t);
    await assert.rejects(attempt(m365), refusal(code, error));
    assert.deepEqual(m365.counters.tokenErrors, { [code]: 1 });
  });
}

test('an unknown tenant is refused with 90002, in the shape of Entra', async t => {
  const m365 = await startForTest(t);
  const settings = { ...m365.settings, MAIL_TENANT_ID: '00000000-0000-0000-0000-000000000009' };
  const { status, body } = await postToken(settings, { client_id: m365.world.clientId, scope: SCOPE });
  assert.equal(status, 400);
  assert.equal(body['error'], 'invalid_request');
  assert.deepEqual(body['error_codes'], [90002]);
  assert.match(
    String(body['error_description']),
    /^AADSTS90002: Tenant .* Trace ID: [\w-]{36} Correlation ID: [\w-]{36} Timestamp: \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/,
  );
  for (const field of ['timestamp', 'trace_id', 'correlation_id', 'error_uri']) assert.ok(body[field], field);
});

test('a throttled token endpoint says when to come back', async t => {
  const m365 = await startForTest(t);
  m365.faults.set({
    at: 'token',
    action: 'http',
    status: 429,
    body: { error: 'temporarily_unavailable' },
    retryAfter: 7,
    times: 1,
  });
  const form = { client_id: m365.world.clientId, client_secret: app(m365).secrets[0]?.value ?? '', scope: SCOPE };
  const throttled = await postToken(m365.settings, form);
  assert.equal(throttled.status, 429);
  assert.equal(throttled.headers.get('retry-after'), '7');
  assert.equal((await postToken(m365.settings, form)).status, 200, 'times: 1');
});

/** Sends a hand-made assertion, to see what the library would never send. */
async function assertWith(m365: M365, change: { alg?: JwtAlgorithm; header?: Claims; claims?: Claims }) {
  const made = m365.state.certificates['exosend-smtp'];
  const now = Math.floor(Date.now() / 1000);
  const clientId = m365.world.clientId;
  const header = {
    alg: change.alg ?? ('PS256' as const),
    typ: 'JWT',
    'x5t#S256': Buffer.from(made.thumbprintSha256, 'hex').toString('base64url'),
    ...change.header,
  };
  const aud = `${m365.settings['AZURE_AUTHORITY_HOST']}/${m365.world.tenantId}/oauth2/v2.0/token`;
  const claims = { aud, iss: clientId, sub: clientId, jti: randomUUID(), nbf: now, exp: now + 600, ...change.claims };
  const { status, body } = await postToken(m365.settings, {
    client_id: clientId,
    scope: SCOPE,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: signJwt(header, claims, createPrivateKey(made.key)),
  });
  return status === 200 ? 200 : (body['error_codes'] as number[])[0];
}

test('assertions are held to every rule', async t => {
  const m365 = await startForTest(t);
  const now = Math.floor(Date.now() / 1000);
  const sha1 = Buffer.from(m365.state.certificates['exosend-smtp'].thumbprintSha1, 'hex').toString('base64url');
  assert.equal(await assertWith(m365, {}), 200);
  assert.equal(await assertWith(m365, { alg: 'RS256' }), 200);
  assert.equal(await assertWith(m365, { header: { 'x5t#S256': undefined, x5t: sha1 } }), 200);
  assert.equal(await assertWith(m365, { header: { 'x5t#S256': undefined } }), 50027);
  assert.equal(await assertWith(m365, { claims: { aud: 'https://elsewhere.example' } }), 700023);
  assert.equal(await assertWith(m365, { claims: { sub: 'someone-else' } }), 700021);
  assert.equal(await assertWith(m365, { claims: { exp: now - 301 } }), 700024);
  assert.equal(await assertWith(m365, { claims: { exp: now - 200 } }), 200, 'five minutes of skew');
  assert.equal(await assertWith(m365, { claims: { nbf: now + 310 } }), 700024);
});

test('a jti used twice is counted, not refused', async t => {
  const m365 = await startForTest(t);
  assert.equal(await assertWith(m365, { claims: { jti: 'same' } }), 200);
  assert.equal(await assertWith(m365, { claims: { jti: 'same' } }), 200);
  assert.equal(m365.counters.repeatedJti, 1);
});

test('the token endpoint and the discovery document can be dropped, spoilt or late', async t => {
  const m365 = await startForTest(t);
  const attempt = () => acquire(m365, secretOf(m365));
  m365.faults.set({ at: 'token', action: 'drop', times: 1 });
  await assert.rejects(attempt());
  m365.faults.set({ at: 'discovery', action: 'http', status: 503, body: 'Service Unavailable', times: 1 });
  await assert.rejects(attempt());
  m365.faults.set({ at: 'token', action: 'stall', ms: 20, times: 1 });
  assert.ok((await attempt())?.accessToken);
});

test('tokens can be checked against the published keys', async t => {
  const m365 = await startForTest(t);
  const base = `${m365.settings['AZURE_AUTHORITY_HOST']}/${m365.world.tenantDomain}`;
  const get = async (url: string) => (await (await fetch(url)).json()) as Record<string, unknown>;
  const discovery = await get(`${base}/v2.0/.well-known/openid-configuration`);
  const { keys } = (await get(String(discovery['jwks_uri']))) as unknown as { keys: (JsonWebKey & { kid: string })[] };
  const jwt = parseJwt(await fetchToken(m365));
  assert.ok(jwt && keys[0]);
  assert.equal(jwt.header['kid'], keys[0].kid);
  assert.ok(verifyJwt(jwt, 'RS256', createPublicKey({ key: keys[0], format: 'jwk' })));
});
