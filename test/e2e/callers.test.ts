import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { QueueServiceClient } from '@azure/storage-queue';
import { type App, startApp } from '../support/app.ts';
import { mailRequest } from '../support/requests.ts';

const key = () => randomBytes(30).toString('base64url');
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const KEYS = {
  shop: key(),
  shopNew: key(),
  desk: key(),
  ops: key(),
  slow: key(),
  small: key(),
  fast: key(),
  race: key(),
};
const MAIL_CALLERS = JSON.stringify([
  { name: 'shop', keySha256: sha256(KEYS.shop), from: ['billing@contoso.com'], recipientDomains: ['example.com'] },
  { name: 'shop', keySha256: sha256(KEYS.shopNew), from: ['billing@contoso.com'] },
  { name: 'desk', keySha256: sha256(KEYS.desk) },
  { name: 'ops', keySha256: sha256(KEYS.ops), operator: true },
  { name: 'slow', keySha256: sha256(KEYS.slow), messagesPerMinute: 4 },
  { name: 'fast', keySha256: sha256(KEYS.fast), messagesPerMinute: 12 },
  { name: 'race', keySha256: sha256(KEYS.race), messagesPerMinute: 4 },
  { name: 'small', keySha256: sha256(KEYS.small), messageBytes: 5_000 },
]);

let app: App;
before(async () => {
  app = await startApp({
    m365: { world: { exchange: { limits: { rateAction: 'off' } } } },
    env: { MAIL_CALLERS, MAIL_MODE: 'sandbox' },
  });
});
after(async () => {
  const lines = app.hostLines.list().join('\n');
  await app.close();
  for (const value of Object.values(KEYS)) assert.ok(!lines.includes(value), 'a key stands in the log');
});

const as = (name: keyof typeof KEYS, more: Record<string, string> = {}) => ({ 'x-functions-key': KEYS[name], ...more });
const later = () => ({ sendAt: new Date(Date.now() + 3_600_000).toISOString() });
const raw = (from: string, body = 'hello') =>
  Buffer.from(`From: ${from}\r\nTo: ada@example.com\r\nSubject: raw\r\n\r\n${body}\r\n`);
const rfc822 = { 'content-type': 'message/rfc822' };

test('an unknown key is refused with 403, no key with 401, and a forged principal helps neither', async () => {
  const claims = [
    { typ: 'azp', val: '11111111-2222-3333-4444-555555555555' },
    { typ: 'roles', val: 'Mail.Operate' },
  ];
  const forged = {
    'x-ms-client-principal': Buffer.from(JSON.stringify({ auth_typ: 'aad', claims })).toString('base64'),
  };
  const unknown = await app.send(mailRequest(), { 'x-functions-key': 'guessed', ...forged });
  assert.equal(unknown.status, 403);
  assert.equal(unknown.body.code, 'caller_not_allowed');
  assert.ok(!JSON.stringify(unknown.body).includes('guessed'));
  assert.equal((await app.send(mailRequest(), forged)).status, 401);
  assert.equal((await app.call('GET', '/api/messages', undefined, { 'x-functions-key': 'guessed' })).status, 403);
  assert.equal((await app.call('GET', '/api/health')).status, 200);
});

test('a caller may send only as itself, by JSON and by raw mail', async () => {
  assert.equal((await app.send(mailRequest(later()), as('shop'))).status, 202);
  const json = await app.send(mailRequest({ from: 'ceo@contoso.com' }), as('shop'));
  assert.equal(json.status, 403);
  assert.equal(json.body.code, 'sender_not_allowed');
  assert.equal(json.body.errors[0].pointer, '/from');
  for (const [path, from] of [
    ['/api/messages', 'ceo@contoso.com'],
    ['/api/messages?from=ceo@contoso.com', 'billing@contoso.com'],
    ['/api/messages?from=billing@contoso.com', 'ceo@contoso.com'],
  ] as const) {
    const answer = await app.call('POST', path, raw(from), as('shop', rfc822));
    assert.equal(answer.status, 403, path);
    assert.equal(answer.body.errors[0].pointer, '/from');
  }
  const behalf = raw('billing@contoso.com\r\nSender: "The CEO" <ceo@contoso.com>');
  assert.equal((await app.call('POST', '/api/messages', behalf, as('shop', rfc822))).status, 403);
  assert.equal((await app.call('POST', '/api/messages', raw('billing@contoso.com'), as('shop', rfc822))).status, 202);
});

