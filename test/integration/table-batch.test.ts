import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import {
  AzureNamedKeyCredential,
  generateAccountSas,
  TableClient,
  type TableEntity,
  type TransactionAction,
} from '@azure/data-tables';
import { type Azurite, startAzurite } from '../../local/cloud/start-azurite.ts';
import { storageClients } from '../../shared/adapters/storage/storage-clients.ts';
import { statusOf, storageCodeOf } from '../../shared/adapters/storage/storage-fault.ts';
import { tableAccess } from '../../shared/adapters/storage/table-access.ts';
import { submitBatch } from '../../shared/adapters/storage/table-batch.ts';

let azurite: Azurite;
/** Two tables for the same actions: one written to by the SDK, one by us. */
let theirs: TableClient;
let ours: TableClient;

const open = (name: string) =>
  TableClient.fromConnectionString(azurite.connectionString, name, { allowInsecureConnection: true });

before(async () => {
  azurite = await startAzurite();
  [theirs, ours] = [open('theirs'), open('ours')];
  await Promise.all([theirs.createTable(), ours.createTable()]);
});
after(() => azurite.close());

async function entitiesOf(table: TableClient, partition: string): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for await (const entity of table.listEntities({ queryOptions: { filter: `PartitionKey eq '${partition}'` } })) {
    const { etag: _etag, timestamp: _timestamp, ...rest } = entity as Record<string, unknown>;
    found.push(rest);
  }
  return found;
}

async function failureOf(submission: Promise<unknown>): Promise<unknown> {
  try {
    await submission;
  } catch (error) {
    return { status: statusOf(error), code: storageCodeOf(error) };
  }
  return 'done';
}

/** Does the same with both tables and expects the same of both. `actions` gets the ETags that the last step gave. */
async function both(partition: string, ...steps: ((etags: readonly (string | undefined)[]) => TransactionAction[])[]) {
  let [sdk, own]: (readonly (string | undefined)[])[] = [[], []];
  for (const step of steps) {
    sdk = (await theirs.submitTransaction(step(sdk ?? []))).subResponses.map(part => part.etag);
    own = await submitBatch(ours, step(own ?? []));
    assert.deepEqual(
      own.map(etag => etag !== undefined),
      sdk.map(etag => etag !== undefined),
    );
  }
  const found = await entitiesOf(ours, partition);
  assert.deepEqual(found, await entitiesOf(theirs, partition));
  return { found, etags: own };
}

const mixed = (partitionKey: string, rowKey: string): TableEntity => ({
  partitionKey,
  rowKey,
  text: 'Grüße 🎉 \u2028 "quoted" \\ \u0000\u0001\u001f\u007f \r\n--changeset_x--\r\n {}{',
  // The most that a string property holds: 32 Ki UTF-16 units, 64 KiB.
  long: 'ü"\\\''.repeat(8192),
  empty: '',
  whole: -2_147_483_648,
  part: 1.5,
  yes: true,
  bytes: randomBytes(1000),
  gone: undefined,
});

test('every kind of operation leaves the entities that the SDK leaves', async () => {
  const one = mixed('all', '1');
  // What Azurite cannot read in the SDK's own request: it takes U+2028 for the end of a line.
  one['text'] = String(one['text']).replace('\u2028', '');
  const key = (rowKey: string, more = {}): TableEntity => ({ partitionKey: 'all', rowKey, ...more });
  const { found } = await both(
    'all',
    () => [
      ['create', one],
      ['create', key('2', { a: 1, b: 2 })],
      ['create', key('3', { a: 1, b: 2 })],
      ['create', key('4')],
      ['upsert', key('5', { a: 1 }), 'Merge'],
      ['upsert', key('6', { a: 1 }), 'Replace'],
    ],
    etags => [
      ['update', key('2', { b: 3 }), 'Merge', { etag: etags[1] ?? '' }],
      ['update', key('3', { b: 3 }), 'Replace', { etag: etags[2] ?? '' }],
      ['delete', key('4')],
      ['upsert', key('5', { b: 2 }), 'Merge'],
      ['upsert', key('6', { b: 2 }), 'Replace'],
    ],
    // A single operation, and with the ETags of the step before: they are good for the next write.
    etags => [['update', key('2', { c: 1 }), 'Merge', { etag: etags[0] ?? '' }]],
  );
  assert.equal(found.length, 5);
});

test('hostile texts and bytes come back as they were', async () => {
  const entity = mixed('hostile', '1');
  await submitBatch(ours, [['create', entity]]);
  const { gone: _gone, ...expected } = entity;
  const [found] = await entitiesOf(ours, 'hostile');
  assert.deepEqual({ ...found, bytes: Buffer.from(found?.['bytes'] as Uint8Array) }, expected);
});

