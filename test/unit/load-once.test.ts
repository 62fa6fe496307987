import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadOnce, loadOnceEach } from '../../shared/domain/load-once.ts';

test('all who ask get what was loaded once', async () => {
  let loads = 0;
  const get = loadOnce(async () => ++loads);
  assert.equal(loads, 0, 'nothing before it is asked for');
  assert.deepEqual(await Promise.all([get(), get()]), [1, 1]);
  assert.equal(await get(), 1);
});

test('a failure reaches all who wait for it, and the next one tries anew', async () => {
  let loads = 0;
  const get = loadOnce(async () => {
    if (++loads === 1) throw new Error('away');
    return loads;
  });
  const both = await Promise.allSettled([get(), get()]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.deepEqual([await get(), await get()], [2, 2]);
});

test('each key is loaded by itself', async () => {
  const asked: string[] = [];
  const get = loadOnceEach(async (name: string) => {
    asked.push(name);
    if (asked.length === 1) throw new Error('away');
    return name.toUpperCase();
  });
  await assert.rejects(get('a'), /away/);
  assert.deepEqual([await get('b'), await get('a'), await get('b')], ['B', 'A', 'B']);
  assert.deepEqual(asked, ['a', 'b', 'a']);
});
