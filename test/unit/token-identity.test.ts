import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { patientCredential } from '../../shared/adapters/azure-credential.ts';
import { diagnose } from '../../shared/domain/diagnosis/diagnose.ts';
import { ServiceFailure } from '../../shared/domain/failure.ts';

const MINUTE = 60_000;
const SCOPE = 'https://vault.azure.net/.default';

/** A credential whose answers are set, with a clock, and a limit of 50 ms. */
function rig() {
  const state = { now: 1_000_000, calls: 0, answer: 'token' as 'token' | 'fail' | 'hang', lifeMs: 60 * MINUTE };
  const credential = patientCredential(
    {
      async getToken() {
        const call = ++state.calls;
        await new Promise(resolve => setImmediate(resolve));
        if (state.answer === 'hang') await new Promise(() => {});
        if (state.answer === 'fail') throw new Error('ManagedIdentityCredential: Network unreachable.');
        return { token: `t${call}`, expiresOnTimestamp: state.now + state.lifeMs };
      },
    },
    () => state.now,
    50,
  );
  return { state, get: (scope = SCOPE) => credential.getToken(scope) };
}

async function failsWith(promise: Promise<unknown>, code: string, errorCode?: string) {
  await assert.rejects(promise, error => {
    assert.ok(error instanceof ServiceFailure, String(error));
    assert.equal(error.facts.stage, 'identity');
    assert.equal(error.facts.errorCode, errorCode);
    assert.equal(diagnose(error.facts).entry.code, code);
    return true;
  });
}

test('callers at the same time share one request; another scope is another one', async () => {
  const { state, get } = rig();
  const tokens = await Promise.all([get(), get(), get(), get('https://storage.azure.com/.default')]);
  assert.equal(state.calls, 2);
  assert.equal(new Set(tokens.map(({ token }) => token)).size, 2);
});

test('an endpoint that never answers ends as a timeout of the identity; the next call asks anew', async () => {
  const { state, get } = rig();
  state.answer = 'hang';
  await Promise.all([
    failsWith(get(), 'identity_timeout', 'ETIMEDOUT'),
    failsWith(get(), 'identity_timeout', 'ETIMEDOUT'),
  ]);
  state.answer = 'token';
  assert.equal((await get()).token, 't2');
});

test('while the endpoint is away the token in hand serves to its real end, which the SDKs are not told', async () => {
  const { state, get } = rig();
  const first = await get();
  assert.equal(first.expiresOnTimestamp, state.now + 55 * MINUTE);
  state.answer = 'fail';
  state.now += 56 * MINUTE;
  assert.equal((await get()).token, 't1');
  assert.equal((await get()).token, 't1');
  assert.equal(state.calls, 2, 'asked once in 30 seconds');
  state.now += 4 * MINUTE;
  await failsWith(get(), 'identity_unavailable');
  state.answer = 'token';
  assert.match((await get()).token, /^t\d$/);
});

test('ManagedIdentityCredential itself against an endpoint that never answers: ends in time, stage identity', async context => {
  const server: Server = createServer(() => {});
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = process.env;
  process.env['IDENTITY_ENDPOINT'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}/msi/token`;
  process.env['IDENTITY_HEADER'] = 'x';
  context.after(() => {
    server.closeAllConnections();
    server.close();
    Object.assign(process.env, { IDENTITY_ENDPOINT, IDENTITY_HEADER });
  });
  const { ManagedIdentityCredential } = await import('@azure/identity');
  const credential = patientCredential(new ManagedIdentityCredential(), () => Date.now(), 300);
  const begun = performance.now();
  await failsWith(credential.getToken(SCOPE), 'identity_timeout', 'ETIMEDOUT');
  assert.ok(performance.now() - begun < 2_000);
});