test('bytes that are a part of a larger buffer are that part', async () => {
  const bytes = new Uint8Array([0, 1, 2, 3, 4]).subarray(1, 3);
  await submitBatch(ours, [['create', { partitionKey: 'part', rowKey: '1', bytes }]]);
  assert.deepEqual([...((await ours.getEntity('part', '1'))['bytes'] as Uint8Array)], [1, 2]);
});

test('keys with quotes, percent signs, spaces and other scripts', async () => {
  const keys = ["o'Brien", "''", '100%', '%27', 'a b+c&d=e', 'ключ-値-🎉', '(x,y)', "it's 100% ü"];
  const all = (more: object, kind: 'create' | 'upsert'): TransactionAction[] =>
    keys.map(rowKey => {
      const entity = { partitionKey: 'keys', rowKey, ...more };
      return kind === 'create' ? ['create', entity] : ['upsert', entity, 'Merge'];
    });
  const { found } = await both(
    'keys',
    () => all({ a: 1 }, 'create'),
    () => all({ b: 2 }, 'upsert'),
  );
  assert.equal(found.length, keys.length, 'the second step has found the rows of the first');
});

test('conflicts have the status and the code that the SDK reports, and change nothing', async () => {
  const key = (rowKey: string, more = {}): TableEntity => ({ partitionKey: 'conflicts', rowKey, ...more });
  await both('conflicts', () => [['create', key('1')]]);
  const stale = { etag: `W/"datetime'2020-01-01T00%3A00%3A00.0000000Z'"` };
  for (const [actions, expected] of [
    [[['create', key('1')]], { status: 409, code: 'EntityAlreadyExists' }],
    [
      [
        ['create', key('2')],
        ['create', key('1')],
      ],
      { status: 409, code: 'EntityAlreadyExists' },
    ],
    [
      [
        ['create', key('2')],
        ['update', key('1', { a: 1 }), 'Merge', stale],
      ],
      { status: 412, code: 'UpdateConditionNotSatisfied' },
    ],
    [[['update', key('none', { a: 1 }), 'Replace', stale]], { status: 404, code: 'ResourceNotFound' }],
    [[['update', key('none', { a: 1 }), 'Merge']], { status: 404, code: 'ResourceNotFound' }],
    [[['delete', key('none')]], { status: 404, code: 'ResourceNotFound' }],
  ] as [TransactionAction[], { status: number; code: string }][]) {
    const own = await failureOf(submitBatch(ours, actions));
    assert.deepEqual(own, await failureOf(theirs.submitTransaction(actions)));
    assert.deepEqual(own, expected);
  }
  assert.equal((await entitiesOf(ours, 'conflicts')).length, 1);
});

test('a hundred operations, and a megabyte of bytes', async () => {
  const rows = Array.from(
    { length: 100 },
    (_, i): TransactionAction => ['create', { partitionKey: 'many', rowKey: String(i) }],
  );
  assert.equal(new Set(await submitBatch(ours, rows)).has(undefined), false);
  assert.equal((await entitiesOf(ours, 'many')).length, 100);
  const bytes = Object.fromEntries(Array.from({ length: 14 }, (_, i) => [`b${i}`, randomBytes(65_536)]));
  await submitBatch(ours, [['create', { partitionKey: 'large', rowKey: '1', ...bytes }]]);
  assert.deepEqual(Buffer.from((await ours.getEntity('large', '1'))['b13'] as Uint8Array), bytes['b13']);
});

test('a table that is not there is made, once', async () => {
  const missing = { status: 404, code: 'TableNotFound' };
  const actions: TransactionAction[] = [['create', { partitionKey: 'm', rowKey: '1' }]];
  assert.deepEqual(await failureOf(submitBatch(open('missing'), actions)), missing);
  const clients = storageClients({ kind: 'connectionString', connectionString: azurite.connectionString });
  assert.equal((await tableAccess(clients, 'missing').submit('test', actions)).length, 1);
  assert.ok(await open('missing').getEntity('m', '1'));
});

test('a signature (SAS) authenticates the request, and a wrong key does not', async () => {
  const [, account = '', key = ''] = /AccountName=([^;]+);AccountKey=([^;]+)/.exec(azurite.connectionString) ?? [];
  const endpoint = /TableEndpoint=([^;]+)/.exec(azurite.connectionString)?.[1] ?? '';
  const sas = generateAccountSas(new AzureNamedKeyCredential(account, key), {
    expiresOn: new Date(Date.now() + 60_000),
  });
  const options = { allowInsecureConnection: true };
  const insert: TransactionAction[] = [['create', { partitionKey: 'sas', rowKey: '1' }]];
  await submitBatch(new TableClient(`${endpoint}?${sas}`, 'ours', options), insert);
  assert.ok(await ours.getEntity('sas', '1'));
  const wrongKey = Buffer.from('not the key').toString('base64');
  const stranger = new TableClient(endpoint, 'ours', new AzureNamedKeyCredential(account, wrongKey), options);
  const own = await failureOf(submitBatch(stranger, insert));
  assert.deepEqual((own as { status?: number }).status, 403);
});
