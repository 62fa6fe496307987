import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { TableClient } from '@azure/data-tables';
import { type StorageGates, startStorageGates } from '../../faults/support/storage-gates.ts';
import { type Azurite, startAzurite } from '../../local/cloud/start-azurite.ts';
import { storageClients } from '../../shared/adapters/storage/storage-clients.ts';
import { tableCallerUsage } from '../../shared/adapters/storage/table-caller-usage.ts';
import { tableMailboxes } from '../../shared/adapters/storage/table-mailboxes.ts';
import { NO_USAGE } from '../../shared/domain/caller-usage.ts';
import { type MailboxState, NEW_MAILBOX } from '../../shared/domain/pacing.ts';
import { type StorageProxy, startStorageProxy } from '../support/storage-proxy.ts';

let azurite: Azurite;
let gates: StorageGates;
let proxy: StorageProxy;
before(async () => {
  azurite = await startAzurite();
  gates = await startStorageGates(azurite.connectionString);
  proxy = await startStorageProxy(gates.connectionString);
  await mailboxes().write('warm@contoso.com', NEW_MAILBOX, undefined);
  await tableCallerUsage(clients()).write('caller:warm', NO_USAGE, undefined);
});
after(async () => {
  await proxy.close();
  await gates.close();
  await azurite.close();
});
beforeEach(() => void proxy.take());

const clients = () => storageClients({ kind: 'connectionString', connectionString: proxy.connectionString });
const mailboxes = () => tableMailboxes(clients());
const at = (nextTurnMs: number): MailboxState => ({ ...NEW_MAILBOX, nextTurnMs });

/** What comes of `call` when its first request is done and the answer to it is lost. */
async function losingFirstAnswer<T>(call: () => Promise<T>): Promise<T> {
  const { table } = gates.gates;
  const met = table.met();
  await table.set({ kind: 'answerLost' });
  const result = call();
  while (table.met() === met) await nextTurn();
  await table.set(undefined);
  return result;
}

test('a mailbox is read as it was written, whatever its letters; a write is one call', async () => {
  const store = mailboxes();
  for (const mailbox of ['Billing@Contoso.com', "o'brien/#?%@contoso.com", 'zoë@contoso.com']) {
    assert.equal(await store.read(mailbox), undefined);
    proxy.take();
    const made = await store.write(mailbox, at(1), undefined);
    assert.deepEqual(proxy.take(), ['table: POST entity']);
    assert.ok(made.ok);
    const changed = await store.write(mailbox.toUpperCase(), at(2), made.etag);
    assert.deepEqual(proxy.take(), ['table: PUT entity']);
    assert.ok(changed.ok);
    assert.notEqual(changed.etag, made.etag);
    assert.deepEqual(await store.read(mailbox), { state: at(2), etag: changed.etag });
    const listed = (await store.list()).find(one => one.mailbox === mailbox.toLowerCase());
    assert.deepEqual(listed?.state, at(2));
  }
});

test('whoever looks at the table sees mailbox and breaker, and members that an older version did not write are filled in', async () => {
  const table = TableClient.fromConnectionString(azurite.connectionString, 'mailboxes', {
    allowInsecureConnection: true,
  });
  await mailboxes().write('Seen@contoso.com', at(1), undefined);
  const key = ['m', Buffer.from('seen@contoso.com').toString('base64url')] as const;
  const row = await table.getEntity<{ mailbox: string; breaker: string }>(...key);
  assert.deepEqual([row.mailbox, row.breaker], ['seen@contoso.com', 'closed']);
  await table.updateEntity({ partitionKey: key[0], rowKey: key[1], doc: '{"nextTurnMs":7}' }, 'Replace');
  assert.deepEqual((await mailboxes().read('seen@contoso.com'))?.state, at(7));
});

test('a write that was done and whose answer was lost is done: the first one and a later one', async () => {
  const store = mailboxes();
  const made = await losingFirstAnswer(() => store.write('lost@contoso.com', at(1), undefined));
  assert.ok(made.ok);
  assert.deepEqual(await store.read('lost@contoso.com'), { state: at(1), etag: made.etag });
  const changed = await losingFirstAnswer(() => store.write('lost@contoso.com', at(2), made.etag));
  assert.ok(changed.ok);
  assert.deepEqual(await store.read('lost@contoso.com'), { state: at(2), etag: changed.etag });
  assert.ok((await store.write('lost@contoso.com', at(3), changed.etag)).ok, 'the ETag is good for the next write');
});

test('so it is for callers', async () => {
  const store = tableCallerUsage(clients());
  const made = await losingFirstAnswer(() => store.write('caller:lost', NO_USAGE, undefined));
  assert.equal((await store.read('caller:lost'))?.etag, made);
  const changed = await losingFirstAnswer(() => store.write('caller:lost', NO_USAGE, made));
  assert.ok(changed);
  assert.notEqual(changed, made);
  assert.equal((await store.read('caller:lost'))?.etag, changed);
});

test('a real conflict is one, and costs no more than the write itself', async () => {
  const store = mailboxes();
  const made = await store.write('both@contoso.com', at(1), undefined);
  assert.ok(made.ok);
  assert.ok((await mailboxes().write('both@contoso.com', at(2), made.etag)).ok);
  proxy.take();
  const conflict = { ok: false, reason: 'conflict' };
  assert.deepEqual(await store.write('both@contoso.com', at(3), made.etag), conflict);
  assert.deepEqual(proxy.take(), ['table: PUT entity']);
  assert.deepEqual(await store.write('both@contoso.com', at(3), undefined), conflict);
  assert.deepEqual(proxy.take(), ['table: POST entity']);
  assert.deepEqual(await store.write('never-there@contoso.com', at(3), made.etag), conflict);
  assert.deepEqual((await store.read('both@contoso.com'))?.state, at(2));
});

test('a conflict whose answer was lost is still one', async () => {
  const store = mailboxes();
  const made = await store.write('late@contoso.com', at(1), undefined);
  assert.ok(made.ok);
  assert.ok((await mailboxes().write('late@contoso.com', at(2), made.etag)).ok);
  for (const etag of [made.etag, undefined]) {
    const result = await losingFirstAnswer(() => store.write('late@contoso.com', at(3), etag));
    assert.deepEqual(result, { ok: false, reason: 'conflict' });
  }
  assert.deepEqual((await store.read('late@contoso.com'))?.state, at(2));
});
