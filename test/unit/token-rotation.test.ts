import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { rotateCertificate } from '../../local/m365/rotate-certificate.ts';
import { type M365, startM365 } from '../../local/m365/start-m365.ts';
import type { World } from '../../local/m365/world.ts';
import { makeCertificate } from '../../local/m365/x509/make-certificate.ts';
import { credentialStates } from '../../shared/adapters/entra/credential-states.ts';
import { tokenSource } from '../../shared/adapters/entra/token-source.ts';
import { federatedToken } from '../../shared/adapters/federated-token.ts';
import { certificateCache } from '../../shared/adapters/key-vault/certificate-cache.ts';
import { vaultReader } from '../../shared/adapters/key-vault/vault-reader.ts';
import { vaultSigner } from '../../shared/adapters/key-vault/vault-signer.ts';
import { diagnose } from '../../shared/domain/diagnosis/diagnose.ts';
import { ServiceFailure } from '../../shared/domain/failure.ts';
import type { Log, LogFields } from '../../shared/domain/ports.ts';
import { type CredentialConfig, EXCHANGE_ONLINE_LIMITS } from '../../shared/domain/sender.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const SIX_HOURS_AGO = new Date(Date.now() - DAY / 4);

let m365: M365;
before(async () => {
  m365 = await startM365({ stateDir: join(tmpdir(), 'exosend-test-m365') });
  setDefaultCACertificates([...getCACertificates('bundled'), m365.state.caPem]);
  process.env['IDENTITY_ENDPOINT'] = m365.settings['IDENTITY_ENDPOINT'] ?? '';
  process.env['IDENTITY_HEADER'] = m365.settings['IDENTITY_HEADER'] ?? '';
});
after(() => m365.close());

let fresh: { versions: Map<string, World['vault']['certificates'][string]['versions']>; registered: string[] };
beforeEach(() => {
  m365.faults.clear();
  m365.world.clockOffsetMs = 0;
  const { certificates } = m365.world.vault;
  fresh ??= {
    versions: new Map(Object.entries(certificates).map(([name, { versions }]) => [name, [...versions]])),
    registered: [...(m365.world.apps[0]?.certificates ?? [])],
  };
  for (const [name, certificate] of Object.entries(certificates)) {
    certificate.versions = (fresh.versions.get(name) ?? []).map(one => ({
      ...one,
      enabled: true,
      createdAt: SIX_HOURS_AGO,
    }));
  }
  register([...fresh.registered]);
});

function register(pems: string[]): void {
  const [app] = m365.world.apps;
  assert.ok(app);
  app.certificates = pems;
}

/** One process: nothing in memory yet, and a clock to set. */
function startProcess(credential: CredentialConfig, clientId?: string) {
  const { settings } = m365;
  const state = { now: Date.now(), lines: [] as (LogFields & { level: string })[] };
  const now = () => state.now;
  const states = credentialStates(now);
  const config = { url: settings['KEY_VAULT_URL'] ?? '', ...(clientId === undefined ? {} : { clientId }) };
  const reader = vaultReader(config);
  const tokens = tokenSource({
    authorityHost: settings['AZURE_AUTHORITY_HOST'] ?? '',
    scope: 'https://outlook.office365.com/.default',
    vault: {
      secret: name => reader.secret(name),
      certificate: certificateCache(reader, now),
      sign: vaultSigner(config),
    },
    federatedToken: federatedToken(undefined),
    states,
    now,
  });
  const sender = {
    mailboxes: ['billing@contoso.com'],
    from: ['billing@contoso.com'],
    tenantId: m365.world.tenantId,
    clientId: m365.world.clientId,
    credential,
    limits: EXCHANGE_ONLINE_LIMITS,
  };
  const log: Log = (level, fields) => state.lines.push({ level, ...fields });
  const pass = (ms: number) => {
    state.now += ms;
    // Where the assertion is made here and not by MSAL, it is dated by this clock.
    if (credential.kind === 'certificate' && credential.sign === 'vault')
      m365.world.clockOffsetMs = state.now - Date.now();
  };
  return {
    state,
    pass,
    /** By force only after the few seconds in which a token is the newest there is. */
    token(force = true) {
      if (force) pass(5_000);
      return tokens(sender, { force }, log);
    },
    states: () => states.credentialState('name' in credential ? credential.name : ''),
    used: () => state.lines.findLast(line => line.event === 'token.acquired')?.['certificateVersion'],
    events: (event: string) => state.lines.filter(line => line.event === event),
  };
}

async function failsWith(promise: Promise<unknown>, code: string) {
  await assert.rejects(promise, error => {
    assert.ok(error instanceof ServiceFailure, String(error));
    assert.equal(diagnose(error.facts).entry.code, code, JSON.stringify(error.facts));
    return true;
  });
}

