import assert from 'node:assert/strict';
import { createPublicKey, createSign, generateKeyPairSync, verify } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { graphAddress } from '../../shared/adapters/graph/graph-address.ts';
import { graphClient } from '../../shared/adapters/graph/graph-client.ts';
import { buildProof } from '../../shared/adapters/graph/proof.ts';
import { readSettings } from '../../shared/config/settings.ts';
import { type KeyNote, noteOf, withNote } from '../../shared/domain/key-note.ts';
import { GraphFailure } from '../../shared/domain/rotation-ports.ts';

const GUID = '5b9c3d7e-8a16-4f2b-a0d4-3c6e1f7b9d03';
const ENV = {
  AzureWebJobsStorage: 'UseDevelopmentStorage=true',
  KEY_VAULT_URL: 'https://contoso.vault.azure.net',
  MAIL_TENANT_ID: 'contoso.onmicrosoft.com',
  MAIL_CLIENT_ID: GUID,
  MAIL_MAILBOX: 'billing@contoso.com',
  MAIL_CERTIFICATE_NAME: 'exosend-smtp',
};

test('rotation is off, and the old key stays a day, unless the settings say otherwise', () => {
  const plain = readSettings(ENV);
  assert.ok(plain.ok);
  assert.deepEqual(plain.settings.rotation, { isOn: false, graceMs: 86_400_000 });
  const given = readSettings({
    ...ENV,
    CERTIFICATE_ROTATION: 'on',
    CERTIFICATE_ROTATION_GRACE_HOURS: '0',
    MICROSOFT_GRAPH_URL: 'https://dod-graph.microsoft.us/',
    MAIL_APP_OBJECT_ID: GUID,
  });
  assert.ok(given.ok);
  assert.deepEqual(given.settings.rotation, { isOn: true, graceMs: 0, graphUrl: 'https://dod-graph.microsoft.us' });
  const credential = given.settings.mail.senders[0]?.credential;
  assert.equal(credential?.kind === 'certificate' && credential.applicationObjectId, GUID);
});

test('what is wrong with them is said by name', () => {
  const result = readSettings({
    ...ENV,
    CERTIFICATE_ROTATION: 'daily',
    CERTIFICATE_ROTATION_GRACE_HOURS: '-1',
    MICROSOFT_GRAPH_URL: 'http://graph',
    MAIL_APP_OBJECT_ID: 'exosend',
  });
  assert.ok(!result.ok);
  assert.deepEqual(result.problems.map(({ setting }) => setting).toSorted(), [
    'CERTIFICATE_ROTATION',
    'CERTIFICATE_ROTATION_GRACE_HOURS',
    'MAIL_APP_OBJECT_ID',
    'MICROSOFT_GRAPH_URL',
  ]);
});

test('Microsoft Graph and the scope for it go with the cloud', () => {
  const worldwide = { url: 'https://graph.microsoft.com', scope: 'https://graph.microsoft.com/.default' };
  assert.deepEqual(graphAddress('https://login.microsoftonline.com', undefined), worldwide);
  assert.equal(graphAddress('https://login.microsoftonline.us', undefined).url, 'https://graph.microsoft.us');
  const dod = 'https://dod-graph.microsoft.us';
  assert.deepEqual(graphAddress('https://login.microsoftonline.us', dod), { url: dod, scope: `${dod}/.default` });
  assert.deepEqual(
    graphAddress('https://localhost:1', 'https://localhost:2'),
    { ...worldwide, url: 'https://localhost:2' },
    'another name, e.g. a proxy’s, is no resource of its own',
  );
});

const note = fc.record<KeyNote>(
  {
    state: fc.constantFrom('adding', 'added', 'accepted', 'removed'),
    atMs: fc.integer({ min: 0, max: 4_000_000_000 }).map(seconds => seconds * 1000),
    keyId: fc.uuid(),
  },
  { requiredKeys: ['state', 'atMs'], noNullPrototype: true },
);

test('a note is read as it was written, beside the tags of others and the notes on other apps', () => {
  fc.assert(
    fc.property(note, note, fc.uuid(), fc.uuid(), (one, other, app, otherApp) => {
      fc.pre(app !== otherApp);
      const tags = withNote(withNote({ owner: 'somebody' }, app, one), otherApp, other);
      assert.deepEqual(noteOf(tags, app.toUpperCase()), one);
      assert.deepEqual(noteOf(tags, otherApp), other);
      assert.deepEqual(withNote(withNote(tags, app, undefined), otherApp, undefined), { owner: 'somebody' });
      for (const value of Object.values(tags)) assert.ok(value.length <= 256);
    }),
  );
});

test('a tag that makes no sense is no note', () => {
  fc.assert(
    fc.property(fc.string(), value => {
      const found = noteOf({ 'exosend-app': value }, 'app');
      assert.ok(found === undefined || /^(adding|added|accepted|removed) /.test(value));
    }),
  );
});

test('a proof names the registration and the directory, lives ten minutes and bears no padding', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const now = Date.parse('2026-11-21T12:00:00Z');
  const proof = await buildProof(GUID, 'AB'.repeat(20), now, async input =>
    createSign('sha256').update(input).sign(privateKey),
  );
  const [header = '', payload = '', signature = ''] = proof.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  assert.deepEqual([claims.aud, claims.iss], ['00000002-0000-0000-c000-000000000000', GUID]);
  assert.equal(claims.exp - claims.nbf, 600);
  assert.ok(claims.nbf * 1000 <= now && now < claims.exp * 1000);
  assert.equal(JSON.parse(Buffer.from(header, 'base64url').toString()).alg, 'RS256');
  const signed = Buffer.from(`${header}.${payload}`);
  assert.ok(verify('sha256', signed, createPublicKey(privateKey), Buffer.from(signature, 'base64url')));
  assert.ok(!proof.includes('='));
});

test('a refusal of Graph becomes an error that says what to do and gives nothing away', async t => {
  const answers: [number, string][] = [];
  const server = createServer((_request, response) => {
    const [status, body] = answers.shift() ?? [204, ''];
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const graph = graphClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const error = (code: string, message: string) => JSON.stringify({ error: { code, message } });
  const add = () => graph.addKey('secret-token', GUID, Buffer.from('cert'), 'secret-proof');

  answers.push([401, error('Authentication_MissingOrMalformed', 'Access Token missing or malformed.')]);
  await assert.rejects(add(), (failure: GraphFailure) => {
    assert.deepEqual([failure.status, failure.code], [401, 'Authentication_MissingOrMalformed']);
    assert.match(failure.message, /object id is the App registration/);
    return !failure.message.includes('secret');
  });
  answers.push([502, '<html>']);
  await assert.rejects(add(), (failure: GraphFailure) => failure.status === 502 && /502/.test(failure.message));
  answers.push([200, '{}']);
  assert.equal(await add(), undefined, 'an answer without the key’s id');
  answers.push([400, error('Request_BadRequest', 'No credentials found to be removed.')]);
  await graph.removeKey('t', GUID, GUID, 'p');
  answers.push([400, error('Request_BadRequest', 'The proof is no good.')]);
  await assert.rejects(graph.removeKey('t', GUID, GUID, 'p'), GraphFailure);
  answers.push([403, error('Authorization_RequestDenied', 'Insufficient privileges to complete the operation.')]);
  assert.equal(await graph.read('t', GUID), undefined);
  answers.push([429, '']);
  await assert.rejects(graph.read('t', GUID), /left alone for a while/);
  await new Promise(resolve => server.close(resolve));
  await assert.rejects(add(), (failure: GraphFailure) => failure.status === undefined);
});
