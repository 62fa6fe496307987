import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

const STATIC_IMPORT = /(?:^|\n)\s*(?:import|export)\s(?!type\s)[^'"]*?from\s*'(\.[^']+)'/g;

/** Every file that loads with `file`: what it imports, but not what it asks for with `import()`. */
async function loadedWith(file: string, found = new Set<string>()): Promise<Set<string>> {
  if (found.has(file)) return found;
  found.add(file);
  for (const [, path = ''] of (await readFile(file, 'utf8')).matchAll(STATIC_IMPORT))
    await loadedWith(normalize(join(dirname(file), path)), found);
  return found;
}

for (const entry of [
  'main.ts',
  'runtime.ts',
  'transport.ts',
  'queue-submissions.ts',
  'http-send.ts',
  'timer-rotation.ts',
]) {
  test(`${entry} loads nothing of Microsoft Graph or of the rotation`, async () => {
    const loaded = [...(await loadedWith(`functions/${entry}`))];
    assert.deepEqual(
      loaded.filter(file => /adapters\/graph|rotate-credential|functions\/rotation/.test(file)),
      [],
    );
  });
}

test('the check sees what is there', async () => {
  const loaded = [...(await loadedWith('functions/rotation.ts'))];
  assert.ok(loaded.some(file => file.includes('adapters/graph')));
});
