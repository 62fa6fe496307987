import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { type Azurite, startAzurite } from '../../local/cloud/start-azurite.ts';
import { blobContents } from '../../shared/adapters/storage/blob-contents.ts';
import { requestQueues } from '../../shared/adapters/storage/queues.ts';
import { staleBlobs } from '../../shared/adapters/storage/stale-blobs.ts';
import { storageClients } from '../../shared/adapters/storage/storage-clients.ts';
import { tableMessages } from '../../shared/adapters/storage/table-messages.ts';
import type { MailSettings } from '../../shared/domain/mail-settings.ts';
import { newMessageId } from '../../shared/domain/message-id.ts';
import type { MessageRecord } from '../../shared/domain/message-record.ts';
import { withKey } from '../../shared/usecases/accept-queued.ts';
import { tidyBlobs } from '../../shared/usecases/tidy-blobs.ts';
import { messageRecord } from '../support/records.ts';

const DAY_MS = 86_400_000;
let azurite: Azurite;
let clients: ReturnType<typeof storageClients>;
before(async () => {
  azurite = await startAzurite();
  clients = storageClients({ kind: 'connectionString', connectionString: azurite.connectionString });
});
after(() => azurite.close());

const blobs = () => BlobServiceClient.fromConnectionString(azurite.connectionString);
async function names(container: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of blobs().getContainerClient(container).listBlobsFlat()) found.push(name);
  return found;
}
function tidyAt(nowMs: number) {
  const clock = { now: () => nowMs, random: () => 0, randomBytes: () => new Uint8Array(), sleep: async () => {} };
  const settings = { recordRetentionMs: 30 * DAY_MS } as MailSettings;
  return tidyBlobs({ settings, store: tableMessages(clients), blobs: staleBlobs(clients), clock });
}

test('content that no message will ask for goes after a day; content of any other message stays, however old', async () => {
  const store = tableMessages(clients);
  const contents = blobContents(clients);
  const put = async (changes: Partial<MessageRecord> | undefined): Promise<string> => {
    const id = newMessageId(Date.now(), randomBytes(10));
    await contents.put(id, Buffer.from('content'));
    if (changes) await store.insert(messageRecord([], { id, ...changes }), undefined, {});
    return id;
  };
  const blob = { kind: 'blob', bytes: 7, eightBit: false } as const;
  const kept = [
    await put({ status: 'queued', content: blob }),
    await put({ status: 'sending', content: blob }),
    await put({ status: 'deferred', content: blob }),
    await put({ status: 'failed', content: { ...blob, deleteAfterMs: Date.now() + 3 * DAY_MS }, finalAtMs: 1 }),
  ];
  const orphans = [
    await put(undefined),
    await put({ status: 'sent', content: { ...blob, isDeleted: true }, finalAtMs: 1 }),
  ];
  // Many, so that it takes more than one page.
  orphans.push(...(await Promise.all(Array.from({ length: 120 }, () => put(undefined)))));
  await blobs().getContainerClient('mail-content').getBlockBlobClient('somebody else’s').upload('x', 1);
  const foreign = ['somebody else’s'];
  const log: unknown[] = [];
  await tidyAt(Date.now() + DAY_MS - 60_000)((_level, fields) => log.push(fields));
  assert.equal(
    (await names('mail-content')).length,
    kept.length + orphans.length + 1,
    'nothing goes before a day is over',
  );
  const tidy = tidyAt(Date.now() + DAY_MS + 60_000);
  await tidy((_level, fields) => log.push(fields));
  assert.deepEqual((await names('mail-content')).sort(), [...kept, ...foreign].sort());
  assert.deepEqual(log, [{ event: 'blobs.deleted', phase: 'content', count: orphans.length }]);
  await put(undefined);
  await tidy(() => {});
  assert.equal((await names('mail-content')).length, kept.length + 2, 'once an hour');
});

test('intake goes after two weeks, texts of the poison queues with the records', async () => {
  await blobs().getContainerClient('mail-intake').createIfNotExists();
  await blobs().getContainerClient('mail-intake').getBlockBlobClient('a/b.pdf').upload('x', 1);
  await blobContents(clients).putPoison('x.txt', 'raw');
  const both = async () => [...(await names('mail-intake')), ...(await names('mail-poison'))];
  await tidyAt(Date.now() + 13.9 * DAY_MS)(() => {});
  assert.deepEqual(await both(), ['a/b.pdf', 'x.txt']);
  await tidyAt(Date.now() + 14.1 * DAY_MS)(() => {});
  assert.deepEqual(await both(), ['x.txt']);
  await tidyAt(Date.now() + 30.1 * DAY_MS)(() => {});
  assert.deepEqual(await both(), []);
});

test('the largest request that a queue takes goes back with its key, and comes out whole', async () => {
  const requests = requestQueues(clients);
  const queue = QueueServiceClient.fromConnectionString(azurite.connectionString).getQueueClient('mail-requests');
  const empty = JSON.stringify({ from: 'billing@contoso.com', to: 'ada@example.com', subject: 's', text: '' });
  for (const bytes of [1_000, 48 * 1024 - 60, 48 * 1024]) {
    const request = { ...JSON.parse(empty), text: 'x'.repeat(bytes - empty.length) };
    assert.equal(JSON.stringify(request).length, bytes);
    // Twice: the first may have been put back although nobody heard of it.
    for (let time = 0; time < 2; time++) {
      await requests.retryRequest(withKey('the-queue-message-id', request), 0);
      const [message] = (await queue.receiveMessages()).receivedMessageItems;
      assert.ok(message && message.messageText.length <= 64 * 1024);
      const value: unknown = JSON.parse(Buffer.from(message.messageText, 'base64').toString('utf8'));
      const whole = await requests.unwrapRequest(value);
      assert.deepEqual(whole, { idempotencyKey: 'the-queue-message-id', ...request });
      await queue.deleteMessage(message.messageId, message.popReceipt);
    }
  }
});

test('a name that no request was put back under is no request', async () => {
  const requests = requestQueues(clients);
  for (const requestBlob of ['a/b.pdf', '../mail-content/x', `put-back/${'0'.repeat(64)}.json`, 7]) {
    assert.deepEqual(await requests.unwrapRequest({ requestBlob }), { requestBlob });
  }
  for (const value of [null, undefined, 'text', 7, []]) assert.deepEqual(await requests.unwrapRequest(value), value);
});

test('open rows are read in pages, the oldest first, and no more of them than asked for', async () => {
  const store = tableMessages(clients);
  const dueAtMs = Date.now();
  const ids = Array.from({ length: 1_200 }, (_, at) => newMessageId(dueAtMs - 1e9 + at, randomBytes(10)));
  for (let at = 0; at < ids.length; at += 50)
    await Promise.all(
      ids
        .slice(at, at + 50)
        .map(id => store.insert(messageRecord([], { id, status: 'queued', dueAtMs }), undefined, {})),
    );
  const found = await store.openRows(dueAtMs, 1_050);
  assert.deepEqual(
    found.map(row => row.id),
    ids.slice(0, 1_050),
  );
  const released = await store.release(
    found.slice(0, 500).map(row => ({ row, wakeAtMs: dueAtMs })),
    dueAtMs,
  );
  assert.equal(released.length, 500);
});
