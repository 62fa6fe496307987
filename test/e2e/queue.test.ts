import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { type App, startApp } from '../support/app.ts';
import { mailRequest } from '../support/requests.ts';

let app: App;
let queues: QueueServiceClient;
before(async () => {
  app = await startApp({ m365: { world: { exchange: { limits: { rateAction: 'off' } } } } });
  queues = QueueServiceClient.fromConnectionString(app.connectionString);
});
after(() => app.close());

const put = (text: string, queue = 'mail-requests') =>
  queues.getQueueClient(queue).sendMessage(text, { messageTimeToLive: -1 });
const base64 = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');
const list = async (query = '') => (await app.call('GET', `/api/messages?limit=100${query}`)).body.messages;

async function eventually<T>(look: () => Promise<T | undefined | false>, what: string, timeoutMs = 15_000): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`never saw ${what}`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}

test('a request on the queue becomes a mail', async () => {
  await put(base64(mailRequest({ subject: 'from the queue', metadata: { k: 'v' } })));
  const mail = await app.m365.mails.waitFor(found => found.raw.includes('Subject: from the queue'), 15_000);
  const id = /X-Exosend-Id: (\S+)/.exec(mail.raw.toString())?.[1] ?? '';
  assert.deepEqual((await app.until(id, ['sent'])).metadata, { k: 'v' });
});

test('a byte order mark before the JSON is passed over', async () => {
  await put(base64(`\ufeff${JSON.stringify(mailRequest({ subject: 'from a marked text' }))}`));
  await app.m365.mails.waitFor(found => found.raw.includes('Subject: from a marked text'), 15_000);
});

test('the same idempotencyKey twice is one mail', async () => {
  const text = base64(mailRequest({ subject: 'once only', idempotencyKey: 'order-7' }));
  await put(text);
  await put(text);
  await app.m365.mails.waitFor(found => found.raw.includes('Subject: once only'), 15_000);
  await eventually(
    async () => (await queues.getQueueClient('mail-requests').getProperties()).approximateMessagesCount === 0,
    'an empty queue',
  );
  await new Promise(resolve => setTimeout(resolve, 300));
  assert.equal(app.m365.mails.list().filter(mail => mail.raw.includes('Subject: once only')).length, 1);
});

test('a queue message with a member id does not lose its own id', async () => {
  // The host lets members of the JSON hide the queue's metadata; an unknown field is refused by name all the same.
  await put(base64({ ...mailRequest(), id: 'x' }));
  const failed = await eventually(
    async () => (await list('&status=failed')).find((message: { code: string }) => message.code === 'request_invalid'),
    'the refusal',
  );
  const { body } = await app.call('GET', `/api/messages/${failed.id}`);
  assert.deepEqual(
    body.errors.map((error: { pointer: string }) => error.pointer),
    ['/id'],
  );
});

test('an attachment by contentBlob', async () => {
  const content = Buffer.from('from the intake');
  await BlobServiceClient.fromConnectionString(app.connectionString)
    .getContainerClient('mail-intake')
    .getBlockBlobClient('a/b.txt')
    .upload(content, content.length);
  await put(base64(mailRequest({ subject: 'by blob', attachments: [{ filename: 'b.txt', contentBlob: 'a/b.txt' }] })));
  const mail = await app.m365.mails.waitFor(found => found.raw.includes('Subject: by blob'), 15_000);
  assert.match(mail.raw.toString(), new RegExp(content.toString('base64')));
});

test('an invalid request becomes a failed message with its reasons, its text goes to mail-poison', async () => {
  const before = (await list('&status=failed')).length;
  await put(base64(mailRequest({ to: 'nobody', subject: 'invalid one' })));
  await eventually(async () => (await list('&status=failed')).length > before, 'the failed message');
  const [failed] = await list('&status=failed');
  const { body } = await app.call('GET', `/api/messages/${failed.id}`);
  assert.equal(body.diagnosis.code, 'request_invalid');
  assert.equal(body.errors[0].pointer, '/to');
  await app.trigger('sweep');
  const blob = BlobServiceClient.fromConnectionString(app.connectionString)
    .getContainerClient('mail-poison')
    .getBlockBlobClient(`${failed.id}.txt`);
  const text = await eventually(
    async () => (await blob.exists()) && (await blob.downloadToBuffer()).toString(),
    'the raw text',
  );
  assert.match(text, /invalid one/);
  await eventually(
    async () => (await queues.getQueueClient('mail-requests-poison').getProperties()).approximateMessagesCount === 0,
    'an empty poison queue',
  );
  assert.equal((await list('&status=failed')).length, before + 1, 'the copy is not recorded twice');
});

for (const [name, text] of [
  ['text', 'hello'],
  ['a number', '42'],
  ['null', 'null'],
  ['an array', '[1]'],
  ['broken JSON', '{"from":'],
] as const) {
  test(`not a JSON object, ${name}: recorded, not lost`, async () => {
    const before = (await list('&status=failed')).length;
    await put(base64(text));
    await eventually(async () => (await list('&status=failed')).length > before, 'the failed message');
    const [failed] = await list('&status=failed');
    assert.equal(failed.code, 'request_not_json');
    assert.equal((await app.call('GET', `/api/messages/${failed.id}`)).body.diagnosis.code, 'request_not_json');
  });
}

test('what the host gives up undecoded is recorded by sweep with its raw text', async () => {
  const before = (await list('&status=failed')).length;
  await put('{"plain": "json, not base64"}');
  await eventually(async () => {
    await app.trigger('sweep');
    await new Promise(resolve => setTimeout(resolve, 300));
    return (await list('&status=failed')).length > before;
  }, 'the record');
  const [failed] = await list('&status=failed');
  assert.equal(failed.code, 'poison_message');
  const blob = BlobServiceClient.fromConnectionString(app.connectionString)
    .getContainerClient('mail-poison')
    .getBlockBlobClient(`${failed.id}.txt`);
  assert.match(
    await eventually(async () => (await blob.exists()) && (await blob.downloadToBuffer()).toString(), 'the raw text'),
    /json, not base64/,
  );
});

test('a wake-up that was given up for a message still open is released again', async () => {
  const planned = await app.send(
    mailRequest({ subject: 'given up', sendAt: new Date(Date.now() + 30 * 60_000).toISOString() }),
  );
  await put(base64({ messageId: planned.body.id }), 'mail-submissions-poison');
  await app.trigger('sweep');
  await eventually(
    async () => (await queues.getQueueClient('mail-submissions-poison').getProperties()).approximateMessagesCount === 0,
    'an empty poison queue',
  );
  assert.equal((await app.call('GET', `/api/messages/${planned.body.id}`)).body.status, 'queued');
});

test('a stray wake-up and one of an older generation do nothing', async () => {
  const answer = await app.send(mailRequest({ subject: 'stray' }));
  await app.until(answer.body.id, ['sent']);
  await put(base64({ messageId: answer.body.id }), 'mail-submissions');
  await put(base64({ messageId: answer.body.id, generation: 0 }), 'mail-submissions');
  await put(base64({ messageId: '01M7Z75B1ARC60P5SM13TEA8PY' }), 'mail-submissions');
  await eventually(
    async () => (await queues.getQueueClient('mail-submissions').getProperties()).approximateMessagesCount === 0,
    'an empty queue',
  );
  await new Promise(resolve => setTimeout(resolve, 300));
  assert.equal(app.m365.mails.list().filter(mail => mail.raw.includes('Subject: stray')).length, 1);
});