function newestOf(name: string) {
  const version = m365.world.vault.certificates[name]?.versions.at(-1);
  assert.ok(version);
  return version;
}

const CREDENTIALS: readonly (CredentialConfig & { kind: 'certificate' })[] = [
  { kind: 'certificate', name: 'exosend-smtp', sign: 'local' },
  { kind: 'certificate', name: 'exosend-smtp-pem', sign: 'local' },
  { kind: 'certificate', name: 'exosend-smtp-vault', sign: 'vault' },
];

for (const credential of CREDENTIALS) {
  const { name, sign } = credential;

  test(`${name}, sign ${sign}: a rotated version that Entra knows is taken over`, async () => {
    const process = startProcess(credential);
    await process.token();
    assert.equal(process.used(), newestOf(name).version);
    const added = await rotateCertificate(m365.world, name, { bits: 2048 });
    process.pass(15 * MINUTE);
    await process.token();
    assert.equal(process.used(), added.version);
    assert.deepEqual(process.events('credential.fallback'), []);
  });

  test(`${name}, sign ${sign}: one that Entra does not know: the previous one, with one warning; an hour later it is tried again`, async () => {
    const old = newestOf(name).version;
    const added = await rotateCertificate(m365.world, name, { bits: 2048, register: false });
    const process = startProcess(credential);
    const requests = () => structuredClone(m365.counters).tokenRequests;
    const begun = requests();
    await process.token();
    assert.equal(process.used(), old);
    assert.equal(requests() - begun, 2, 'one refused, one granted');
    for (let minute = 10; minute < 60; minute += 10) {
      process.pass(10 * MINUTE);
      await process.token();
      assert.equal(process.used(), old);
    }
    assert.equal(requests() - begun, 7, 'the refused version is left alone');
    process.pass(10 * MINUTE);
    await process.token();
    assert.equal(requests() - begun, 9, 'tried again');
    const [warning, ...more] = process.events('credential.fallback');
    assert.deepEqual(more, []);
    assert.equal(warning?.level, 'warn');
    assert.equal(warning?.code, 'entra_certificate_not_registered');
    assert.equal(process.states()[0]?.version, old);
    assert.equal(process.states()[0]?.fallback?.version, added.version);

    register([...fresh.registered, added.pem]);
    process.pass(61 * MINUTE);
    await process.token();
    assert.equal(process.used(), added.version);
    assert.equal(process.events('credential.newest').length, 1);
    assert.equal(process.states()[0]?.fallback, undefined);
  });

  test(`${name}, sign ${sign}: disabled, not yet valid and expired versions are passed over`, async () => {
    const old = newestOf(name).version;
    const added = await rotateCertificate(m365.world, name, { bits: 2048 });
    added.enabled = false;
    const first = startProcess(credential);
    await first.token();
    assert.equal(first.used(), old);
    assert.equal(first.events('credential.fallback')[0]?.state, 'disabled');

    added.enabled = true;
    const soon = await makeCertificate({ bits: 2048, notBefore: new Date(Date.now() + DAY) });
    Object.assign(added, { pem: soon.pem, key: soon.key });
    register([...fresh.registered, soon.pem]);
    const second = startProcess(credential);
    await second.token();
    assert.equal(second.used(), old);

    const over = await makeCertificate({ bits: 2048, notAfter: new Date(Date.now() - 1000) });
    Object.assign(added, { pem: over.pem, key: over.key });
    const third = startProcess(credential);
    await third.token();
    assert.equal(third.used(), old);
    m365.world.vault.certificates[name]?.versions.shift();
    await failsWith(startProcess(credential).token(), 'vault_certificate_expired');
    newestOf(name).enabled = false;
    await failsWith(startProcess(credential).token(), 'vault_version_disabled');
  });
}

test('a token in hand keeps working while Entra knows no certificate at all', async () => {
  const process = startProcess({ kind: 'certificate', name: 'exosend-smtp', sign: 'local' });
  const { token } = await process.token();
  register([]);
  process.pass(52 * MINUTE);
  assert.equal((await process.token(false)).token, token);
  process.pass(6 * MINUTE);
  assert.equal((await process.token(false)).token, token);
  await failsWith(process.token(), 'entra_certificate_not_registered');
  register([...fresh.registered]);
  await process.token();
});

test('a newer version ends the wait at once', async () => {
  const credential = { kind: 'certificate', name: 'exosend-smtp', sign: 'local' } as const;
  await rotateCertificate(m365.world, 'exosend-smtp', { bits: 2048, register: false });
  const process = startProcess(credential);
  await process.token();
  const third = await rotateCertificate(m365.world, 'exosend-smtp', { bits: 2048 });
  third.createdAt = new Date(Date.now() + 1000);
  process.pass(15 * MINUTE);
  await process.token();
  assert.equal(process.used(), third.version);
});

