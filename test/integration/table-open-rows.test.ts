import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type Azurite, startAzurite } from '../../local/cloud/start-azurite.ts';
import { openRow, partitionOf } from '../../shared/adapters/storage/record-entity.ts';
import { type StorageClients, storageClients } from '../../shared/adapters/storage/storage-clients.ts';
import { type TableAccess, tableAccess } from '../../shared/adapters/storage/table-access.ts';
import { tableMessages } from '../../shared/adapters/storage/table-messages.ts';
import { releaseRows } from '../../shared/adapters/storage/table-open-rows.ts';
import { newMessageId } from '../../shared/domain/message-id.ts';
import type { MessageStore } from '../../shared/domain/message-ports.ts';
import type { MessageRecord } from '../../shared/domain/message-record.ts';
import { messageRecord } from '../support/records.ts';
import { NOW_MS } from '../support/requests.ts';

let azurite: Azurite;
let clients: StorageClients;
let store: MessageStore;
before(async () => {
  azurite = await startAzurite();
  clients = storageClients({ kind: 'connectionString', connectionString: azurite.connectionString });
  store = tableMessages(clients);
});
after(() => azurite.close());

async function inserted(changes: Partial<MessageRecord> = {}): Promise<string> {
  const { claim: _claim, ...rest } = messageRecord(['ada@example.com']);
  const id = newMessageId(NOW_MS, randomBytes(10));
  await store.insert({ ...rest, id, status: 'queued', ...changes }, undefined, { wakeAtMs: NOW_MS });
  return id;
}

test('a release whose answer was lost is known again, and so its wake-ups are put', async () => {
  const ids = await Promise.all(Array.from({ length: 7 }, () => inserted()));
  const rows = await store.openRows(NOW_MS, 5_000, { keep: row => ids.includes(row.id) });
  const wanted = rows.map(row => ({ row, wakeAtMs: NOW_MS }));
  const access = tableAccess(clients);
  let submits = 0;
  // As the SDK does it: the connection breaks behind the request, and its retry meets what that has done.
  const lossy: TableAccess = {
    ...access,
    async submit(operation, actions) {
      submits++;
      await access.submit(operation, actions);
      return access.submit(operation, actions);
    },
  };
  const released = await releaseRows(lossy, wanted, NOW_MS);
  assert.deepEqual(released.map(({ id }) => id).sort(), ids.toSorted());
  assert.equal(submits, 1);
  assert.deepEqual(await releaseRows(access, wanted, NOW_MS), [], 'another one’s release is not taken for our own');
});

test('open rows of older versions, which know neither their end nor when they were woken, are read as before', async () => {
  const [due, later] = [await inserted(), await inserted({ dueAtMs: NOW_MS + 3e9 })];
  const table = await clients.table('messages');
  for (const id of [due, later]) {
    const entity: Record<string, unknown> = await table.getEntity(partitionOf(id), openRow(id));
    const { endsAt, wokenAt, etag: _etag, timestamp: _time, ...old } = entity;
    assert.ok(endsAt && wokenAt);
    await table.updateEntity(old as { partitionKey: string; rowKey: string }, 'Replace');
  }
  const options = { endsByMs: NOW_MS + 1e12, keep: (row: { id: string }) => row.id === due || row.id === later };
  const found = await store.openRows(NOW_MS, 5_000, options);
  assert.deepEqual(
    found.map(row => [row.id, row.wakeAtMs, row.endsAtMs, row.wokenAtMs]),
    [[due, NOW_MS, undefined, undefined]],
  );
});
