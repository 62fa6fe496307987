import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Azurite, startAzurite } from '../../local/cloud/start-azurite.ts';
import { storageClients } from '../../shared/adapters/storage/storage-clients.ts';
import { tableIncidents } from '../../shared/adapters/storage/table-incidents.ts';
import { type ClosedIncident, QUIET } from '../../shared/domain/incident.ts';
import type { WatchRow, WatchStore } from '../../shared/domain/incident-store.ts';
import { newMessageId } from '../../shared/domain/message-id.ts';
import { NOW_MS } from '../support/requests.ts';

let azurite: Azurite;
let store: WatchStore;
before(async () => {
  azurite = await startAzurite();
  store = tableIncidents(storageClients({ kind: 'connectionString', connectionString: azurite.connectionString }));
});
after(() => azurite.close());

const DAY_MS = 86_400_000;
const row = (key: string, recent = 'f'): WatchRow => ({ key, subject: { ...QUIET, recent }, notices: [] });
function closed(closedAtMs: number, number: number): ClosedIncident {
  const id = newMessageId(closedAtMs, new Uint8Array(10).fill(number));
  return { id, code: 'tcp_timeout', mailboxes: ['a@b.c'], sinceMs: closedAtMs - 1, closedAtMs, isAcknowledged: false };
}

test('a fresh account has no rows, and makes its table with the first write', async () => {
  assert.deepEqual(await store.list(), []);
  assert.equal(await store.read('mailbox:nobody'), undefined);
  assert.deepEqual(await store.closed(0), []);
});

test('of two who write on the same ETag, one wins; the other is told and nothing of his stays', async () => {
  const key = 'mailbox:o\'neil/?#\\%+"ü@contoso.com';
  const first = await store.write(row(key), undefined);
  assert.ok(first.ok);
  assert.deepEqual(await store.write(row(key, 'ff'), undefined), { ok: false, reason: 'conflict' });
  const [a, b] = await Promise.all([store.write(row(key, 'fg'), first.etag), store.write(row(key, 'fgg'), first.etag)]);
  assert.equal([a, b].filter(result => result.ok).length, 1);
  const stored = await store.read(key);
  assert.deepEqual(stored?.row, row(key, a.ok ? 'fg' : 'fgg'));
  assert.equal(stored?.etag, a.ok ? a.etag : b.ok ? b.etag : '');
  assert.deepEqual(await store.remove(key, first.etag), { ok: false, reason: 'conflict' });
  assert.ok((await store.remove(key, stored?.etag ?? '')).ok);
  assert.deepEqual(await store.remove(key, stored?.etag ?? ''), { ok: false, reason: 'conflict' });
  assert.deepEqual(await store.write(row(key), stored?.etag), { ok: false, reason: 'conflict' });
});

test('an incident that ends is kept with the same write, or not at all when the write is lost', async () => {
  const first = await store.write(row('mailbox:x'), undefined);
  assert.ok(first.ok);
  const [one, two, three] = [closed(NOW_MS, 1), closed(NOW_MS + 5, 2), closed(NOW_MS + 5, 3)];
  const second = await store.write(row('mailbox:x', 'fg'), first.etag, one);
  assert.ok(second.ok);
  assert.equal((await store.write(row('mailbox:x', 'ff'), first.etag, two)).ok, false);
  assert.deepEqual(await store.closed(0), [one]);
  const third = await store.write(row('mailbox:x', 'g'), second.etag, two);
  assert.ok(third.ok);
  assert.ok((await store.write(row('mailbox:x', 'gg'), third.etag, three)).ok);
  assert.deepEqual(
    (await store.closed(0)).map(({ id }) => id),
    [two.id, three.id, one.id],
    'newest first',
  );
  assert.deepEqual(
    (await store.closed(NOW_MS + 1)).map(({ id }) => id),
    [two.id, three.id],
  );
  assert.deepEqual((await store.closed(NOW_MS)).length, 3);
  assert.equal((await store.list()).length, 1);
});

test('old ones are forgotten, the others stay', async () => {
  const old = Array.from({ length: 120 }, (_, index) => closed(NOW_MS - 40 * DAY_MS + index, index % 250));
  let etag: string | undefined;
  for (const one of old) {
    const result = await store.write(row('mailbox:old'), etag, one);
    assert.ok(result.ok);
    etag = result.etag;
  }
  assert.equal(await store.forget(NOW_MS - 30 * DAY_MS), 120);
  assert.equal(await store.forget(NOW_MS - 30 * DAY_MS), 0);
  assert.equal((await store.closed(0)).length, 3);
});

test('a row that names a thousand mailboxes is read as it was written', async () => {
  const mailboxes = Array.from({ length: 1000 }, (_, index) => `a-rather-long-name-${index}@contoso.com`);
  const notice = {
    id: 'x_opened',
    type: 'incident.opened',
    atMs: NOW_MS,
    incidentId: 'x',
    mailboxes,
    code: 'vault_forbidden',
    sinceMs: NOW_MS,
    waiting: [{ channel: 'log', tries: 0, nextAtMs: NOW_MS }],
  } as const;
  const large: WatchRow = { key: 'vault', notices: [notice, { ...notice, id: 'x_updated_1' }] };
  assert.ok((await store.write(large, undefined)).ok);
  assert.deepEqual((await store.read('vault'))?.row, large);
});