test('without the permission to list: a process that has used the old version goes on, a new one says what is wrong', async () => {
  const [identity] = m365.world.identities;
  assert.ok(identity);
  identity.vaultOperations = ['secrets/get'];
  try {
    const credential = { kind: 'certificate', name: 'exosend-smtp', sign: 'local' } as const;
    const warm = startProcess(credential);
    await warm.token();
    const old = warm.used();
    const before = m365.world.vault.certificates['exosend-smtp'];
    const added = await rotateCertificate(m365.world, 'exosend-smtp', { bits: 2048, register: false });
    warm.pass(20 * MINUTE);
    await warm.token();
    assert.equal(warm.used(), old);
    assert.equal(warm.events('vault.versions.unlisted').length, 1);
    // An only version that Entra does not know: nothing to fall back to.
    if (before) before.versions = [added];
    await failsWith(startProcess(credential).token(), 'entra_certificate_not_registered');
  } finally {
    delete identity.vaultOperations;
  }
});

test('a key that was disabled after the certificate was read: the vault is asked anew', async () => {
  const credential = { kind: 'certificate', name: 'exosend-smtp-vault', sign: 'vault' } as const;
  const old = newestOf('exosend-smtp-vault').version;
  const added = await rotateCertificate(m365.world, 'exosend-smtp-vault', { bits: 2048 });
  const process = startProcess(credential);
  await process.token();
  assert.equal(process.used(), added.version);
  added.enabled = false;
  await process.token();
  assert.equal(process.used(), old);
});

test('five callers of a cold process: one read of the vault, one token request', async () => {
  const process = startProcess({ kind: 'certificate', name: 'exosend-smtp', sign: 'local' });
  const before = structuredClone(m365.counters);
  const tokens = await Promise.all(Array.from({ length: 5 }, () => process.token(false)));
  const afterwards = structuredClone(m365.counters);
  assert.equal(new Set(tokens.map(({ token }) => token)).size, 1);
  assert.equal(afterwards.tokenRequests - before.tokenRequests, 1);
  const reads = (counters: typeof before) => counters.vaultOperations['secrets/get'] ?? 0;
  assert.equal(reads(afterwards) - reads(before), 1);
});

test('Retry-After is kept to, also by those who force; afterwards the next call succeeds', async () => {
  const process = startProcess({ kind: 'certificate', name: 'exosend-smtp', sign: 'local' });
  const body = { error: 'temporarily_unavailable', error_description: 'AADSTS90055: calm', error_codes: [90055] };
  m365.faults.set({ at: 'token', action: 'http', status: 429, body, retryAfter: 40, times: 1 });
  await failsWith(process.token(), 'entra_throttled');
  const { tokenRequests } = structuredClone(m365.counters);
  await failsWith(process.token(), 'entra_throttled');
  assert.equal(structuredClone(m365.counters).tokenRequests, tokenRequests);
  process.pass(40_001);
  await process.token();
});

test('a 503 of Entra is not remembered by the library: the next call asks and succeeds', async () => {
  const process = startProcess({ kind: 'certificate', name: 'exosend-smtp', sign: 'local' });
  m365.faults.set({ at: 'token', action: 'http', status: 503, times: 1 });
  await failsWith(process.token(), 'entra_unavailable');
  await process.token();
});

test('a fault after the first refusal is the failure, since it passes by itself', async () => {
  await rotateCertificate(m365.world, 'exosend-smtp', { bits: 2048, register: false });
  const process = startProcess({ kind: 'certificate', name: 'exosend-smtp', sign: 'local' });
  m365.faults.set({ at: 'token', action: 'http', status: 503, skip: 1, times: 1 });
  await failsWith(process.token(), 'entra_unavailable');
  await process.token();
});

test('no version that Entra takes: the refusal of the newest one, asked each time, so that an upload helps at once', async () => {
  const added = await rotateCertificate(m365.world, 'exosend-smtp', { bits: 2048, register: false });
  register([]);
  const process = startProcess({ kind: 'certificate', name: 'exosend-smtp', sign: 'local' });
  await failsWith(process.token(), 'entra_certificate_not_registered');
  await failsWith(process.token(), 'entra_certificate_not_registered');
  register([added.pem]);
  await process.token();
  assert.equal(process.used(), added.version);
  assert.deepEqual(process.events('credential.fallback'), []);
});

test('a client secret serves on while the vault is away, and not once the vault refuses it', async () => {
  const process = startProcess({ kind: 'secret', name: 'exosend-smtp-secret' });
  await process.token();
  m365.faults.set({ at: 'vault', action: 'http', status: 503 });
  await process.token();
  m365.faults.clear();
  const [version] = m365.world.vault.secrets['exosend-smtp-secret'] ?? [];
  assert.ok(version);
  version.enabled = false;
  await failsWith(process.token(), 'vault_version_disabled');
  version.enabled = true;
});
