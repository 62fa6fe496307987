import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type Azurite, startAzurite } from '../../local/cloud/start-azurite.ts';
import { type StorageClients, storageClients } from '../../shared/adapters/storage/storage-clients.ts';
import { tableMessages } from '../../shared/adapters/storage/table-messages.ts';
import { tableOutbox } from '../../shared/adapters/storage/table-outbox.ts';
import { eventNoter } from '../../shared/domain/event-task.ts';
import { type EventOutbox, eventOf } from '../../shared/domain/events.ts';
import { newMessageId } from '../../shared/domain/message-id.ts';
import type { OpenRowChange } from '../../shared/domain/message-ports.ts';
import type { MessageRecord } from '../../shared/domain/message-record.ts';
import { messageRecord } from '../support/records.ts';
import { NOW_MS } from '../support/requests.ts';

const webhook = {
  url: { kind: 'value', value: 'https://hooks.example.com' },
  secret: { kind: 'value', value: '' },
  types: ['message.sent', 'message.failed'],
  allowPrivate: false,
} as const;

let azurite: Azurite;
let clients: StorageClients;
let outbox: EventOutbox;
before(async () => {
  azurite = await startAzurite();
  clients = storageClients({ kind: 'connectionString', connectionString: azurite.connectionString });
  outbox = tableOutbox(clients);
});
after(() => azurite.close());

let made = 0;
async function written(changes: Partial<MessageRecord>, change: OpenRowChange, webhooks = [webhook]) {
  const store = tableMessages(clients, eventNoter(webhooks));
  const { claim: _claim, ...rest } = messageRecord();
  const record = { ...rest, id: newMessageId(NOW_MS + made++, randomBytes(10)) };
  await store.insert(record, undefined, {});
  const stored = await store.read(record.id);
  assert.ok(stored);
  const next = { ...record, ...changes };
  const result = await store.write(next, stored.etag, change);
  assert.ok(result.ok);
  return { store, next, etag: result.etag };
}

const sent = {
  status: 'sent',
  finalAtMs: NOW_MS,
  events: [{ atMs: NOW_MS, status: 'sent', attempt: 3 }],
} as const;

test('an outcome that a webhook wants leaves its note in the same write, and `done` takes it away', async () => {
  const { next } = await written(sent, { kind: 'remove' });
  assert.deepEqual(await outbox.pending(10), [eventOf(next)]);
  assert.deepEqual(await outbox.pending(10), [{ messageId: next.id, status: 'sent', atMs: NOW_MS, attempt: 3 }]);
  await outbox.done(eventOf(next) ?? assert.fail());
  assert.deepEqual(await outbox.pending(10), []);
  await outbox.done(eventOf(next) ?? assert.fail());
});

test('no note: a lost race, a type that nobody wants, a phase, a wait that goes on, a store without webhooks', async () => {
  const { store, next } = await written({ status: 'sending' }, { kind: 'untouched' });
  assert.equal((await store.write({ ...next, ...sent }, 'W/"other"', { kind: 'remove' })).ok, false);
  await written({ status: 'cancelled', finalAtMs: NOW_MS }, { kind: 'remove' });
  await written({ status: 'failed' }, { kind: 'put', isWaiting: true });
  await written(sent, { kind: 'remove' }, []);
  assert.deepEqual(await outbox.pending(10), []);
});

test('a request refused on the queue is noted when it is recorded', async () => {
  const store = tableMessages(clients, eventNoter([webhook]));
  const refused = messageRecord([], {
    id: newMessageId(NOW_MS, randomBytes(10)),
    status: 'failed',
    events: [{ atMs: NOW_MS, status: 'failed', code: 'request_invalid' }],
  });
  await store.insert(refused, undefined, {});
  assert.deepEqual(
    (await outbox.pending(10)).map(event => event.messageId),
    [refused.id],
  );
});
