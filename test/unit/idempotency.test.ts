import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fingerprint, idempotencyRow, parseIdempotencyKey } from '../../shared/domain/idempotency.ts';

test('bare and quoted are the same key', () => {
  assert.deepEqual(parseIdempotencyKey('abc-1'), parseIdempotencyKey('"abc-1"'));
  assert.deepEqual(parseIdempotencyKey('"a\\"b"'), { ok: true, value: 'a"b' });
  assert.deepEqual(parseIdempotencyKey(null), { ok: true, value: undefined });
});

test('1 to 255 printable ASCII characters, nothing else', () => {
  for (const bad of ['', '   ', '""', 'ä', 'a'.repeat(256), 'a\tb'])
    assert.equal(parseIdempotencyKey(bad).ok, false, bad);
  assert.equal(parseIdempotencyKey('a'.repeat(255)).ok, true);
});

test('the order of members does not count, everything else does', () => {
  assert.equal(fingerprint({ a: 1, b: [{ c: 2, d: undefined }] }), fingerprint({ b: [{ c: 2 }], a: 1 }));
  assert.notEqual(fingerprint({ a: 1 }), fingerprint({ a: '1' }));
  assert.notEqual(fingerprint({ a: [1, 2] }), fingerprint({ a: [2, 1] }));
  assert.notEqual(fingerprint({ a: Buffer.from('x') }), fingerprint({ a: Buffer.from('y') }));
});

test('a key belongs to its caller', () => {
  assert.notEqual(idempotencyRow('a', 'k'), idempotencyRow('b', 'k'));
  assert.notEqual(idempotencyRow('a', 'bk'), idempotencyRow('ab', 'k'));
});
