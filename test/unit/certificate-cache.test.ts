import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeCertificate } from '../../local/m365/x509/make-certificate.ts';
import { certificateCache } from '../../shared/adapters/key-vault/certificate-cache.ts';
import type { VaultSecretVersion } from '../../shared/domain/credential-ports.ts';
import { diagnose } from '../../shared/domain/diagnosis/diagnose.ts';
import type { FailureFacts } from '../../shared/domain/diagnosis/diagnosis.ts';
import { ServiceFailure } from '../../shared/domain/failure.ts';
import type { LogFields } from '../../shared/domain/ports.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const { pem, key } = await makeCertificate({ bits: 2048 });
const VALUE = key + pem;
const START = Date.now();

interface Version {
  readonly id: string;
  enabled?: boolean;
  from?: number;
  to?: number;
  value?: string;
}

const away: FailureFacts = { stage: 'vault', httpStatus: 503, text: 'Service Unavailable' };
const disabled: FailureFacts = {
  stage: 'vault',
  httpStatus: 403,
  errorCode: 'Forbidden',
  text: 'Operation get is not allowed on a disabled secret.',
};
const forbidden: FailureFacts = {
  stage: 'vault',
  httpStatus: 403,
  errorCode: 'Forbidden',
  text: 'Caller is not authorized to perform action on resource.',
};

/** A vault that counts what it is asked, with a clock to set; versions oldest first. */
function rig(...versions: Version[]) {
  const state = {
    versions,
    now: START,
    calls: [] as string[],
    lines: [] as LogFields[],
    fails: undefined as FailureFacts | undefined,
    listFails: undefined as FailureFacts | undefined,
    tellsPrevious: false,
  };
  const fail = (facts: FailureFacts) => {
    throw new ServiceFailure('Key Vault: test', facts);
  };
  const cache = certificateCache(
    {
      async secret(_name, id) {
        state.calls.push(id ?? 'newest');
        await new Promise(resolve => setImmediate(resolve));
        if (state.fails) fail(state.fails);
        const found = id === undefined ? state.versions.at(-1) : state.versions.find(one => one.id === id);
        if (found?.enabled === false) fail(disabled);
        const before = found && state.versions[state.versions.indexOf(found) - 1];
        return {
          value: found?.value ?? VALUE,
          contentType: 'application/x-pem-file',
          version: found?.id ?? '',
          ...(found?.from === undefined ? {} : { notBeforeMs: found.from }),
          ...(found?.to === undefined ? {} : { expiresAtMs: found.to }),
          ...(state.tellsPrevious && before ? { previousVersion: before.id } : {}),
        };
      },
      async versions() {
        state.calls.push('list');
        if (state.fails) fail(state.fails);
        if (state.listFails) fail(state.listFails);
        return state.versions.map(
          (one, index): VaultSecretVersion => ({
            version: one.id,
            isEnabled: one.enabled !== false,
            createdAtMs: START + index * 1000,
            ...(one.from === undefined ? {} : { notBeforeMs: one.from }),
            ...(one.to === undefined ? {} : { expiresAtMs: one.to }),
          }),
        );
      },
    },
    () => state.now,
  );
  return {
    state,
    get: (options: { force?: boolean; avoid?: readonly string[] } = {}) =>
      cache(
        'mail',
        { force: options.force ?? false, avoid: new Map((options.avoid ?? []).map(id => [id, 'test_code'])) },
        (_level, fields) => state.lines.push(fields),
      ),
    /** The calls since the last look. */
    calls: () => state.calls.splice(0),
  };
}

async function failsWith(promise: Promise<unknown>, code: string) {
  await assert.rejects(promise, error => {
    assert.ok(error instanceof ServiceFailure, String(error));
    assert.equal(diagnose(error.facts).entry.code, code);
    return true;
  });
}

test('the newest version is one call, kept for 15 minutes; then a rotated one is seen', async () => {
  const { state, get, calls } = rig({ id: 'v1' });
  assert.equal((await get()).version, 'v1');
  state.now += 15 * MINUTE - 1;
  await get();
  assert.deepEqual(calls(), ['newest']);
  state.versions.push({ id: 'v2' });
  state.now += 1;
  const second = await get();
  assert.equal(second.version, 'v2');
  assert.equal(second.standsInFor, undefined);
  assert.deepEqual(calls(), ['newest']);
});

test('callers at the same time share one read', async () => {
  const { get, calls } = rig({ id: 'v1' });
  await Promise.all([get(), get(), get(), get(), get({ force: true })]);
  assert.deepEqual(calls(), ['newest']);
});

test('force reads although the copy is fresh', async () => {
  const { state, get, calls } = rig({ id: 'v1' });
  await get();
  state.versions.push({ id: 'v2' });
  assert.equal((await get()).version, 'v1');
  assert.equal((await get({ force: true })).version, 'v2');
  assert.deepEqual(calls(), ['newest', 'newest']);
});

test('while the vault is away the last good one serves, and the vault is asked every 30 seconds at most', async () => {
  const { state, get, calls } = rig({ id: 'v1' });
  await get();
  calls();
  state.fails = away;
  state.now += 16 * MINUTE;
  for (let mail = 0; mail < 4; mail++) assert.equal((await get()).version, 'v1');
  assert.deepEqual(calls(), ['newest']);
  assert.equal(state.lines.filter(line => line.event === 'vault.certificate.kept').length, 1);
  state.now += 31_000;
  assert.equal((await get()).version, 'v1');
  assert.deepEqual(calls(), ['newest']);
  state.fails = undefined;
  state.versions.push({ id: 'v2' });
  state.now += 31_000;
  assert.equal((await get()).version, 'v2');
});

