import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import type { LogEntry } from '../../local/host/log.ts';
import { type Host, startHost } from '../../local/host/start-host.ts';
import { fixture } from './host-process.ts';

const log: LogEntry[] = [];
let host: Host;

before(async () => {
  const env = { 'AzureWebJobs.off.Disabled': 'true' };
  host = await startHost({ root: fixture('classic-app'), env, keys: true, log: entry => log.push(entry) });
});
after(() => host.close());

type Shown = {
  name: string;
  url: string;
  params: Record<string, string>;
  query: [string, string][];
  headers: Record<string, string>;
  body: string;
};

const call = (path: string, init?: RequestInit) => fetch(`${host.url}/api/${path}`, init);
const show = async (path: string, init?: RequestInit) => (await (await call(path, init)).json()) as Shown;

test('sends the whole request as one message, repeated query values joined by commas', async () => {
  const seen = await show('hello?a=1&a=2&b=', { method: 'POST', body: 'text', headers: { 'X-Header': 'v' } });
  assert.equal(seen.url, `${host.url}/api/hello?a=1&a=2&b=`);
  assert.deepEqual(seen.query, [
    ['a', '1,2'],
    ['b', ''],
  ]);
  assert.equal(seen.headers['x-header'], 'v');
  assert.equal(seen.body, 'text');
});

test('gives a chunked request no body, as the host does without streaming', async () => {
  const body = await new Promise<string>((resolve, reject) => {
    const chunked = request(`${host.url}/api/hello`, { method: 'POST' }, async response => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve((JSON.parse(Buffer.concat(chunks).toString()) as Shown).body);
    });
    chunked.on('error', reject);
    chunked.write('some');
    chunked.end('thing');
  });
  assert.equal(body, '');
});

test('tries routes in the order of function names: the first that fits wins', async () => {
  const id = '0f8fad5b-d9cb-469f-a165-70867728950e';
  assert.equal((await show(`items/${id}`)).name, 'by-guid');
  assert.deepEqual((await show('ITEMS/Some%20thing')).params, { name: 'Some thing' });
  assert.deepEqual(await show('files/a/b%20c').then(seen => seen.params), { rest: 'a/b c' });
  assert.equal((await show('files/literal')).name, 'files', 'a catch-all hides a literal route of a later name');
});

test('leaves out a function with a bad route, says why, and serves the others', () => {
  const bad = host.functions.find(fn => fn.name === 'bad-route');
  assert.match(bad?.error ?? '', /nonsense/);
  assert.ok(log.some(entry => entry.level === 'error' && entry.message.includes("'bad-route'")));
});

test('answers 204 for nothing, 500 for a throw, 500 past the function time-out, 404 for a disabled function', async () => {
  assert.equal((await call('nothing')).status, 204);
  const failed = await call('throws');
  assert.deepEqual([failed.status, await failed.text()], [500, '']);
  assert.ok(log.some(entry => entry.category === 'system' && entry.level === 'error' && /boom/.test(entry.message)));
  assert.equal((await call('too-slow')).status, 500);
  assert.ok(log.some(entry => /Timeout value of 1000 ms exceeded/.test(entry.message)));
  assert.equal((await call('off')).status, 404);
});

test('writes status, headers and cookies; HEAD gets the headers only', async () => {
  const made = await call('cookies');
  assert.deepEqual([made.status, made.headers.get('x-many'), await made.text()], [201, 'b, c', 'made']);
  assert.deepEqual(made.headers.getSetCookie(), [
    'plain=a%20b; path=/',
    'full=v; max-age=60; path=/x; secure; samesite=strict; httponly',
  ]);
  const head = await call('hello', { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
  assert.ok(Number(head.headers.get('content-length')) > 0);
});

test('runs hooks around the handler: they may exchange it, drop its error and give another result', async () => {
  assert.deepEqual(await (await call('hooked')).json(), [
    'appStart in app',
    'pre',
    'handler',
    'post true taken away by the hook',
  ]);
});

test('shows the levels of the app that host.json asks for', async () => {
  await call('chatty');
  const lines = log.filter(entry => entry.functionName === 'chatty').map(entry => entry.message);
  assert.deepEqual(lines, ['shown by host.json', 'two\nlines']);
});

test('asks for keys: header or ?code=, per function, host and master', async () => {
  const keys = host.keys;
  assert.ok(keys);
  const status = async (path: string, key?: string) =>
    (await call(path, { headers: key ? { 'x-functions-key': key } : {} })).status;
  assert.equal(await status('hello'), 200);
  const refused = await call('with-key');
  assert.deepEqual([refused.status, await refused.text()], [401, '']);
  assert.equal(await status('with-key', keys.host), 200);
  assert.equal(await status('with-key', keys.functions['with-key']), 200);
  assert.equal(await status('with-key', keys.functions['with-key-too']), 401);
  assert.equal(await status('with-key', keys.master), 200);
  assert.equal((await call(`with-key?code=${keys.host}`)).status, 200);
  assert.equal(await status('master-only', keys.host), 401);
  assert.equal(await status('master-only', keys.master), 200);
  for (const path of ['host/status', 'functions', 'functions/hello']) {
    const url = `${host.url}/admin/${path}`;
    assert.equal((await fetch(url)).status, 401);
    assert.equal((await fetch(url, { headers: { 'x-functions-key': keys.host } })).status, 401);
    assert.equal((await fetch(url, { headers: { 'x-functions-key': keys.master } })).status, 200);
  }
});