test('recipients outside the caller’s domains are refused, each named', async () => {
  const answer = await app.send(
    mailRequest({ to: ['ada@example.com', 'eve@evil.example'], bcc: 'mallory@sub.example.com' }),
    as('shop'),
  );
  assert.equal(answer.status, 403);
  assert.equal(answer.body.code, 'recipient_not_allowed');
  const pointers = answer.body.errors.map((error: { pointer: string }) => error.pointer);
  assert.deepEqual(pointers, ['/to/1', '/bcc/0']);
  const byQuery = await app.call(
    'POST',
    '/api/messages?to=eve@evil.example',
    raw('billing@contoso.com'),
    as('shop', rfc822),
  );
  assert.equal(byQuery.status, 403);
});

test('a mail over the caller’s size is refused with 413, however it comes', async () => {
  const big = 'x'.repeat(70).concat('\r\n').repeat(100);
  assert.equal((await app.send(mailRequest({ text: 'short', ...later() }), as('small'))).status, 202);
  assert.equal((await app.send(mailRequest({ text: big }), as('small'))).status, 413);
  assert.equal(
    (await app.call('POST', '/api/messages', raw('billing@contoso.com', big), as('small', rfc822))).status,
    413,
  );
  const batch = await app.call('POST', '/api/messages/batch', [mailRequest({ text: big })], as('small'));
  assert.equal(batch.body.results[0].status, 413);
  assert.equal((await app.send(mailRequest({ text: big, ...later() }), as('desk'))).status, 202);
});

test('a caller sees its own messages only, also with a new key; an operator sees all', async () => {
  const { id } = (await app.send(mailRequest({ metadata: { mine: 'yes' }, ...later() }), as('shop'))).body;
  const path = `/api/messages/${id}`;
  for (const [name, status] of [
    ['shop', 200],
    ['shopNew', 200],
    ['desk', 404],
    ['ops', 200],
  ] as const)
    assert.equal((await app.call('GET', path, undefined, as(name))).status, status, name);
  for (const [method, target] of [
    ['DELETE', path],
    ['POST', `${path}/retry`],
  ] as const)
    assert.equal((await app.call(method, target, undefined, as('desk'))).status, 404, method);
  const listed = async (name: keyof typeof KEYS) =>
    (await app.call('GET', '/api/messages?limit=100', undefined, as(name))).body.messages.map(
      (one: { id: string }) => one.id,
    );
  assert.ok((await listed('shopNew')).includes(id));
  assert.ok((await listed('ops')).includes(id));
  assert.ok(!(await listed('desk')).includes(id));
  assert.equal((await app.call('DELETE', path, undefined, as('ops'))).status, 200);
});

test('an Idempotency-Key belongs to its caller, over a rotation too', async () => {
  const send = (name: keyof typeof KEYS) => app.send(request, as(name, { 'idempotency-key': 'order-1' }));
  const request = mailRequest(later());
  const first = await send('shop');
  const rotated = await send('shopNew');
  assert.equal(rotated.body.id, first.body.id);
  assert.equal(rotated.headers.get('idempotent-replayed'), 'true');
  assert.notEqual((await send('desk')).body.id, first.body.id);
});

test('over the limit: 429 with Retry-After; refused requests, dry runs and replays count nothing', async () => {
  const once = () => app.send(mailRequest(later()), as('slow'));
  assert.equal((await app.send(mailRequest({ to: 'nobody' }), as('slow'))).status, 422);
  assert.equal((await app.send(mailRequest({ dryRun: true }), as('slow'))).status, 200);
  const replayed = mailRequest(later());
  for (let i = 0; i < 3; i++)
    assert.equal((await app.send(replayed, as('slow', { 'idempotency-key': 'slow-1' }))).status, 202);
  const batch = await app.call('POST', '/api/messages/batch', [mailRequest(later()), mailRequest(later())], as('slow'));
  assert.deepEqual(
    batch.body.results.map((one: { status: number }) => one.status),
    [202, 202],
  );
  assert.equal((await once()).status, 202);
  const refused = await once();
  assert.equal(refused.status, 429);
  assert.equal(refused.body.code, 'rate_limited');
  assert.equal(refused.body.retryable, true);
  const seconds = Number(refused.headers.get('retry-after'));
  assert.ok(seconds >= 1 && seconds <= 61, String(seconds));
  assert.equal((await app.send(mailRequest({ dryRun: true }), as('slow'))).status, 200);
  const again = await app.send(replayed, as('slow', { 'idempotency-key': 'slow-1' }));
  assert.equal(again.status, 202);
  assert.equal(again.headers.get('idempotent-replayed'), 'true');
  const other = await app.send(mailRequest(), as('slow', { 'idempotency-key': 'slow-1' }));
  assert.equal(other.body.code, 'idempotency_key_reused');
  const mixed = await app.call('POST', '/api/messages/batch', [mailRequest(), mailRequest({ to: '' })], as('slow'));
  assert.deepEqual(
    mixed.body.results.map((one: { status: number }) => one.status),
    [429, 422],
  );
});

