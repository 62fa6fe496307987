import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const START = fileURLToPath(new URL('../../local/start.ts', import.meta.url));
const run = promisify(execFile);

test('npm start -- --once shows the way of a mail to its 250 and into the inbox, and ends with 0', async t => {
  const { output, ended, children } = start(t, ['--once']);
  await until(() => output().includes('A sample goes'));
  const pids = await children();
  assert.equal(await ended, 0, output());
  const steps = [...output().matchAll(/^ +\d+ ms {2}(\w+) +(.*)$/gm)].map(([, name, text]) => `${name} ${text}`);
  for (const step of [
    /^accepted 202 for POST \/api\/messages, [0-9A-Z]{26}$/,
    /^token from Entra ID/,
    /^connected signed in with XOAUTH2 as billing@contoso\.com$/,
    /^submitted 250 2\.0\.0 OK </,
    /^arrived http:\/\/localhost:\d+\/#[0-9a-f-]{36}$/,
  ]) {
    assert.ok(
      steps.some(found => step.test(found)),
      `${step} in\n${output()}`,
    );
  }
  assert.equal(pids.length, 2, 'Azurite and the host');
  await until(() => pids.every(isGone));
});

test('the printed curl works as printed, with the key; the log shows it; Ctrl-C ends everything with 0', async t => {
  const { child, output, ended, children } = start(t, ['--keys']);
  await until(() => output().includes('until Ctrl-C'));
  const pids = await children();
  const command = /^ {2}(curl .*)$/m.exec(output())?.[1] ?? '';
  assert.match(command, /x-functions-key/);
  const { stdout } = await run('sh', ['-c', command]);
  const { id, status } = JSON.parse(stdout) as { id: string; status: string };
  assert.equal(status, 'queued', stdout);
  await until(() =>
    new RegExp(`^\\d\\d:\\d\\d:\\d\\d {2}message\\.sent +${id} .*250 2\\.0\\.0 OK`, 'm').test(output()),
  );
  const inbox = /^ {2}Inbox +(\S+)$/m.exec(output())?.[1];
  assert.match(await (await fetch(`${inbox}/api/mails?q=bo@example.com`)).text(), /"subject":"Hello"/);
  child.kill('SIGINT');
  assert.equal(await ended, 0, output());
  assert.ok(pids.length === 2 && pids.every(isGone));
});

test('a host that dies ends everything with its last words; a parent that is killed leaves no orphan', async t => {
  const dying = start(t);
  await until(() => dying.output().includes('A sample goes'));
  const pids = await dying.children();
  const host = pids.find(pid => pid === Math.max(...pids)) ?? 0;
  process.kill(host, 'SIGKILL');
  assert.equal(await dying.ended, 1);
  assert.match(dying.output(), /The host ended by itself \(SIGKILL\)\. Its last output:/);
  await until(() => pids.every(isGone));

  const killed = start(t);
  await until(() => killed.output().includes('A sample goes'));
  const orphans = await killed.children();
  killed.child.kill('SIGKILL');
  assert.equal(orphans.length, 2);
  await until(() => orphans.every(isGone));
});

test('a mail that does not get through makes --once end with 1 and the reason', async t => {
  const env = { MAIL_MODE: 'allow-list', MAIL_ALLOW_LIST: '["*@contoso.com"]' };
  const { output, ended } = start(t, ['--once'], env);
  assert.equal(await ended, 1);
  assert.match(output(), /POST \/api\/messages answered 403.*ada@example\.com/);
});

test('a port that is taken is named, with the way out; so is a PORT that is none', async t => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const { output, ended } = start(t, [], { PORT: String(port) });
  assert.equal(await ended, 1);
  assert.match(output(), new RegExp(`Port ${port} \\(the API\\) is taken[^]*PORT=8080 npm start`));
  other.close();
  const wrong = start(t, [], { PORT: 'http' });
  assert.equal(await wrong.ended, 1);
  assert.match(wrong.output(), /PORT is "http", but must be/);
});

interface Started {
  child: ChildProcess;
  output(): string;
  ended: Promise<number | null>;
  /** Process ids of its children. */
  children(): Promise<number[]>;
}

/** `npm start` on free ports, with its storage in memory. */
function start(t: TestContext, flags: string[] = [], env: Record<string, string> = {}): Started {
  const child = spawn(process.execPath, [START, '--memory', ...flags], {
    env: { PATH: process.env['PATH'] ?? '', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.on('data', chunk => (text += chunk));
  child.stderr.on('data', chunk => (text += chunk));
  const children = async (): Promise<number[]> => {
    const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=']);
    const pairs = stdout
      .trim()
      .split('\n')
      .map(line => line.trim().split(/\s+/).map(Number));
    return pairs.filter(([, parent]) => parent === child.pid).map(([pid]) => pid ?? 0);
  };
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, output: () => text, ended, children };
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

async function until(check: () => boolean): Promise<void> {
  const end = Date.now() + 60_000;
  while (!check()) {
    if (Date.now() > end) throw new Error(`Waited 60 s for ${check}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
