import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { QueueServiceClient } from '@azure/storage-queue';
import { claimFolder } from '../../local/cloud/claim-folder.ts';
import { readPort } from '../../local/cloud/find-ports.ts';
import { hostEnvironment } from '../../local/cloud/host-environment.ts';
import { curlCommand } from '../../local/cloud/overview.ts';
import { readLocalSettings } from '../../local/cloud/read-local-settings.ts';
import { showLine } from '../../local/cloud/show-line.ts';
import { startAzurite } from '../../local/cloud/start-azurite.ts';

test('settings for a real tenant in local.settings.json never reach the local app; others do', () => {
  const { env, ignored } = hostEnvironment({
    base: { PATH: '/bin', MAIL_MODE: 'live', SMTP_HOST: 'smtp.office365.com', HTTPS_PROXY: 'http://proxy' },
    fileValues: {
      SMTP_HOST: 'smtp.office365.com',
      MAIL_SENDERS: '[]',
      AzureWebJobsStorage__queueServiceUri: 'https://x',
      MAIL_MODE: 'sandbox',
      RECORD_RETENTION_DAYS: '10',
      PROBE_CANARY_TO: '',
    },
    cloud: { SMTP_HOST: 'localhost', AzureWebJobsStorage: 'local' },
    overrides: { MAIL_DEADLINE_HOURS: '1', HTTPS_PROXY: undefined },
  });
  assert.deepEqual(env, {
    PATH: '/bin',
    MAIL_MODE: 'live',
    RECORD_RETENTION_DAYS: '10',
    NO_PROXY: 'localhost,127.0.0.1',
    SMTP_HOST: 'localhost',
    AzureWebJobsStorage: 'local',
    MAIL_DEADLINE_HOURS: '1',
  });
  assert.deepEqual(ignored, ['SMTP_HOST', 'MAIL_SENDERS', 'AzureWebJobsStorage__queueServiceUri']);
});

test('local.settings.json: absent, good, encrypted, broken; a value is never shown', async t => {
  const root = await folderForTest(t);
  const write = (text: string): Promise<void> => writeFile(join(root, 'local.settings.json'), text);
  assert.deepEqual(await readLocalSettings(root), {});
  await write('\uFEFF{ "IsEncrypted": false, "Values": { "A": "1", "B": 2, "C": true } }');
  assert.deepEqual(await readLocalSettings(root), { A: '1', B: '2', C: 'true' });
  await write('{ "IsEncrypted": true, "Values": {} }');
  await assert.rejects(readLocalSettings(root), /is encrypted/);
  await write('{ "Values": { "A": "secret" ');
  await assert.rejects(readLocalSettings(root), error => !String(error).includes('secret'));
  await write('{ "Values": { "MAIL_CALLERS": [{ "name": "secret" }] } }');
  await assert.rejects(readLocalSettings(root), /^Error: local\.settings\.json: MAIL_CALLERS must be text/);
});

test('a folder belongs to one process at a time, and a killed owner does not keep it', async t => {
  const folder = await folderForTest(t);
  const file = join(folder, 'in-use-by.pid');
  await writeFile(file, String(process.ppid));
  assert.equal(await claimFolder(folder), undefined);
  await writeFile(file, '999999999');
  const release = await claimFolder(folder);
  assert.ok(release);
  await release();
  assert.ok(await claimFolder(folder));
});

test('what is stored on disk is there after a restart', async t => {
  const folder = await folderForTest(t);
  for (const isSecond of [false, true]) {
    const azurite = await startAzurite({ folder });
    t.after(azurite.close);
    const queue = QueueServiceClient.fromConnectionString(azurite.connectionString).getQueueClient('kept');
    if (isSecond) assert.equal((await queue.peekMessages()).peekedMessageItems[0]?.messageText, 'a message');
    else {
      await queue.create();
      await queue.sendMessage('a message');
    }
    await azurite.close();
    assert.match(await azurite.ended, /^Azurite ended \(code 0\)/);
  }
});

test('PORT is a port, or says why not', () => {
  assert.deepEqual([readPort(undefined), readPort(''), readPort('8080')], [7071, 7071, 8080]);
  for (const wrong of ['x', '-1', '65535', '80.5']) assert.throws(() => readPort(wrong), /PORT is/);
});

test('the curl command is quoted for the shell at hand', () => {
  const unix = curlCommand('http://localhost:1', 'a@b.c', 'KEY', 'linux');
  assert.match(
    unix,
    /^curl -s http:\/\/localhost:1\/api\/messages -H 'Content-Type: application\/json' -H 'x-functions-key: KEY' -d '\{"from"/,
  );
  assert.match(curlCommand('http://localhost:1', 'a@b.c', undefined, 'win32'), / -d "\{\\"from\\":\\"a@b\.c\\"/);
});

test('log lines become one line each, and control characters do not reach the terminal', () => {
  const at = new Date(2026, 0, 1, 9, 8, 7);
  const show = (line: string): string => stripVTControlCharacters(showLine(line, at));
  assert.equal(
    show(
      '{"event":"message.sent","messageId":"01M","traceId":"t","mailbox":"a@b.c","state":"sent","attempt":1,"ms":12,"detail":"250 OK"}',
    ),
    '09:08:07  message.sent       01M  a@b.c  attempt=1  12 ms  250 OK',
  );
  assert.equal(show('[error] it broke'), '09:08:07  [error] it broke');
  assert.equal(
    show(JSON.stringify({ event: 'x', detail: 'a\u001b[2Jb\r\nc\u202e' })),
    '09:08:07  x                  a [2Jb  c',
  );
  assert.ok(show('y'.repeat(5000)).length < 500);
});

async function folderForTest(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'exosend-start-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}