test('two instances keep one limit between them', async () => {
  const second = await app.startHostProcess();
  const send = (url: string) =>
    fetch(`${url}/api/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...as('fast') },
      body: JSON.stringify(mailRequest(later())),
    }).then(response => response.status);
  const statuses = await Promise.all(Array.from({ length: 40 }, (_, index) => send(index % 2 ? app.url : second.url)));
  assert.equal(statuses.filter(status => status === 202).length, 12);
  assert.equal(statuses.filter(status => status === 429).length, 28);
  await second.stop();
});

test('equal requests at once, at two instances, become one message; other content under its key is refused', async () => {
  const second = await app.startHostProcess();
  const post = async (url: string, subject: string) => {
    const response = await fetch(`${url}/api/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...as('race', { 'idempotency-key': 'race-1' }) },
      body: JSON.stringify(mailRequest({ subject, ...at })),
    });
    const isReplayed = response.headers.get('idempotent-replayed') === 'true';
    return { status: response.status, isReplayed, id: ((await response.json()) as { id?: string }).id };
  };
  const at = later();
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, index) => post(index % 2 ? app.url : second.url, `No. ${index % 3}`)),
  );
  const taken = answers.filter(({ status }) => status === 202);
  assert.equal(taken.length, 10);
  assert.equal(new Set(taken.map(({ id }) => id)).size, 1);
  assert.equal(taken.filter(({ isReplayed }) => isReplayed).length, 9);
  assert.equal(answers.filter(({ status }) => status === 422).length, 20);
  const listed = (await app.call('GET', '/api/messages', undefined, as('race'))).body.messages;
  assert.equal(listed.length, 1);
  await second.stop();
});

test('the queue is not subject to MAIL_CALLERS, and only operators see what came by it', async () => {
  const queue = QueueServiceClient.fromConnectionString(app.connectionString).getQueueClient('mail-requests');
  const text = JSON.stringify(mailRequest({ to: 'eve@evil.example', metadata: { via: 'queue' }, ...later() }));
  await queue.sendMessage(Buffer.from(text).toString('base64'), { messageTimeToLive: -1 });
  const byQueue = async (name: keyof typeof KEYS) =>
    (await app.call('GET', '/api/messages?limit=100', undefined, as(name))).body.messages.filter(
      (message: { metadata: { via?: string } }) => message.metadata.via === 'queue',
    ).length;
  const end = Date.now() + 15_000;
  while ((await byQueue('ops')) === 0 && Date.now() < end) await new Promise(resolve => setTimeout(resolve, 100));
  assert.equal(await byQueue('ops'), 1);
  assert.equal(await byQueue('desk'), 0);
});

test('with callers known by Entra ID the app id decides', async () => {
  const appId = '11111111-2222-3333-4444-555555555555';
  const second = await app.startHostProcess({
    env: {
      MAIL_CALLER_AUTH: 'entra',
      WEBSITE_AUTH_ENABLED: 'True',
      MAIL_CALLERS: JSON.stringify([{ name: 'desk', appId, from: ['billing@contoso.com'] }]),
    },
  });
  const call = async (id: string, role?: string, more: Record<string, string> = {}) => {
    const claims = [{ typ: 'azp', val: id }, ...(role === undefined ? [] : [{ typ: 'roles', val: role }])];
    const principal = Buffer.from(JSON.stringify({ auth_typ: 'aad', claims })).toString('base64');
    return (await fetch(`${second.url}/api/messages`, { headers: { 'x-ms-client-principal': principal, ...more } }))
      .status;
  };
  assert.equal(await call(appId, 'Mail.Send'), 200);
  assert.equal(await call(appId), 200);
  assert.equal(await call(appId, 'Mail.Read'), 200);
  assert.equal(await call('99999999-2222-3333-4444-555555555555'), 403);
  assert.equal(await call('99999999-2222-3333-4444-555555555555', 'Mail.Send', as('desk')), 403);
  await second.stop();
});
