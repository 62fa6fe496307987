import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { zipOf } from '../../scripts/package-zip.ts';
import { readZip } from './read-zip.ts';

test('what was packed is unpacked again: empty, text, incompressible, names beyond ASCII', () => {
  const entries = [
    { name: 'ü/ß.txt', bytes: Buffer.from('häh'.repeat(1000)) },
    { name: 'empty', bytes: Buffer.alloc(0) },
    { name: 'noise.bin', bytes: randomBytes(200_000) },
  ];
  const read = readZip(zipOf(entries));
  assert.deepEqual(
    read.map(({ name, bytes }) => ({ name, bytes })),
    entries.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  );
});

test('the order in which entries are given does not show, nor does the day', () => {
  const a = { name: 'a', bytes: Buffer.from('1') };
  const b = { name: 'dir/b', bytes: Buffer.from('2') };
  const c = { name: 'dir/b.js', bytes: Buffer.from('3') };
  assert.deepEqual(zipOf([a, b, c]), zipOf([c, a, b]));
  for (const entry of readZip(zipOf([a, b, c]))) {
    assert.deepEqual(entry.modified, [0x0021, 0], '1980-01-01 00:00');
    assert.equal(entry.mode, 0o100644);
  }
});

test('a name that occurs twice is refused by name', () => {
  const entry = { name: 'dist/main.js', bytes: Buffer.alloc(1) };
  assert.throws(() => zipOf([entry, entry]), /dist\/main\.js would be in the archive twice/);
});

test('no entries make an archive that can be read', () => {
  assert.deepEqual(readZip(zipOf([])), []);
});
