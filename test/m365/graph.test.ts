import assert from 'node:assert/strict';
import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { newApp } from '../../local/m365/default-world.ts';
import { type JwtAlgorithm, signJwt } from '../../local/m365/jwt.ts';
import type { M365 } from '../../local/m365/start-m365.ts';
import { type MadeCertificate, makeCertificate } from '../../local/m365/x509/make-certificate.ts';
import { fetchToken, postToken, startForTest } from './harness.ts';

const SCOPE = 'https://graph.microsoft.com/.default';

let m365: M365;
let added: MadeCertificate;
let end: () => Promise<void>;
before(async () => {
  m365 = await startForTest({
    after: close => {
      end = close;
    },
  });
  added = await makeCertificate({ bits: 2048 });
});
after(() => end());
const app = () => m365.world.apps[0] ?? newApp('', '');
const current = () => m365.state.certificates['exosend-smtp'];
beforeEach(() => {
  m365.world.graph = { canReadOwnApp: false, keyPropagationMs: 0 };
  app().roles = [];
  app().certificates = [current().pem];
});

interface ProofOptions {
  claims?: Record<string, unknown>;
  alg?: JwtAlgorithm;
  key?: string;
}

/** A proof as Microsoft describes it, with what a test wants wrong in it. */
function proofOf({ claims = {}, alg = 'RS256', key = current().key }: ProofOptions = {}): string {
  const nbf = Math.floor(Date.now() / 1000);
  const aud = '00000002-0000-0000-c000-000000000000';
  const body = { aud, iss: app().applicationObjectId, nbf, exp: nbf + 600, ...claims };
  return signJwt({ alg, typ: 'JWT' }, body, createPrivateKey(key));
}

async function graph(method: string, path: string, body?: unknown, token?: string) {
  const response = await fetch(`${m365.settings['MICROSOFT_GRAPH_URL']}/v1.0/${path}`, {
    method,
    headers: { Authorization: `Bearer ${token ?? (await fetchToken(m365, SCOPE))}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> & { error?: { code: string } };
  return { status: response.status, json, code: json.error?.code };
}

const keyCredential = () => ({
  type: 'AsymmetricX509Cert',
  usage: 'Verify',
  key: new X509Certificate(added.pem).raw.toString('base64'),
});
const add = (proof: string) =>
  graph('POST', `applications/${app().applicationObjectId}/addKey`, { keyCredential: keyCredential(), proof });

for (const alg of ['RS256', 'PS256'] as const) {
  test(`an app adds a key and removes it, with no permission at all (${alg})`, async () => {
    const answer = await add(proofOf({ alg }));
    assert.equal(answer.status, 200);
    assert.deepEqual(app().certificates, [current().pem, added.pem]);
    const removal = { keyId: answer.json['keyId'], proof: proofOf({ alg, key: added.key }) };
    const path = `applications(appId='${app().clientId}')/removeKey`;
    assert.equal((await graph('POST', path, removal)).status, 204);
    assert.deepEqual(app().certificates, [current().pem]);
    assert.equal((await graph('POST', path, removal)).status, 401, 'the proof is by a key that is gone');
    const again = { ...removal, proof: proofOf({ alg }) };
    assert.deepEqual([(await graph('POST', path, again)).status, app().certificates.length], [400, 1]);
  });
}

const BAD_PROOFS: [string, () => Promise<string> | string][] = [
  ['for Microsoft Graph', () => proofOf({ claims: { aud: '00000003-0000-0000-c000-000000000000' } })],
  ['by the client id', () => proofOf({ claims: { iss: app().clientId } })],
  ['by the object id of the Enterprise application', () => proofOf({ claims: { iss: app().objectId } })],
  ['living eleven minutes', () => proofOf({ claims: { exp: Math.floor(Date.now() / 1000) + 660 } })],
  ['that has expired', () => proofOf({ claims: { nbf: 1_700_000_000, exp: 1_700_000_600 } })],
  ['without times', () => proofOf({ claims: { nbf: undefined, exp: undefined } })],
  ['signed by the new key', () => proofOf({ key: added.key })],
  ['signed by nothing', () => `${proofOf().split('.').slice(0, 2).join('.')}.`],
];
for (const [what, make] of BAD_PROOFS) {
  test(`a proof ${what} is refused`, async () => {
    const answer = await add(await make());
    assert.deepEqual([answer.status, answer.code], [401, 'Authentication_MissingOrMalformed']);
    assert.equal(app().certificates.length, 1);
  });
}

test('a key that has expired proves nothing', async () => {
  const expired = await makeCertificate({ bits: 2048, notAfter: new Date(Date.now() - 1000) });
  app().certificates = [expired.pem];
  assert.equal((await add(proofOf({ key: expired.key }))).status, 401);
});

test('only the app itself may roll its keys, and only with a token for Graph', async () => {
  const other = { ...newApp(randomUUID(), 'other'), secrets: app().secrets };
  m365.world.apps.push(other);
  const form = { client_id: other.clientId, client_secret: other.secrets[0]?.value ?? '', scope: SCOPE };
  const { body } = await postToken(m365.settings, form);
  const path = `applications/${app().applicationObjectId}/addKey`;
  const request = { keyCredential: keyCredential(), proof: proofOf() };
  const denied = await graph('POST', path, request, String(body['access_token']));
  assert.deepEqual([denied.status, denied.code], [403, 'Authorization_RequestDenied']);
  const wrong = await graph('POST', path, request, await fetchToken(m365));
  assert.deepEqual([wrong.status, wrong.code], [401, 'InvalidAuthenticationToken']);
  assert.equal((await graph('POST', `applications/${app().objectId}/addKey`, request)).status, 404);
  m365.world.apps.pop();
});

test('an app reads its registration where that is allowed, and else not', async () => {
  const path = `applications(appId='${app().clientId}')?$select=id,keyCredentials`;
  assert.deepEqual((await graph('GET', path)).code, 'Authorization_RequestDenied');
  app().roles = ['Application.Read.All'];
  const byRole = await graph('GET', path);
  assert.equal(byRole.json['id'], app().applicationObjectId);
  app().roles = [];
  m365.world.graph.canReadOwnApp = true;
  const [key] = (await graph('GET', path)).json['keyCredentials'] as Record<string, unknown>[];
  assert.equal(key?.['key'], new X509Certificate(current().pem).raw.toString('base64'));
  const [bare] = (await graph('GET', path.split('?')[0] ?? '')).json['keyCredentials'] as Record<string, unknown>[];
  assert.deepEqual([bare?.['key'], bare?.['keyId']], [null, key?.['keyId']], 'the id stays, the key only on demand');
});
