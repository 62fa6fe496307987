import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tokenCycle } from '../../shared/adapters/entra/token-cycle.ts';

const MINUTE = 60_000;
const quiet = () => {};

/** A cycle with a clock to set and an Entra that counts what it is asked. */
function rig() {
  const state = { now: 0, calls: 0, fails: false, lifeMs: 60 * MINUTE };
  const get = tokenCycle(
    async () => {
      state.calls++;
      await new Promise(resolve => setImmediate(resolve));
      if (state.fails) throw new Error('Entra is away');
      return { token: `t${state.calls}`, expiresAtMs: state.now + state.lifeMs };
    },
    () => state.now,
  );
  return { state, get: (force = false) => get({ force }, quiet).then(token => token.token) };
}

test('a fresh token is asked for once, however many callers', async () => {
  const { state, get } = rig();
  assert.deepEqual(await Promise.all([get(), get(), get()]), ['t1', 't1', 't1']);
  assert.equal(await get(), 't1');
  assert.equal(state.calls, 1);
});

test('an ageing token is used and renewed in the background', async () => {
  const { state, get } = rig();
  await get();
  state.now = 51 * MINUTE;
  assert.equal(await get(), 't1');
  await new Promise(resolve => setTimeout(resolve, 5));
  assert.equal(await get(), 't2');
  assert.equal(state.calls, 2);
});

test('a token near its end is waited for', async () => {
  const { state, get } = rig();
  await get();
  state.now = 58 * MINUTE;
  assert.equal(await get(), 't2');
});

test('while Entra is away a token that lives is used to its last half minute, then the failure shows', async () => {
  const { state, get } = rig();
  await get();
  state.fails = true;
  for (const minute of [52, 56, 58, 59]) {
    state.now = minute * MINUTE;
    assert.equal(await get(), 't1', `at minute ${minute}`);
  }
  state.now = 59.6 * MINUTE;
  await assert.rejects(get(), /Entra is away/);
  state.fails = false;
  state.now += 6_000;
  assert.match(await get(), /^t\d+$/);
});

test('after a failure Entra is left alone for some seconds, unless forced', async () => {
  const { state, get } = rig();
  state.fails = true;
  await assert.rejects(get());
  await assert.rejects(get());
  assert.equal(state.calls, 1);
  await assert.rejects(get(true));
  assert.equal(state.calls, 2);
});

test('force asks anew although the token is fresh, but not for one that has only just come', async () => {
  const { state, get } = rig();
  await get();
  state.now = 4_000;
  assert.equal(await get(true), 't1');
  state.now = 5_000;
  assert.equal(await get(true), 't2');
});
