import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Answer, type App, startApp } from '../support/app.ts';
import { mailRequest } from '../support/requests.ts';

let app: App;
before(async () => {
  app = await startApp();
});
after(() => app.close());

/** A refusal as RFC 9457 and the design have it. */
function assertProblem(answer: Answer, status: number, code: string, pointer?: string): void {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
  const { body } = answer;
  assert.equal(body.code, code);
  assert.equal(body.status, status);
  for (const field of ['type', 'title', 'detail', 'traceId']) assert.equal(typeof body[field], 'string', field);
  assert.match(body.type, new RegExp(`#${code}$`));
  assert.equal(typeof body.retryable, 'boolean');
  if (pointer !== undefined)
    assert.ok(
      body.errors.some((error: { pointer: string }) => error.pointer === pointer),
      JSON.stringify(body.errors),
    );
  assert.doesNotMatch(JSON.stringify(body), /\bat .*\.(ts|js):\d+|node_modules/);
}

const JSON_TYPE = { 'content-type': 'application/json' };
const RAW_TYPE = { 'content-type': 'message/rfc822' };

test('a body that is no JSON', async () => {
  for (const body of ['', '{', 'hello', '{"a":1,}', new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])]) {
    assertProblem(await app.call('POST', '/api/messages', body, JSON_TYPE), 400, 'request_not_json');
  }
});

test('JSON of the wrong shape', async () => {
  for (const body of ['null', '[]', '"x"', '5', 'true']) {
    assertProblem(await app.call('POST', '/api/messages', body, JSON_TYPE), 422, 'request_invalid', '');
  }
});

test('faults are named by pointer', async () => {
  assertProblem(await app.send(mailRequest({ to: ['ok@example.com', 'bad'] })), 422, 'request_invalid', '/to/1');
  assertProblem(
    await app.send(mailRequest({ subject: 'a\r\nBcc: eve@evil.example' })),
    422,
    'request_invalid',
    '/subject',
  );
  assertProblem(await app.send(mailRequest({ 'a/b~c': 1 })), 422, 'request_invalid', '/a~1b~0c');
  assertProblem(
    await app.send(mailRequest({ to: Array.from({ length: 501 }, (_, i) => `r${i}@example.com`) })),
    422,
    'request_invalid',
    '/to',
  );
});

test('deeply nested and odd JSON is refused, not choked on', async () => {
  for (const body of [
    '['.repeat(50_000) + ']'.repeat(50_000),
    `{"metadata":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`,
  ]) {
    const answer = await app.call('POST', '/api/messages', body, JSON_TYPE);
    assert.ok(answer.status === 422 || answer.status === 400, String(answer.status));
  }
});

test('a sender that is not allowed', async () => {
  assertProblem(await app.send(mailRequest({ from: 'eve@evil.example' })), 403, 'sender_not_allowed', '/from');
  assertProblem(await app.send(mailRequest({ mailbox: 'ceo@contoso.com' })), 403, 'sender_not_allowed', '/mailbox');
});

test('a body type that is not known', async () => {
  for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded']) {
    assertProblem(
      await app.call('POST', '/api/messages', 'x', { 'content-type': type }),
      415,
      'unsupported_media_type',
    );
  }
});

test('too large: by declared length, by chunks, and as a mail', async () => {
  assertProblem(
    await app.call('POST', '/api/messages', Buffer.alloc(60_000_000, 32), JSON_TYPE),
    413,
    'request_too_large',
  );
  const chunk = new Uint8Array(1_000_000).fill(65);
  let sent = 0;
  const endless = new ReadableStream({
    pull(controller) {
      controller.enqueue(
        sent === 0
          ? Buffer.from('From: billing@contoso.com\r\nTo: ada@example.com\r\n\r\n')
          : Buffer.concat([chunk.map((_, i) => (i % 70 === 69 ? 10 : 65))]),
      );
      if (++sent > 60) controller.close();
    },
  });
  assertProblem(await app.call('POST', '/api/messages', endless, RAW_TYPE), 413, 'request_too_large');
  const attachment = { filename: 'a', content: Buffer.alloc(30_000_000).toString('base64') };
  assertProblem(await app.send(mailRequest({ attachments: [attachment] })), 413, 'request_too_large');
});