test('a vault that is away from the beginning is the failure, and asked again', async () => {
  const { state, get, calls } = rig({ id: 'v1' });
  state.fails = away;
  await failsWith(get(), 'vault_unavailable');
  state.fails = undefined;
  assert.equal((await get()).version, 'v1');
  assert.deepEqual(calls(), ['newest', 'newest']);
});

test('a disabled newest version: the newest enabled one, and it says what it stands in for', async () => {
  const { get, calls } = rig({ id: 'v1' }, { id: 'v2' }, { id: 'v3', enabled: false });
  const certificate = await get();
  assert.equal(certificate.version, 'v2');
  assert.deepEqual(certificate.standsInFor, { reason: 'disabled', code: 'vault_version_disabled' });
  assert.deepEqual(calls(), ['newest', 'list', 'v2']);
  await get();
  assert.deepEqual(calls(), [], 'all of that is kept');
});

test('every version disabled: the failure says so', async () => {
  const { get } = rig({ id: 'v1', enabled: false }, { id: 'v2', enabled: false });
  await failsWith(get(), 'vault_version_disabled');
});

test('not yet valid: the newest that is valid now, until the time comes', async () => {
  const { state, get } = rig({ id: 'v1' }, { id: 'v2', from: START + 10 * MINUTE });
  const certificate = await get();
  assert.equal(certificate.version, 'v1');
  assert.deepEqual(certificate.standsInFor, { reason: 'notYetValid', version: 'v2' });
  state.now += 10 * MINUTE;
  assert.equal((await get()).version, 'v2');
});

test('expired ones are never used: an older one that is valid is, else the failure names it', async () => {
  const { state, get } = rig({ id: 'v1' }, { id: 'v2', to: START + DAY });
  assert.equal((await get()).version, 'v2');
  state.now += DAY;
  const certificate = await get();
  assert.equal(certificate.version, 'v1');
  assert.equal(certificate.standsInFor?.reason, 'expired');
  const alone = rig({ id: 'v0', to: START - DAY }, { id: 'v1', to: START - 1 });
  await failsWith(alone.get(), 'vault_certificate_expired');
  alone.state.versions.push({ id: 'v2' });
  assert.equal((await alone.get()).version, 'v2', 'a new version serves at once');
});

test('a copy that has run out is not used while the vault is away', async () => {
  const { state, get } = rig({ id: 'v1', to: START + 20 * MINUTE });
  await get();
  state.now += 20 * MINUTE;
  state.fails = away;
  await failsWith(get(), 'vault_certificate_expired');
});

test('a newest version that cannot be read, or has a key of the wrong kind: the one before', async () => {
  const { get } = rig({ id: 'v1' }, { id: 'v2', value: 'garbage' });
  const certificate = await get();
  assert.equal(certificate.version, 'v1');
  assert.deepEqual(certificate.standsInFor, { reason: 'unusable', code: 'vault_content_unreadable' });
});

test('a refused newest version: the one before; when all are refused, the newest', async () => {
  const { get } = rig({ id: 'v0', to: START - 1 }, { id: 'v1' }, { id: 'v2' });
  const certificate = await get({ avoid: ['v2'] });
  assert.equal(certificate.version, 'v1');
  assert.deepEqual(certificate.standsInFor, { reason: 'refused', version: 'v2', code: 'test_code' });
  assert.equal((await get({ avoid: ['v1', 'v2'] })).version, 'v2');
});

test('listing forbidden: a version that was in use here goes on', async () => {
  const { state, get, calls } = rig({ id: 'v1' });
  state.listFails = forbidden;
  await get();
  state.versions.push({ id: 'v2', from: START - 1 });
  calls();
  assert.equal((await get({ force: true })).version, 'v2');
  assert.equal((await get({ avoid: ['v2'] })).version, 'v1');
  assert.equal((await get({ avoid: ['v2'] })).version, 'v1');
  assert.deepEqual(calls(), ['newest', 'list'], 'and is not asked for each mail');
  state.versions.push({ id: 'v3', enabled: false });
  assert.equal((await get({ force: true })).version, 'v2', 'the best of what is in hand');
});

test('listing forbidden and nothing in hand: the version that the newest names, else the failure', async () => {
  const { state, get } = rig({ id: 'v1' }, { id: 'v2' });
  state.listFails = forbidden;
  assert.equal((await get({ avoid: ['v2'] })).version, 'v2', 'nothing else is known');
  state.tellsPrevious = true;
  assert.equal((await get({ force: true, avoid: ['v2'] })).version, 'v1');
  const cold = rig({ id: 'v1' }, { id: 'v2', enabled: false });
  cold.state.listFails = forbidden;
  await failsWith(cold.get(), 'vault_version_disabled');
});

test('the stand-in serves on while the vault is away', async () => {
  const { state, get } = rig({ id: 'v1' }, { id: 'v2', enabled: false });
  await get();
  state.fails = away;
  state.now += 20 * MINUTE;
  assert.equal((await get()).version, 'v1');
});

test('an older version that was disabled since is not used on', async () => {
  const { state, get } = rig({ id: 'v1' }, { id: 'v2' });
  assert.equal((await get({ avoid: ['v2'] })).version, 'v1');
  Object.assign(state.versions[0] ?? {}, { enabled: false });
  state.now += 16 * MINUTE;
  assert.equal((await get({ avoid: ['v2'] })).version, 'v2');
});
