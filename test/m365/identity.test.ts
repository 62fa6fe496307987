import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManagedIdentityCredential } from '@azure/identity';
import { parseJwt } from '../../local/m365/jwt.ts';
import type { M365 } from '../../local/m365/start-m365.ts';
import { startForTest } from './harness.ts';

async function ask(m365: M365, query: Record<string, string>, header = m365.settings['IDENTITY_HEADER'] ?? '') {
  const url = `${m365.settings['IDENTITY_ENDPOINT']}?${new URLSearchParams({ 'api-version': '2019-08-01', ...query })}`;
  const response = await fetch(url, { headers: { 'X-IDENTITY-HEADER': header } });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('@azure/identity gets a token of the system-assigned and of the user-assigned identity', async t => {
  const m365 = await startForTest(t);
  const before = { ...process.env };
  t.after(() => {
    process.env = before;
  });
  for (const name of ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER']) process.env[name] = m365.settings[name];
  for (const identity of m365.world.identities) {
    const credential =
      identity.kind === 'systemAssigned'
        ? new ManagedIdentityCredential()
        : new ManagedIdentityCredential({ clientId: identity.clientId });
    const { token } = await credential.getToken('https://vault.azure.net/.default');
    const claims = parseJwt(token)?.claims ?? {};
    assert.equal(claims['aud'], 'https://vault.azure.net');
    assert.equal(claims['oid'], identity.principalId);
    assert.equal(claims['appid'], identity.clientId);
  }
});

test('the answer has the fields of App Service', async t => {
  const m365 = await startForTest(t);
  const { body } = await ask(m365, { resource: 'https://vault.azure.net' });
  assert.deepEqual(Object.keys(body), ['access_token', 'expires_on', 'resource', 'token_type', 'client_id']);
  assert.match(String(body['expires_on']), /^\d{10}$/);
});

test('a wrong header, a missing resource and an unknown identity are refused', async t => {
  const m365 = await startForTest(t);
  const resource = 'https://vault.azure.net';
  assert.equal((await ask(m365, { resource }, 'wrong')).status, 401);
  assert.equal((await ask(m365, {})).status, 400);
  const unknown = await ask(m365, { resource, client_id: '00000000-0000-0000-0000-000000000001' });
  assert.equal(unknown.status, 400);
  assert.equal(unknown.body['statusCode'], 400);
  assert.match(String(unknown.body['message']), /^No User Assigned or Delegated Managed Identity found/);
  m365.world.identities = m365.world.identities.filter(one => one.kind !== 'systemAssigned');
  assert.equal((await ask(m365, { resource })).status, 400, 'no system-assigned identity');
});

test('the federated assertion names the identity as subject', async t => {
  const m365 = await startForTest(t);
  const [, user] = m365.world.identities;
  const { body } = await ask(m365, { resource: 'api://AzureADTokenExchange', client_id: user?.clientId ?? '' });
  const claims = parseJwt(String(body['access_token']))?.claims ?? {};
  assert.equal(claims['iss'], `${m365.settings['AZURE_AUTHORITY_HOST']}/${m365.world.tenantId}/v2.0`);
  assert.equal(claims['sub'], user?.principalId);
  assert.equal(claims['aud'], 'api://AzureADTokenExchange');
});
