import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { QueueServiceClient } from '@azure/storage-queue';
import { type Azurite, startAzurite } from '../../local/cloud/start-azurite.ts';
import { type Host, startHost } from '../../local/host/start-host.ts';
import { fixture, spawnHost, until } from './host-process.ts';

type Line = {
  event: 'run' | 'end';
  message: { n?: number; fail?: boolean; ms?: number };
  metadata: Record<string, unknown>;
  running: number;
  host: number;
};

let azurite: Azurite;
let service: QueueServiceClient;
let env: Record<string, string>;
const hosts: Host[] = [];
const lines: Line[] = [];
const warnings: string[] = [];

async function start(more: Record<string, string> = {}): Promise<Host> {
  const number = hosts.length;
  const host = await startHost({
    root: fixture('queue-app'),
    env: { ...env, ...more },
    log: ({ category, level, message }) => {
      if (category === 'user') lines.push({ ...(JSON.parse(message) as Line), host: number });
      else if (level !== 'information' && level !== 'debug') warnings.push(message);
    },
  });
  hosts.push(host);
  return host;
}

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');
const runsOf = (n: number) => lines.filter(line => line.event === 'run' && line.message.n === n);
const put = (queue: string, text: string) => service.getQueueClient(queue).sendMessage(text);
const take = async (queue: string) => (await service.getQueueClient(queue).receiveMessages()).receivedMessageItems;
const length = async (queue: string) => (await service.getQueueClient(queue).getProperties()).approximateMessagesCount;

before(async () => {
  azurite = await startAzurite();
  service = QueueServiceClient.fromConnectionString(azurite.connectionString);
  await service.getQueueClient('work').create();
  env = {
    AzureWebJobsStorage: azurite.connectionString,
    LATE_QUEUE: 'late-queue',
    ByIdentity__queueServiceUri: 'https://x.queue.core.windows.net',
  };
  await start();
});
after(async () => {
  await Promise.all(hosts.map(host => host.close()));
  await azurite.close();
});

test('gives the handler the message and its metadata, then deletes it', async () => {
  const sent = await put('work', base64({ n: 1 }));
  const [run] = await until('the run', () => runsOf(1).length > 0 && runsOf(1));
  assert.ok(run);
  const { metadata } = run;
  assert.deepEqual(Object.keys(metadata).sort(), [
    'dequeueCount',
    'expirationTime',
    'id',
    'insertionTime',
    'n',
    'nextVisibleTime',
    'popReceipt',
    'queueTrigger',
  ]);
  assert.equal(metadata['id'], sent.messageId);
  assert.equal(metadata['dequeueCount'], 1);
  assert.match(String(metadata['insertionTime']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$/);
  const leaseMs = Date.parse(String(metadata['nextVisibleTime'])) - Date.now();
  assert.ok(Math.abs(leaseMs - 600_000) < 5000, `hidden for ${leaseMs} ms`);
  await until('the deletion', async () => (await length('work')) === 0);
});

test('lets members of the message hide the metadata of the same name, whatever their case', async () => {
  await put('work', base64({ n: 2, ID: 'mine', dequeuecount: 'many' }));
  const [run] = await until('the run', () => runsOf(2).length > 0 && runsOf(2));
  assert.equal(run?.metadata['id'], 'mine');
  assert.equal(run?.metadata['dequeueCount'], 'many');
});

test('retries a failed message and moves it, raw, to the poison queue after the third run', async () => {
  const text = base64({ n: 3, fail: true });
  await put('work', text);
  const [poison] = await until('the poison message', async () => {
    const found = await take('work-poison').catch(() => []);
    return found.length > 0 && found;
  });
  assert.equal(poison?.messageText, text);
  const days = ((poison?.expiresOn.getTime() ?? 0) - Date.now()) / 86_400_000;
  assert.ok(Math.abs(days - 7) < 0.1, `lives for ${days} days`);
  assert.deepEqual(
    runsOf(3).map(run => run.metadata['dequeueCount']),
    [1, 2, 3],
  );
  await until('the deletion', async () => (await length('work')) === 0);
});

test('moves a message that is no base64 to the poison queue without a run', async () => {
  await service.getQueueClient('work-poison').clearMessages();
  const before = lines.length;
  await put('work', '{"n":4}');
  const [poison] = await until('the poison message', async () => {
    const found = await take('work-poison');
    return found.length > 0 && found;
  });
  assert.equal(poison?.messageText, '{"n":4}');
  assert.equal(lines.length, before);
  assert.ok(warnings.some(text => /not valid base64/.test(text)));
});

test('works on at most batchSize + newBatchThreshold messages at once', async () => {
  for (let n = 50; n < 60; n++) await put('work', base64({ n, ms: 60 }));
  await until(
    'ten runs',
    () => lines.filter(line => line.event === 'end' && (line.message.n ?? 0) >= 50).length === 10,
  );
  const most = Math.max(...lines.filter(line => (line.message.n ?? 0) >= 50).map(line => line.running ?? 0));
  assert.ok(most > 1 && most <= 3, `${most} at once`);
});

test('waits for a queue that does not exist yet', async () => {
  await service.getQueueClient('late-queue').create();
  await put('late-queue', base64({ n: 6 }));
  await until('the run', () => runsOf(6).length > 0);
});

test('says why a function cannot listen and runs the others', () => {
  const [host] = hosts;
  const why = (name: string) => host?.functions.find(fn => fn.name === name)?.error;
  assert.match(why('nowhere') ?? '', /'NoSuchConnection' does not exist/);
  assert.match(why('identity') ?? '', /by identity \(ByIdentity__queueServiceUri\)/);
  assert.equal(why('work'), undefined);
});

test('runs a queue function by hand: no id, dequeue count 0', async () => {
  await hosts[0]?.trigger('work', '{"n":7}');
  assert.equal(runsOf(7)[0]?.metadata['dequeueCount'], 0);
  assert.ok(!('id' in (runsOf(7)[0]?.metadata ?? {})));
  await assert.rejects(async () => hosts[0]?.trigger('work', '{"n":7,"fail":true}'), /asked to fail/);
});

test('keeps a message hidden while its function runs longer than the lease', async () => {
  await hosts[0]?.close();
  await start({ LOCAL_HOST_LEASE_SECONDS: '1' });
  await put('work', base64({ n: 8, ms: 1600 }));
  await until('the end', () => lines.some(line => line.event === 'end' && line.message.n === 8));
  assert.equal(runsOf(8).length, 1);
  await until('the deletion', async () => (await length('work')) === 0);
});

test('shares a queue with another host: every message runs once', async () => {
  await start();
  for (let n = 100; n < 120; n++) await put('work', base64({ n, ms: 20 }));
  await until(
    'all runs',
    () => lines.filter(line => line.event === 'end' && (line.message.n ?? 0) >= 100).length === 20,
  );
  const runs = lines.filter(line => line.event === 'run' && (line.message.n ?? 0) >= 100);
  assert.equal(runs.length, 20);
  assert.equal(new Set(runs.map(run => run.host)).size, 2, 'both hosts took part');
});

test('a host that is killed gives its message back when the lease ends', async () => {
  await Promise.all(hosts.map(host => host.close()));
  const killed = await spawnHost('queue-app', { ...env, LOCAL_HOST_LEASE_SECONDS: '1' });
  await put('work', base64({ n: 9, firstMs: 60_000 }));
  await until('its start', () => killed.lines.some(line => line.includes('"n":9')));
  await killed.stop('SIGKILL');
  await start();
  const [run] = await until('the second run', () => runsOf(9).length > 0 && runsOf(9));
  assert.equal(run?.metadata['dequeueCount'], 2);
});
