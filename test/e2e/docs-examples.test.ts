import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { type App, startApp } from '../support/app.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** How an example is run; a language whose program is not on this machine is left to the machines that have it. */
const RUNNERS: Readonly<
  Record<string, { readonly program: string; readonly file: string; readonly args: readonly string[] }>
> = {
  js: { program: process.execPath, file: 'example.mjs', args: [] },
  sh: { program: 'bash', file: 'example.sh', args: ['-e'] },
  python: { program: 'python3', file: 'example.py', args: [] },
  java: { program: 'java', file: 'SendMail.java', args: [] },
};

let app: App;
let folder: string;
before(async () => {
  app = await startApp();
  folder = await mkdtemp(join(tmpdir(), 'examples-'));
});
after(async () => {
  await app.close();
  await rm(folder, { recursive: true, force: true });
});

function isOnPath(program: string): boolean {
  if (program.startsWith('/')) return true;
  return (process.env['PATH'] ?? '').split(delimiter).some(entry => {
    try {
      accessSync(join(entry, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

interface Example {
  readonly name: string;
  readonly language: string;
  readonly code: string;
}

/** The fenced examples of a page that can run here: those that send to the app and need no Azure. */
async function examplesOf(page: string): Promise<readonly Example[]> {
  const text = await readFile(join(ROOT, page), 'utf8');
  const blocks = [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)];
  return blocks.flatMap(([, language = '', code = ''], index) => {
    const runs = language in RUNNERS && !/^az /m.test(code) && /\/api\/messages/.test(code);
    return runs ? [{ name: `${page}, example ${index + 1} (${language})`, language, code }] : [];
  });
}

async function run({ language, code }: Example): Promise<string> {
  const runner = RUNNERS[language];
  assert.ok(runner);
  const file = join(folder, runner.file);
  // The README speaks of the ports of `npm start`.
  await writeFile(file, code.replaceAll('http://localhost:7071', app.url));
  return new Promise((done, fail) => {
    execFile(
      runner.program,
      [...runner.args, file],
      { cwd: folder, timeout: 60_000, env: { ...process.env, EXOSEND_URL: app.url, EXOSEND_KEY: '' } },
      (error, stdout, stderr) => (error ? fail(new Error(`${error.message}\n${stdout}\n${stderr}`)) : done(stdout)),
    );
  });
}

const examples = [...(await examplesOf('README.md')), ...(await examplesOf('docs/clients.md'))];

test('the pages have examples to run', () => {
  for (const language of Object.keys(RUNNERS))
    assert.ok(
      examples.some(example => example.language === language),
      language,
    );
});

for (const example of examples) {
  const program = RUNNERS[example.language]?.program ?? '';
  if (example.language !== 'js' && (!isOnPath(program) || (example.language === 'sh' && !isOnPath('curl')))) continue;
  test(`${example.name} sends a mail`, { timeout: 90_000 }, async () => {
    const sent = app.m365.mails.list().length;
    const [id] = /01[0-9A-HJKMNP-TV-Z]{24}/.exec(await run(example)) ?? [];
    assert.ok(id, 'the example prints the id');
    await app.until(id, ['sent']);
    assert.equal(app.m365.mails.list().length, sent + 1);
  });
}
