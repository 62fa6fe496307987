import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { readCode, readText, stringsOf, withoutComments } from './infra-reader.ts';

/** Tables of what is to come. Take out what the code names by now; a test says which. */
const PLANNED_TABLES: readonly string[] = [];

let bicep: string;
let code: string;

before(async () => {
  bicep = withoutComments(await readText('infra/modules/storage.bicep'));
  code = await readCode();
});

/** What the code names by constants like REQUESTS_QUEUE. */
function namedInCode(kind: 'QUEUE' | 'TABLE' | 'CONTAINER'): string[] {
  const pattern = new RegExp(`const \\w+_${kind} = '([^']+)'`, 'g');
  const found = [...code.matchAll(pattern)].map(match => match[1] ?? '');
  assert.ok(found.length > 0, `no ${kind} found in code`);
  return found.toSorted();
}

test('the queues are those that the code names, each with its poison queue', () => {
  assert.deepEqual(stringsOf(bicep, 'queueNames').toSorted(), namedInCode('QUEUE'));
  assert.match(bicep, /for queue in concat\(queueNames, map\(queueNames, one => '\$\{one\}-poison'\)\)/);
});

test('every queue that a function listens on is there', async () => {
  const main = await readText('functions/main.ts');
  const listened = [...main.matchAll(/\bqueue\(\s*'\w+',\s*'([^']+)'/g)].map(match => match[1] ?? '');
  assert.ok(listened.length >= 4);
  for (const name of listened) assert.ok(stringsOf(bicep, 'queueNames').includes(name), name);
});

test('the tables are those that the code names', () => {
  const named = namedInCode('TABLE');
  const planned = stringsOf(bicep, 'tableNames').filter(name => !named.includes(name));
  assert.deepEqual(planned.toSorted(), PLANNED_TABLES.toSorted(), 'what the code names by now is planned no longer');
  for (const name of named) assert.ok(stringsOf(bicep, 'tableNames').includes(name), name);
});

test('the containers are those that the code names, and one for the package', () => {
  assert.deepEqual(stringsOf(bicep, 'containerNames').toSorted(), namedInCode('CONTAINER'));
  assert.match(bicep, /for container in concat\(containerNames, \[deploymentContainerName\]\)/);
});

test('content is never taken away by a lifecycle rule while a message may still need it', () => {
  const days = Number(/var contentOrphanDays = (\d+)/.exec(bicep)?.[1]);
  const [sendAt, deadline, retention] = [7, 7, 30];
  assert.ok(days > sendAt + deadline + retention, `${days} days`);
  const covered = [...bicep.matchAll(/\{ container: '([^']+)', days: \w+ \}/g)].map(match => match[1] ?? '');
  assert.deepEqual(covered.toSorted(), ['mail-content', 'mail-intake', 'mail-poison']);
});

test('no keys, no public blobs, TLS 1.2', () => {
  assert.match(bicep, /allowSharedKeyAccess: false/);
  assert.match(bicep, /allowBlobPublicAccess: false/);
  assert.match(bicep, /minimumTlsVersion: 'TLS1_2'/);
});
