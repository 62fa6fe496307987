import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type ReadEntry, readZip } from './read-zip.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const MAX_BYTES = 3_000_000;

let folder = '';
let output = '';
let zip: Buffer;
let entries: ReadEntry[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'exosend-package-'));
  output = await makePackage(join(folder, 'one'));
  zip = await readFile(join(folder, 'one', 'exosend.zip'));
  entries = readZip(zip);
});

after(() => rm(folder, { recursive: true, force: true }));

test('packaged twice, the bytes are the same', async () => {
  await makePackage(join(folder, 'two'));
  for (const name of ['exosend.zip', 'exosend-maps.zip']) {
    const [one, two] = await Promise.all(['one', 'two'].map(out => readFile(join(folder, out, name))));
    assert.ok(one?.equals(two ?? Buffer.alloc(0)), name);
  }
});

test('unpacked beside it lies the same, for tools that pack a folder themselves', async () => {
  await makePackage(join(folder, 'three'), '--unpacked');
  const unpacked = join(folder, 'three', 'app');
  const found = await readdir(unpacked, { recursive: true, withFileTypes: true });
  assert.equal(found.filter(entry => entry.isFile()).length, entries.length);
  for (const { name, bytes } of entries) assert.ok((await readFile(join(unpacked, name))).equals(bytes), name);
});

test('size and SHA-256 are printed', () => {
  const digest = createHash('sha256').update(zip).digest('hex');
  assert.match(output, new RegExp(`^exosend\\.zip +${zip.length.toLocaleString('en')} bytes +sha256 ${digest}$`, 'm'));
});

test('the package is at most 3 MB', () => assert.ok(zip.length <= MAX_BYTES, `${zip.length} bytes`));

test('host.json, package.json and the bundle are inside, and nothing else', async () => {
  const names = entries.map(entry => entry.name);
  const others = names.filter(name => !/^dist\/[\w.-]+\.js$/.test(name));
  assert.deepEqual(others, ['host.json', 'package.json']);
  assert.ok(names.includes('dist/main.js'));
  assert.deepEqual(contentOf('host.json'), await readFile(join(root, 'host.json')));
});

test('package.json names the entry and no dependencies', async () => {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  assert.deepEqual(JSON.parse(contentOf('package.json').toString('utf8')), {
    name: 'exosend',
    version,
    type: 'module',
    main: 'dist/main.js',
  });
});

test('each file of the bundle has its source map in the archive of maps, and no path of this machine', async () => {
  const maps = readZip(await readFile(join(folder, 'one', 'exosend-maps.zip')));
  const scripts = entries.map(entry => entry.name).filter(name => name.startsWith('dist/'));
  assert.deepEqual(
    maps.map(entry => entry.name),
    scripts.map(name => `${name}.map`),
  );
  for (const entry of [...entries, ...maps]) assert.ok(!entry.bytes.includes(root), entry.name);
});

test('unpacked into an empty folder, the host loads its functions and health answers', async () => {
  const app = join(folder, 'app');
  for (const { name, bytes } of entries) {
    await mkdir(dirname(join(app, name)), { recursive: true });
    await writeFile(join(app, name), bytes);
  }
  const host = spawn(process.execPath, [join(root, 'local/host/main.ts'), '--root', app, '--port', '0'], {
    env: { PATH: process.env['PATH'] ?? '', ...settings },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const ready = await readyLine(host.stdout);
    const names = ready.functions.map(each => each.name);
    for (const name of ['sendMail', 'getMessage', 'health', 'deliver', 'sweep']) assert.ok(names.includes(name), name);
    const answer = await fetch(`${ready.url}/api/health`);
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), { status: 'ok' });
    // Reaches the domain, and with it chunks that load on demand: all of them must be in the archive.
    const explained = await fetch(`${ready.url}/api/explain?text=535+5.7.3+Authentication+unsuccessful`);
    assert.equal(explained.status, 200);
  } finally {
    host.kill('SIGKILL');
    await once(host, 'exit');
  }
});

/** Complete enough to be valid; nothing here is reached. */
const settings = {
  AzureWebJobsStorage:
    'DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=bm90IGEga2V5;' +
    'BlobEndpoint=http://127.0.0.1:1/x;QueueEndpoint=http://127.0.0.1:1/x;TableEndpoint=http://127.0.0.1:1/x;',
  KEY_VAULT_URL: 'https://contoso.vault.azure.net',
  MAIL_TENANT_ID: 'c0de0000-5e4d-4a11-8e57-c0a70500e001',
  MAIL_CLIENT_ID: '7d0a1f0e-2f4c-4c0f-9b5e-5a1c6f2d3e01',
  MAIL_MAILBOX: 'billing@contoso.com',
  MAIL_CERTIFICATE_NAME: 'exosend-smtp',
};

async function makePackage(out: string, ...options: string[]): Promise<string> {
  const script = join(root, 'scripts/package.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--out', out, ...options]);
  return stdout;
}

function contentOf(name: string): Buffer {
  return entries.find(entry => entry.name === name)?.bytes ?? assert.fail(`${name} is not in the package`);
}

async function readyLine(stdout: NodeJS.ReadableStream): Promise<{ url: string; functions: { name: string }[] }> {
  for await (const line of createInterface({ input: stdout })) {
    if (line.startsWith('{"event":"host.ready"')) return JSON.parse(line);
  }
  throw new Error('The host ended before it was ready.');
}
