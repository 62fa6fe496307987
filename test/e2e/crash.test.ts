import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { type App, startApp } from '../support/app.ts';
import { mailRequest } from '../support/requests.ts';

/** What two instances, a slow server and the end of a message do to each other. Kills are test/e2e/fault-matrix.test.ts's. */
let app: App;
before(async () => {
  app = await startApp({ m365: { world: { exchange: { limits: { rateAction: 'off' } } } } });
});
after(() => app.close());

const copiesOf = (id: string) => app.m365.mails.list().filter(mail => mail.raw.includes(`X-Exosend-Id: ${id}`));
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

test('a host that is told to stop hears first what the server says of the mail under way', async () => {
  app.m365.faults.set({ at: 'smtp.dot', action: 'delay', ms: 1_500, stored: true, times: 1 });
  const { body } = await app.send(mailRequest({ subject: 'under way at the end' }));
  while (app.m365.faults.list().length > 0) await new Promise(resolve => setTimeout(resolve, 20));
  await app.restartHost();
  const sent = await app.until(body.id, ['sent', 'unknown', 'failed'], 60_000);
  assert.equal(sent.status, 'sent', JSON.stringify(sent));
  assert.equal(copiesOf(body.id).length, 1);
  assert.ok(!sent.events.some((event: { inDoubt?: boolean }) => event.inDoubt), JSON.stringify(sent.events));
});

test('two instances that get the same wake-up, several times over, send the message once', async () => {
  await app.startHostProcess();
  const queue = QueueServiceClient.fromConnectionString(app.connectionString).getQueueClient('mail-submissions');
  // A host that was stopped while it still had a wake-up in hand leaves it on the queue, unseen for minutes.
  await queue.clearMessages();
  // All copies are taken while their message waits for its time in the invocation, and go for the claim at once.
  const sendAt = inMs(4_000);
  const answers = await Promise.all(Array.from({ length: 10 }, () => app.send(mailRequest({ sendAt }))));
  const ids: string[] = answers.map(({ body }) => body.id);
  for (const id of ids) {
    const text = Buffer.from(JSON.stringify({ messageId: id, generation: 1 })).toString('base64');
    for (let copy = 0; copy < 3; copy++) await queue.sendMessage(text, { messageTimeToLive: -1 });
  }
  const sent = await Promise.all(ids.map(id => app.until(id, ['sent'], 30_000)));
  const untilMs = Date.now() + 60_000;
  while ((await queue.getProperties()).approximateMessagesCount !== 0) {
    assert.ok(Date.now() < untilMs, 'the wake-ups are all used up in the end');
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  for (const [at, id] of ids.entries()) {
    assert.equal(copiesOf(id).length, 1, `copies of ${id}`);
    assert.equal(sent[at].attempts, 1);
    assert.ok(!sent[at].events.some((event: { inDoubt?: boolean }) => event.inDoubt));
  }
});

test('expiresAt that passes between claim and dot: expired, and the server has nothing', async () => {
  app.m365.faults.set({ at: 'smtp.data', action: 'delay', ms: 4_000, times: 1 });
  const { body } = await app.send(mailRequest({ expiresAt: inMs(2_500) }));
  const ended = await app.until(body.id, ['expired', 'sent', 'failed', 'unknown']);
  assert.equal(ended.status, 'expired', JSON.stringify(ended));
  assert.equal(ended.attempts, 1, 'it was claimed and on its way');
  assert.equal(copiesOf(body.id).length, 0);
});

test('the blob of a large mail goes with the write that says sent', async () => {
  const container = BlobServiceClient.fromConnectionString(app.connectionString).getContainerClient('mail-content');
  const content = Buffer.alloc(600_000, 7).toString('base64');
  app.m365.faults.set({ at: 'smtp.data', action: 'delay', ms: 500, times: 1 });
  const { body } = await app.send(mailRequest({ attachments: [{ filename: 'x.bin', content }] }));
  const blob = container.getBlobClient(body.id);
  assert.ok(await blob.exists(), 'it is there while the message is under way');
  const sent = await app.until(body.id, ['sent']);
  const sentAtMs = Date.parse(sent.events.at(-1).at);
  while (await blob.exists()) {
    assert.ok(Date.now() - sentAtMs < 10_000, 'ten seconds after it was sent the content is still there');
    await new Promise(resolve => setTimeout(resolve, 50));
  }
});
