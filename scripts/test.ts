import { glob } from 'node:fs/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';

/**
 * Runs the tests, each file in a process of its own, and closes with the line `N passed, N failed`.
 * Arguments are globs that choose files; without any, all of test/ but test/browser.
 */
const { positionals } = parseArgs({ allowPositionals: true });
const patterns = positionals.length > 0 ? positionals : ['test/**/*.test.ts'];
const files: string[] = [];
for await (const file of glob(patterns)) if (!file.includes('browser/') || positionals.length > 0) files.push(file);
files.sort();

let passed = 0;
let failed = 0;
const stream = run({ files, concurrency: 2, timeout: 300_000 });
stream.on('test:pass', event => {
  if (event.details.type !== 'suite') passed++;
});
stream.on('test:fail', event => {
  if (event.details.type !== 'suite') failed++;
});
stream.compose(spec()).pipe(process.stdout);
stream.on('end', () => {
  setImmediate(() => {
    process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
    process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
  });
});
