import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { type M365, startM365 } from '../../local/m365/start-m365.ts';
import { vaultReader } from '../../shared/adapters/key-vault/vault-reader.ts';
import { vaultSigner } from '../../shared/adapters/key-vault/vault-signer.ts';
import { diagnose } from '../../shared/domain/diagnosis/diagnose.ts';
import { ServiceFailure } from '../../shared/domain/failure.ts';

let m365: M365;
before(async () => {
  m365 = await startM365({ stateDir: join(tmpdir(), 'exosend-test-m365') });
  setDefaultCACertificates([...getCACertificates('bundled'), m365.state.caPem]);
  process.env['IDENTITY_ENDPOINT'] = m365.settings['IDENTITY_ENDPOINT'] ?? '';
  process.env['IDENTITY_HEADER'] = m365.settings['IDENTITY_HEADER'] ?? '';
});
after(() => m365.close());
beforeEach(() => m365.faults.clear());

const reader = () => vaultReader({ url: m365.settings['KEY_VAULT_URL'] ?? '' });

async function factsOf(promise: Promise<unknown>) {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ServiceFailure, String(error));
  return { ...error.facts, code: diagnose(error.facts).entry.code, message: error.message };
}

test('a version is read by its id, and all are listed over several pages', async () => {
  const certificate = m365.world.vault.certificates['exosend-smtp'];
  assert.ok(certificate);
  const [first] = certificate.versions;
  assert.ok(first);
  const kept = certificate.versions;
  certificate.versions = Array.from({ length: 30 }, (_one, index) => ({
    ...first,
    version: `${index}`.padStart(32, '0'),
  }));
  assert.equal((await reader().versions('exosend-smtp')).length, 30);
  const third = await reader().secret('exosend-smtp', '2'.padStart(32, '0'));
  assert.equal(third.version, '2'.padStart(32, '0'));
  assert.equal(third.previousVersion, '1'.padStart(32, '0'));
  certificate.versions = kept;
});

test('silence after the challenge, and a Retry-After beyond the limit: both end in time and are told apart', {
  timeout: 40_000,
}, async () => {
  const silent = { path: '/secrets/exosend-smtp-vault' };
  const busy = { path: '/secrets/exosend-smtp-pem' };
  m365.faults.set([
    { at: 'vault', action: 'stall', skip: 1, match: silent },
    { at: 'vault', action: 'http', status: 429, retryAfter: 60, match: busy },
  ]);
  const begun = performance.now();
  const [stalled, throttled] = await Promise.all([
    factsOf(reader().secret('exosend-smtp-vault')),
    factsOf(reader().secret('exosend-smtp-pem')),
  ]);
  assert.ok(performance.now() - begun < 17_000);
  assert.equal(stalled.code, 'vault_unreachable', 'the 401 before says nothing');
  assert.equal(stalled.errorCode, 'ETIMEDOUT');
  assert.equal(throttled.code, 'vault_throttled');
  assert.equal(throttled.retryAfterMs, 60_000);
});

test('after a lost connection the same reader succeeds', async () => {
  const read = reader();
  m365.faults.set({ at: 'vault', action: 'drop' });
  assert.equal((await factsOf(read.secret('exosend-smtp'))).code, 'vault_unreachable');
  m365.faults.clear();
  assert.equal((await read.secret('exosend-smtp')).contentType, 'application/x-pkcs12');
});

test('a key whose time has not come or has passed is named as such', async () => {
  const url = m365.settings['KEY_VAULT_URL'];
  const [version] = m365.world.vault.certificates['exosend-smtp-vault']?.versions ?? [];
  assert.ok(version);
  const keyId = `${url}/keys/exosend-smtp-vault/${version.version}`;
  const digest = new Uint8Array(32);
  const sign = () => vaultSigner({ url: url ?? '' })(keyId, digest);
  assert.equal((await sign()).length, 384);
  version.expiresAt = new Date(Date.now() - 1000);
  assert.equal((await factsOf(sign())).code, 'vault_certificate_expired');
  delete version.expiresAt;
  version.notBefore = new Date(Date.now() + 60_000);
  assert.equal((await factsOf(sign())).code, 'vault_certificate_expired');
  delete version.notBefore;
  version.enabled = false;
  assert.equal((await factsOf(sign())).code, 'vault_version_disabled');
  version.enabled = true;
});