test('raw mails that are none', async () => {
  const send = (body: string, query = '') => app.call('POST', `/api/messages${query}`, body, RAW_TYPE);
  assertProblem(await send(''), 422, 'request_invalid');
  assertProblem(await send('just text'), 422, 'request_invalid');
  assertProblem(await send('From: billing@contoso.com\n\nhi'), 422, 'request_invalid', '/to');
  assertProblem(await send('To: ada@example.com\n\nhi'), 422, 'request_invalid', '/from');
  assertProblem(await send('From: eve@evil.example\nTo: ada@example.com\n\nhi'), 403, 'sender_not_allowed', '/from');
  assertProblem(
    await send('From: billing@contoso.com\nTo: ada@example.com\n\nhi', '?from=eve@evil.example'),
    403,
    'sender_not_allowed',
    '/from',
  );
  assertProblem(await send('From: billing@contoso.com\nTo: ada@example.com\n\na\0b'), 422, 'request_invalid');
  assertProblem(
    await send(`From: billing@contoso.com\nTo: ada@example.com\n\n${'a'.repeat(2000)}`),
    422,
    'request_invalid',
  );
  assertProblem(
    await send('From: billing@contoso.com\nTo: ada@example.com\n\nhi', '?cc=x@example.com'),
    422,
    'request_invalid',
    '/cc',
  );
  const mail = 'From: billing@contoso.com\nTo: ada@example.com\n\nhi';
  assertProblem(await send(mail, '?dryRun=yes'), 422, 'request_invalid', '/dryRun');
  assertProblem(await app.call('POST', '/api/messages?dryRun=true', mailRequest()), 422, 'request_invalid', '/dryRun');
});

test('forms that are none', async () => {
  const type = { 'content-type': 'multipart/form-data; boundary=x' };
  assertProblem(await app.call('POST', '/api/messages', 'no form', type), 422, 'request_invalid', '');
  assertProblem(
    await app.call(
      'POST',
      '/api/messages',
      '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n',
      type,
    ),
    422,
    'request_invalid',
    '/message',
  );
  assertProblem(
    await app.call(
      'POST',
      '/api/messages',
      '--x\r\nContent-Disposition: form-data; name="message"\r\n\r\n{\r\n--x--\r\n',
      type,
    ),
    400,
    'request_not_json',
  );
});

test('keys: idempotency keys of the wrong form, function keys in the URL', async () => {
  assertProblem(await app.send(mailRequest(), { 'idempotency-key': 'x'.repeat(256) }), 400, 'idempotency_key_invalid');
  assertProblem(await app.call('POST', '/api/messages?code=secret', mailRequest()), 401, 'key_in_url');
});

test('ids and queries that are none', async () => {
  for (const id of ['x', '01M7Z75B1ARC60P5SM13TEA8PY', '..%2F..', '%00', "' or true"]) {
    assertProblem(await app.call('GET', `/api/messages/${id}`), 404, 'message_not_found');
  }
  assertProblem(await app.call('GET', '/api/messages?limit=0'), 422, 'request_invalid', '/limit');
  assertProblem(await app.call('GET', '/api/messages?status=delivered'), 422, 'request_invalid', '/status');
  assertProblem(await app.call('GET', '/api/messages?continuation=abc'), 422, 'request_invalid', '/continuation');
  assertProblem(await app.call('GET', '/api/messages?nonsense=1'), 422, 'request_invalid', '/nonsense');
  assert.equal((await app.call('GET', "/api/messages?mailbox=x'%20or%20PartitionKey%20ne%20'")).status, 200);
});

test('batches that are none', async () => {
  for (const body of [{}, [], Array.from({ length: 101 }, () => mailRequest())]) {
    assertProblem(await app.call('POST', '/api/messages/batch', body), 422, 'request_invalid', '');
  }
});

test('nothing of all this was stored or sent', async () => {
  const { body } = await app.call('GET', '/api/messages');
  assert.deepEqual(body.messages, []);
  assert.equal(app.m365.counters.mails, 0);
});
