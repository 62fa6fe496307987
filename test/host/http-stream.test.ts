import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { type HostProcess, spawnHost, until } from './host-process.ts';

let host: HostProcess;

before(async () => {
  host = await spawnHost('stream-app', { LOCAL_HOST_PROXY_TIMEOUT_SECONDS: '0.5' });
});
after(() => host.stop());

type Echo = {
  method: string;
  url: string;
  params: Record<string, string>;
  query: [string, string][];
  headers: Record<string, string>;
  body: string;
};

async function echo(path: string, init?: RequestInit): Promise<Echo> {
  return (await (await fetch(`${host.url}/api/echo${path}`, init)).json()) as Echo;
}

test('gives the handler method, public url, headers, route parameters and repeated query values', async () => {
  const seen = await echo('/a%20b%2Fc?x=1&x=2&code=k', { headers: { 'X-Many': 'a, b' } });
  assert.equal(seen.method, 'GET');
  assert.equal(seen.url, `${host.url}/api/echo/a%20b%2Fc?x=1&x=2&code=k`);
  assert.equal(seen.headers['x-many'], 'a, b');
  assert.deepEqual(seen.query, [
    ['x', '1'],
    ['x', '2'],
    ['code', 'k'],
  ]);
  assert.deepEqual(seen.params, { x: '2', id: 'a b%2Fc' });
});

test('adds members of a JSON body to the parameters, below query and route, as the host does', async () => {
  const body = JSON.stringify({ id: 'body', text: 't', yes: true, n: 1, at: '2026-12-01T08:00:00Z', list: [1], o: {} });
  const seen = await echo('/route', { method: 'POST', body });
  assert.deepEqual(seen.params, { id: 'route', text: 't', yes: 'True', n: '1', at: '12/01/2026 08:00:00' });
  assert.equal(seen.body, body);
});

test('loses all request headers when body or query have a member "headers", as the host does', async () => {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
  assert.deepEqual((await echo('', { ...init, body: '{"headers":{"a":"b"}}' })).headers, {});
  assert.deepEqual((await echo('?HEADERS=1', { ...init, body: '{}' })).headers, {});
  assert.equal((await echo('', { ...init, body: '{}' })).headers['content-type'], 'application/json');
});

test('carries binary bodies of declared and of unknown length both ways, with status, headers and cookies', async () => {
  const bytes = Buffer.alloc(300_000, Buffer.from([0, 255, 128, 10, 13]));
  const chunked = new ReadableStream({
    start(controller) {
      for (let i = 0; i < bytes.length; i += 50_000) controller.enqueue(bytes.subarray(i, i + 50_000));
      controller.close();
    },
  });
  for (const body of [bytes, chunked]) {
    const response = await fetch(`${host.url}/api/bytes`, { method: 'POST', body, duplex: 'half' } as RequestInit);
    assert.equal(response.status, 201);
    assert.equal(response.headers.get('x-one'), 'a');
    assert.deepEqual(response.headers.getSetCookie(), ['c=v; HttpOnly']);
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), bytes);
  }
});

test('a DELETE with a chunked body reaches the handler whole', async () => {
  const seen = await new Promise<string>((resolve, reject) => {
    const call = request(`${host.url}/api/echo`, { method: 'DELETE', headers: { 'transfer-encoding': 'chunked' } });
    call.on('error', reject).on('response', async response => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve((JSON.parse(Buffer.concat(chunks).toString()) as Echo).body);
    });
    call.write('one ');
    call.end('two');
  });
  assert.equal(seen, 'one two');
});

test('passes a streamed answer on piece by piece', async () => {
  const response = await fetch(`${host.url}/api/ticks`);
  const pieces: string[] = [];
  for await (const piece of response.body ?? []) pieces.push(Buffer.from(piece).toString());
  assert.equal(pieces.join(''), 'tick 0\ntick 1\ntick 2\n');
  assert.ok(pieces.length > 1, `came in ${pieces.length} piece`);
});

test('leaves the client of a handler that threw waiting, then answers 504', async () => {
  const response = await fetch(`${host.url}/api/throws`);
  assert.equal(response.status, 504);
  assert.match(host.stderr(), /boom/);
  await until('the warning', () => /'throws' failed with streaming on/.test(host.stderr()));
});

test('a client that breaks off ends the body of its request, and the host lives on', async () => {
  const call = request(`${host.url}/api/first-byte`, { method: 'POST' });
  call.on('error', () => {});
  call.write('x'.repeat(10));
  await until('the first byte', () => host.lines.includes('first byte'));
  call.destroy();
  await until('the break', () => host.lines.some(line => line.startsWith('body broke off')));
  assert.equal((await fetch(`${host.url}/api/ticks`)).status, 200);
});

test('a client that goes away before the answer does no harm', async () => {
  const gone = new AbortController();
  const call = fetch(`${host.url}/api/slow`, { signal: gone.signal });
  await until('the start', () => host.lines.includes('slow began'));
  gone.abort();
  await assert.rejects(call);
  await until('the end', () => host.lines.includes('slow ended'));
  assert.equal((await fetch(`${host.url}/api/ticks`)).status, 200);
});

test('answers 404 for a method that is not registered and for an unknown route', async () => {
  assert.equal((await fetch(`${host.url}/api/ticks`, { method: 'POST' })).status, 404);
  assert.equal((await fetch(`${host.url}/api/ticks`, { method: 'HEAD' })).status, 404);
  const unknown = await fetch(`${host.url}/api/nowhere`);
  assert.equal(unknown.status, 404);
  assert.equal(await unknown.text(), '');
});
