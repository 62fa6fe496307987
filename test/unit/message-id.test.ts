import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { invertMessageId, isMessageId, newMessageId } from '../../shared/domain/message-id.ts';

const random = fc.uint8Array({ minLength: 10, maxLength: 10 });
const time = fc.integer({ min: 0, max: 2 ** 45 });

test('an id has the form of a ULID, and its time in the ten characters of the specification’s example', () => {
  fc.assert(
    fc.property(time, random, (atMs, bytes) => {
      const id = newMessageId(atMs, bytes);
      assert.ok(isMessageId(id), id);
    }),
  );
  assert.equal(newMessageId(1_469_918_176_385, new Uint8Array(10)).slice(0, 10), '01ARYZ6S41');
});

test('ids sort by time, and inverted ids the other way round', () => {
  fc.assert(
    fc.property(time, time, random, random, (a, b, x, y) => {
      fc.pre(a !== b);
      const [first, second] = [newMessageId(a, x), newMessageId(b, y)];
      assert.equal(first < second, a < b);
      assert.equal(invertMessageId(first) < invertMessageId(second), b < a);
      assert.equal(invertMessageId(invertMessageId(first)), first);
    }),
  );
});

test('all ten random bytes count', () => {
  const ids = new Set(Array.from({ length: 80 }, (_, bit) => newMessageId(0, oneBit(bit))));
  assert.equal(ids.size, 80);
});

function oneBit(bit: number): Uint8Array {
  const bytes = new Uint8Array(10);
  bytes[Math.floor(bit / 8)] = 1 << (bit % 8);
  return bytes;
}

test('what is no id is not taken for one', () => {
  for (const value of [
    undefined,
    null,
    1,
    '',
    'x',
    '01m7z75b1arc60p5sm13tea8py',
    '81M7Z75B1ARC60P5SM13TEA8PY',
    '01M7Z75B1ARC60P5SM13TEA8PI',
  ]) {
    assert.equal(isMessageId(value), false, String(value));
  }
});
