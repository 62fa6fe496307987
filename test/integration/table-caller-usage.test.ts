import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Azurite, startAzurite } from '../../local/cloud/start-azurite.ts';
import { storageClients } from '../../shared/adapters/storage/storage-clients.ts';
import { tableCallerUsage } from '../../shared/adapters/storage/table-caller-usage.ts';

let azurite: Azurite;
before(async () => {
  azurite = await startAzurite();
});
after(() => azurite.close());

const open = () =>
  tableCallerUsage(storageClients({ kind: 'connectionString', connectionString: azurite.connectionString }));

test('usage is read as it was written, in a fresh account too, for any name', async () => {
  const store = open();
  const usage = { minute: [[1, 2]], day: [[3, 4]] } as const;
  for (const id of ['caller:shop', 'caller:Zoë / “shop” #1?%', `caller:${'ü'.repeat(64)}`]) {
    assert.equal(await store.read(id), undefined);
    const etag = await store.write(id, usage, undefined);
    assert.deepEqual(await store.read(id), { usage, etag });
  }
});

test('of two writers one loses, at the first write and at later ones', async () => {
  const [one, two] = [open(), open()];
  const usage = { minute: [], day: [] };
  const first = await Promise.all([one.write('caller:a', usage, undefined), two.write('caller:a', usage, undefined)]);
  assert.equal(first.filter(etag => etag !== undefined).length, 1);
  const etag = (await one.read('caller:a'))?.etag;
  const second = await Promise.all([one.write('caller:a', usage, etag), two.write('caller:a', usage, etag)]);
  assert.equal(second.filter(next => next !== undefined).length, 1);
});

test('a day’s worth of slots fits a row', async () => {
  const store = open();
  const slots = Array.from({ length: 146 }, (_, index) => [2_990_000 + index, 100_000] as const);
  assert.ok(await store.write('caller:b', { minute: slots.slice(0, 62), day: slots }, undefined));
  assert.equal((await store.read('caller:b'))?.usage.day.length, 146);
});
