import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { isRefusedAddress } from '../../shared/adapters/webhooks/address-rules.ts';
import { cachedSecrets } from '../../shared/adapters/webhooks/cached-secrets.ts';
import { webhookPost } from '../../shared/adapters/webhooks/post-webhook.ts';

const post = (url: string, allowPrivate = true, send = webhookPost()) =>
  send({ url: new URL(url), headers: { 'webhook-id': 'x' }, body: '{"ü":1}', allowPrivate });

async function serving(listener: RequestListener, work: (port: number, server: Server) => Promise<void>) {
  const server = createServer(listener);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  try {
    await work((server.address() as AddressInfo).port, server);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('addresses of private networks are refused unless allowed', () => {
  const refused =
    '10.0.0.1 127.0.0.1 127.9.9.9 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 100.127.255.255 198.18.0.1 192.0.2.1 ' +
    '::1 fc00::1 fd12:3456::1 ::ffff:10.0.0.1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 64:ff9b::a00:1 2002:7f00:1::1 2001::1 2001:db8::1';
  for (const address of refused.split(' ')) {
    assert.ok(isRefusedAddress(address, false), address);
    assert.ok(!isRefusedAddress(address, true), `${address} with allowPrivate`);
  }
  for (const address of ['8.8.8.8', '20.50.2.10', '172.32.0.1', '100.63.255.255', '2603:1030::1', '2a00:1450::5'])
    assert.ok(!isRefusedAddress(address, false), address);
});

test('metadata, link-local, multicast and unspecified addresses are refused even where private ones are allowed', () => {
  const never =
    '169.254.169.254 169.254.0.1 168.63.129.16 0.0.0.0 0.1.2.3 224.0.0.1 239.1.1.1 255.255.255.255 240.0.0.1 ' +
    ':: fe80::1 ff02::1 fd00:ec2::254 ::ffff:169.254.169.254 ::ffff:a9fe:a9fe nonsense';
  for (const address of never.split(' ')) assert.ok(isRefusedAddress(address, true), address);
});

test('loopback in every spelling that a URL knows is refused', async () => {
  for (const host of ['127.0.0.1', '127.1', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]', 'localhost', '0'])
    assert.deepEqual(await post(`https://${host}/`, false), { kind: 'failed', reason: 'address_not_allowed' }, host);
  assert.deepEqual(await post('http://169.254.169.254/metadata/instance', true), {
    kind: 'failed',
    reason: 'address_not_allowed',
  });
});

test('a name is resolved once, and its addresses are the ones connected to', async () => {
  let asked = 0;
  let host: string | undefined;
  await serving(
    (request, response) => {
      host = request.headers.host;
      response.end();
    },
    async port => {
      const send = webhookPost(async () => {
        asked++;
        // A name that answers with the real receiver once and with nothing that listens afterwards.
        return [{ address: asked === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 }];
      });
      assert.deepEqual(await post(`http://hooks.example.com:${port}/`, true, send), { kind: 'answered', status: 200 });
      assert.equal(asked, 1);
      assert.equal(host, `hooks.example.com:${port}`);
    },
  );
});

test('one private address among the public ones of a name is enough to refuse it', async () => {
  const send = webhookPost(async () => [
    { address: '20.50.2.10', family: 4 },
    { address: '10.0.0.1', family: 4 },
  ]);
  assert.deepEqual(await post('https://hooks.example.com/', false, send), {
    kind: 'failed',
    reason: 'address_not_allowed',
  });
});

test('redirects are not followed, Retry-After is told, an endless answer is cut off', async () => {
  let calls = 0;
  await serving(
    (request, response) => {
      calls++;
      if (request.url === '/endless') {
        response.writeHead(200);
        const timer = setInterval(() => response.write(Buffer.alloc(65_536)), 1);
        response.on('close', () => clearInterval(timer));
      } else response.writeHead(302, { location: '/endless', 'retry-after': '7' }).end();
    },
    async (port, server) => {
      assert.deepEqual(await post(`http://127.0.0.1:${port}/`), { kind: 'answered', status: 302, retryAfter: '7' });
      assert.equal(calls, 1);
      assert.deepEqual(await post(`http://127.0.0.1:${port}/endless`), { kind: 'answered', status: 200 });
      const open = () => new Promise<number>(resolve => server.getConnections((_, count) => resolve(count)));
      for (let tries = 0; (await open()) > 0; tries++) {
        assert.ok(tries < 200, 'the connection is closed');
        await new Promise(resolve => setTimeout(resolve, 10));
      }
    },
  );
});

test('nothing listens, the connection breaks, an answer that is none: failed with a code', async () => {
  await serving(
    request => request.socket.destroy(),
    async port => {
      assert.deepEqual(await post(`http://127.0.0.1:${port}/`), { kind: 'failed', reason: 'ECONNRESET' });
    },
  );
  assert.deepEqual(await post('http://127.0.0.1:9/'), { kind: 'failed', reason: 'ECONNREFUSED' });
  const unknown = webhookPost(() => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' })));
  assert.deepEqual(await post('https://hooks.example.com/', false, unknown), { kind: 'failed', reason: 'ENOTFOUND' });
});

test('a receiver that says nothing is left after ten seconds', { timeout: 20_000 }, async () => {
  await serving(
    () => undefined,
    async port => {
      const begun = performance.now();
      assert.deepEqual(await post(`http://127.0.0.1:${port}/`), { kind: 'failed', reason: 'timeout' });
      const ms = performance.now() - begun;
      assert.ok(ms > 9_000 && ms < 12_000, String(ms));
    },
  );
});

test('a secret is read once, anew after five minutes, and kept while the vault is away', async () => {
  let nowMs = 0;
  let reads = 0;
  let isAway = false;
  const secret = cachedSecrets(
    async name => {
      if (isAway) throw new Error('away');
      return `${name}${++reads}`;
    },
    () => nowMs,
  );
  assert.deepEqual(await Promise.all([secret('a'), secret('a')]), ['a1', 'a1']);
  nowMs = 299_000;
  assert.equal(await secret('a'), 'a1');
  nowMs = 301_000;
  assert.equal(await secret('a'), 'a2');
  isAway = true;
  nowMs = 3_600_000;
  assert.equal(await secret('a'), 'a2');
  await assert.rejects(secret('b'));
});
