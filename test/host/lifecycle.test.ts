import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';
import { startHost } from '../../local/host/start-host.ts';
import { fixture, spawnHost, until } from './host-process.ts';

test('loads every file that main matches and lists their functions', async () => {
  const host = await spawnHost('parts-app');
  const functions = (await (await fetch(`${host.url}/admin/functions`)).json()) as { name: string }[];
  assert.deepEqual(
    functions.map(fn => fn.name),
    ['one', 'waits', 'two'],
  );
  assert.equal((await fetch(`${host.url}/`)).status, 200);
  assert.equal(await host.stop(), 0);
  assert.deepEqual(host.lines, ['terminated']);
});

test('lets a running request finish when it is told to stop', async () => {
  const host = await spawnHost('parts-app');
  const answer = fetch(`${host.url}/api/waits`).then(response => response.text());
  await until('its start', () => host.lines.includes('waiting'));
  const code = host.stop('SIGINT');
  assert.equal((await answer).length, 1_000_000);
  assert.equal(await code, 0);
});

test('does not wait longer than the grace', async () => {
  const host = await spawnHost('parts-app', { LOCAL_HOST_GRACE_SECONDS: '0.1' });
  const answer = fetch(`${host.url}/api/waits`);
  await until('its start', () => host.lines.includes('waiting'));
  const code = host.stop();
  await assert.rejects(answer);
  assert.equal(await code, 0);
});

test('refuses to start, and says why, for zero files, a throw at load, a name taken, a missing host.json', async () => {
  await assert.rejects(spawnHost('empty-app'), /unable to load entry point "dist\/\*\.js": Found zero files/);
  await assert.rejects(spawnHost('parts-app', { THROW_AT_LOAD: '1' }), /entry point "parts\/b1\.mjs": cannot load/);
  await assert.rejects(spawnHost('parts-app', { REGISTER_TWICE: '1' }), /"one" has already been registered/);
  await assert.rejects(spawnHost('nowhere'), /needs a host\.json/);
});

test('ends like the worker when the app throws where nothing catches it: here, registering too late', async () => {
  const host = await spawnHost('parts-app', { REGISTER_LATE: '1' });
  await until('the end', () => host.child.exitCode !== null);
  assert.equal(host.child.exitCode, 1);
  assert.match(host.stderr(), /A function can only be registered during app startup/);
});

test('names the port that is taken', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => other.once('listening', resolve));
  const { port } = other.address() as { port: number };
  await assert.rejects(spawnHost('parts-app', {}, ['--port', String(port)]), new RegExp(`Port ${port} is unavailable`));
  other.close();
});

test('runs a bundle made by esbuild, with streaming, more than once in one process', async () => {
  const root = await mkdtemp(join(tmpdir(), 'host-bundle-'));
  try {
    await writeFile(join(root, 'package.json'), '{ "type": "module", "main": "main.js" }');
    await writeFile(join(root, 'host.json'), '{ "version": "2.0", "extensions": { "http": { "routePrefix": "" } } }');
    const banner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
    await build({
      entryPoints: [join(fixture('stream-app'), 'app.mjs')],
      outfile: join(root, 'main.js'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['@azure/functions-core'],
      banner: { js: banner },
    });
    for (let time = 0; time < 2; time++) {
      const host = await startHost({
        root,
        env: { AzureFunctionsJobHost__extensions__http__routePrefix: 'v1' },
        log: () => {},
      });
      const response = await fetch(`${host.url}/v1/ticks`);
      assert.match(await response.text(), /tick 2/);
      await host.close();
      await assert.rejects(fetch(`${host.url}/v1/ticks`));
    }
  } finally {
    await rm(root, { recursive: true });
  }
});
