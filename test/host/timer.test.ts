import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BlobServiceClient } from '@azure/storage-blob';
import { type Azurite, startAzurite } from '../../local/cloud/start-azurite.ts';
import { type Host, startHost } from '../../local/host/start-host.ts';
import { fixture, until } from './host-process.ts';

type Line = {
  name: string;
  event?: 'begin' | 'end';
  schedule?: object;
  scheduleStatus?: object | null;
  isPastDue?: boolean;
  host: number;
  at: number;
};

let azurite: Azurite;
let env: Record<string, string>;
const lines: Line[] = [];
const hosts: Host[] = [];

async function start(more: Record<string, string> = {}): Promise<Host> {
  const number = hosts.length;
  const host = await startHost({
    root: fixture('timer-app'),
    env: { ...env, ...more },
    log: ({ category, message }) => {
      if (category === 'user') lines.push({ ...(JSON.parse(message) as Line), host: number, at: Date.now() });
    },
  });
  hosts.push(host);
  return host;
}

const linesOf = (name: string, host: number) => lines.filter(line => line.name === name && line.host === host);

before(async () => {
  azurite = await startAzurite();
  env = {
    AzureWebJobsStorage: azurite.connectionString,
    EAGER_SCHEDULE: '0 0 0 1 1 *',
    AzureFunctionsWebHost__hostid: 'timers',
    LOCAL_HOST_TIMER_RETRY_SECONDS: '0.2',
  };
  await start();
});
after(async () => {
  await Promise.all(hosts.map(host => host.close()));
  await azurite.close();
});

test('fires each second, at the second, with the payload of an unmonitored timer', async () => {
  const [first, second] = await until('two runs', () => {
    const found = linesOf('second', 0);
    return found.length > 1 && found;
  });
  assert.ok(first && second);
  assert.ok(first.at % 1000 < 300, `came ${first.at % 1000} ms late`);
  assert.ok(Math.abs(second.at - first.at - 1000) < 300);
  assert.deepEqual(first.schedule, { adjustForDST: true });
  assert.equal(first.scheduleStatus, null);
  assert.equal(first.isPastDue, false);
});

test('runs at start-up what asks for it, its schedule taken from a setting', async () => {
  const [eager] = await until('the run', () => linesOf('eager', 0).length > 0 && linesOf('eager', 0));
  const year = new Date().getUTCFullYear() + 1;
  assert.partialDeepStrictEqual(eager?.scheduleStatus, {
    last: '0001-01-01T00:00:00+00:00',
    next: `${year}-01-01T00:00:00+00:00`,
  });
});

test('leaves out a timer whose setting is not set or whose schedule is wrong, and says so', () => {
  const why = (name: string) => hosts[0]?.functions.find(fn => fn.name === name)?.error ?? '';
  assert.match(why('unset'), /'%NO_SUCH_SETTING%' does not resolve to a value/);
  assert.match(why('wrong'), /'61' in the second field must be between 0 and 59/);
  assert.equal(why('second'), '');
});

test('does not start a timer again while it runs', async () => {
  const runs = await until('runs', () => linesOf('long', 0).length > 3 && linesOf('long', 0));
  assert.deepEqual(
    runs.slice(0, 4).map(line => line.event),
    ['begin', 'end', 'begin', 'end'],
  );
});

test('fires a timer by hand, through the host and through POST /admin/functions', async () => {
  await hosts[0]?.trigger('yearly');
  assert.equal(linesOf('yearly', 0).length, 1);
  const response = await fetch(`${hosts[0]?.url}/admin/functions/YEARLY`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"input":""}',
  });
  assert.equal(response.status, 202);
  await until('the run', () => linesOf('yearly', 0).length === 2);
  const post = (path: string, body: string) =>
    fetch(`${hosts[0]?.url}/admin/functions/${path}`, { method: 'POST', body }).then(answer => answer.status);
  assert.equal(await post('nobody', '{}'), 404);
  assert.equal(await post('yearly', 'no json'), 400);
});

test('of two hosts on one storage account one runs the timers; the other takes over when it ends', async () => {
  await start();
  const before = linesOf('long', 0).length;
  await until('more runs', () => linesOf('long', 0).length > before + 3);
  assert.deepEqual(
    lines.filter(line => line.host === 1),
    [],
  );
  await hosts[0]?.close();
  await until('a run by the other', () => linesOf('long', 1).length > 0);
});

test('makes up for a run that was missed while no host was up', async () => {
  await hosts[1]?.close();
  const year = new Date().getUTCFullYear();
  const status = { Last: `${year - 1}-01-01T00:00:00+00:00`, Next: `${year}-01-01T00:00:00+00:00` };
  const text = JSON.stringify({ ...status, LastUpdated: status.Last });
  const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
    'azure-webjobs-hosts',
  );
  await container.getBlockBlobClient('timers/timers/Host.Functions.yearly/status').upload(text, text.length);
  await start();
  const [run] = await until('the run', () => linesOf('yearly', 2).length > 0 && linesOf('yearly', 2));
  assert.equal(run?.isPastDue, true);
  await hosts[2]?.close();
  await start();
  await until('another run', () => linesOf('long', 3).length > 0);
  assert.equal(linesOf('yearly', 3).length, 0, 'it is made up for once');
});

test('runs timers alone when there is no storage', async () => {
  await start({ AzureWebJobsStorage: '' });
  await until('a run', () => linesOf('long', hosts.length - 1).length > 0);
});
