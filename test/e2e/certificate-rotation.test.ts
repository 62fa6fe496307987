import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { rotatedCredentials } from '../../functions/rotation.ts';
import { APPLICATION_OBJECT_ID, CLIENT_ID, TENANT_ID, vaultCertificate } from '../../local/m365/default-world.ts';
import type { Fault } from '../../local/m365/faults.ts';
import type { App as Registration, VaultCertificate } from '../../local/m365/world.ts';
import { makeCertificate } from '../../local/m365/x509/make-certificate.ts';
import { readSettings } from '../../shared/config/settings.ts';
import { noteOf } from '../../shared/domain/key-note.ts';
import { type RotationOptions, rotateCredential } from '../../shared/usecases/rotate-credential.ts';
import { APP_VAULT_OPERATIONS, type App, startApp } from '../support/app.ts';
import { mailRequest } from '../support/requests.ts';

const DAY = 86_400_000;
const OPTIONS: RotationOptions = { when: 'due', graceMs: 0, waitMs: 20_000, settleMs: 300 };

/** The session ends with each mail and a token hardly lives: so every mail has to sign in. */
const ONE_MAIL_EACH: Fault = {
  at: 'smtp.dot',
  action: 'reply',
  text: '250 2.0.0 OK <taken@AM0PR04CA0017.example> [Hostname=AM0PR04CA0017.example]',
  close: true,
  stored: true,
};

const CERTIFICATES_OFFICER = ['certificates/get', 'certificates/list', 'certificates/create', 'certificates/update'];

let app: App;
let others: string[];
before(async () => {
  const world = { exchange: { limits: { rateAction: 'off' } }, tokens: { lifetimeSeconds: 60 } } as const;
  app = await startApp({ m365: { world }, env: { MAIL_SENDERS: senders('local') } });
  const { m365 } = app;
  for (const identity of m365.world.identities)
    identity.vaultOperations = [...APP_VAULT_OPERATIONS, ...CERTIFICATES_OFFICER];
  others = [...registration().certificates];
  setDefaultCACertificates([...getCACertificates('bundled'), m365.state.caPem]);
  for (const name of ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER']) process.env[name] = m365.settings[name] ?? '';
  app.m365.faults.set(ONE_MAIL_EACH);
  await renewWorld();
});
after(() => app.close());
afterEach(() => {
  app.m365.faults.set(ONE_MAIL_EACH);
  app.m365.world.graph = { canReadOwnApp: false, keyPropagationMs: 0 };
});

function registration(): Registration {
  const found = app.m365.world.apps[0];
  assert.ok(found);
  return found;
}

function certificate(): VaultCertificate {
  const found = app.m365.world.vault.certificates['rotated'];
  assert.ok(found);
  return found;
}

function senders(sign: 'local' | 'vault'): string {
  const credential = { kind: 'certificate', name: 'rotated', sign, applicationObjectId: APPLICATION_OBJECT_ID };
  const registered = { tenantId: TENANT_ID, clientId: CLIENT_ID, credential };
  const limits = { messagesPerMinute: 60_000 };
  return JSON.stringify([{ mailbox: 'billing@contoso.com', ...registered, limits }]);
}

/** A certificate with one version that is registered, of which 300 of 365 days are over. */
async function renewWorld(): Promise<void> {
  const [notBefore, notAfter] = [new Date(Date.now() - 300 * DAY), new Date(Date.now() + 65 * DAY)];
  const made = await makeCertificate({ bits: 2048, notBefore, notAfter });
  const fresh = vaultCertificate(made);
  for (const version of fresh.versions) version.createdAt = notBefore;
  app.m365.world.vault.certificates['rotated'] = fresh;
  registration().certificates = [...others, made.pem];
}

/** One run, with what the app has, in this process. */
async function rotate(options: Partial<RotationOptions> = {}, sign: 'local' | 'vault' = 'local') {
  const env = { ...app.m365.settings, AzureWebJobsStorage: app.connectionString, MAIL_SENDERS: senders(sign) };
  const read = readSettings(env);
  assert.ok(read.ok, JSON.stringify(read));
  const [credential] = rotatedCredentials(read.settings, read.settings.mail.senders, Date.now);
  assert.ok(credential);
  const clock = { now: Date.now, sleep: (ms: number) => sleep(Math.min(ms, 50)) };
  return rotateCredential({ ...credential, clock, log: () => {} }, { ...OPTIONS, ...options });
}

/** Which versions of the certificate, oldest first, are registered. */
const registered = (): boolean[] => certificate().versions.map(({ pem }) => registration().certificates.includes(pem));
const enabled = (): boolean[] => certificate().versions.map(one => one.enabled);

/** Sends mail after mail while `work` goes on, then sees that each has been sent. */
async function whileSending(work: () => Promise<void>): Promise<number> {
  const sent: string[] = [];
  let isOver = false;
  const sending = (async () => {
    do {
      const { body, status } = await app.send(mailRequest());
      assert.equal(status, 202);
      sent.push(body.id);
      await sleep(150);
    } while (!isOver);
  })();
  try {
    await work();
  } finally {
    isOver = true;
    await sending;
  }
  for (const id of sent) {
    const message = await app.until(id, ['sent', 'deferred', 'failed', 'unknown', 'expired'], 30_000);
    assert.equal(message.status, 'sent', JSON.stringify(message));
    const codes = message.events.map((event: { diagnosis?: { code: string } }) => event.diagnosis?.code ?? '');
    assert.ok(!codes.some((code: string) => /^(entra|vault|smtp_auth)/.test(code)), JSON.stringify(message.events));
  }
  return sent.length;
}

/** The next line of the app's log that matches. */
const lineOf = (pattern: RegExp): Promise<string> =>
  new Promise(resolve => {
    const stop = app.hostLines.onLine(line => {
      if (!pattern.test(line)) return;
      stop();
      resolve(line);
    });
  });

const NOTE = { at: 'vault', match: { path: '/certificates/rotated/', method: 'PATCH' }, times: 3 } as const;
const BOTH = [false, true];
/**
 * Where a run is cut off, before it is done or after: reading and changing in the vault is tried three times, creating and what
 * Graph does once. (Every place, both ways, is gone through in the unit tests.)
 */
const STEPS: [string, Omit<Fault, 'action'>, boolean[]][] = [
  ['the creation of a version', { at: 'vault', match: { path: '/create' }, times: 1 }, BOTH],
  ['the wait for it', { at: 'vault', match: { path: '/pending' }, times: 3, skip: 1 }, [false]],
  ['the note before addKey', NOTE, [true]],
  ['addKey', { at: 'graph', match: { path: '/addKey' }, times: 1 }, BOTH],
  ['the note of the key’s id', { ...NOTE, skip: 1 }, BOTH],
  ['the note that it is accepted', { ...NOTE, skip: 2 }, [false]],
  ['removeKey', { at: 'graph', match: { path: '/removeKey' }, times: 1 }, BOTH],
  ['the disabling of the old version', { ...NOTE, skip: 3 }, [true]],
];

test('cut off at each step, before and after it is done, and run again: every mail is sent', async () => {
  app.m365.world.graph.canReadOwnApp = true;
  await rotate();
  await app.restartAfresh();
  const count = await whileSending(async () => {
    for (const [what, fault, times] of STEPS) {
      for (const stored of times) {
        const where = `${what}, ${stored ? 'after' : 'before'} it was done`;
        makeOld();
        // Without: a key whose id was lost stays until the next rotation that can look it up.
        app.m365.world.graph.canReadOwnApp = stored;
        const versions = certificate().versions.length;
        app.m365.faults.set([ONE_MAIL_EACH, { ...fault, action: 'drop', stored }]);
        await assert.rejects(rotate(), Error, where);
        app.m365.faults.set(ONE_MAIL_EACH);
        assert.ok(
          registered().some((is, at) => is && enabled()[at]),
          `${where}: nothing left to sign in with`,
        );
        while ((await rotate()).state === 'waiting');
        assert.equal(certificate().versions.length, versions + 1, where);
        const expected = certificate().versions.map((_version, at) => at === versions);
        assert.deepEqual([registered(), enabled()], [expected, expected], where);
        assert.equal(registration().certificates.length, others.length + 1, `${where}: no key twice`);
      }
    }
  });
  assert.ok(count > 10, `${count} mails`);
});

/** The newest version becomes one with 80 % of its life behind it: by the attributes of the vault. */
function makeOld(): void {
  const newest = certificate().versions.at(-1);
  assert.ok(newest);
  newest.createdAt = new Date(Date.now() - 300 * DAY);
  newest.notBefore = new Date(Date.now() - 300 * DAY);
  newest.expiresAt = new Date(Date.now() + 65 * DAY);
}

test('the timer replaces a certificate that is due, with mail going out all the while', async () => {
  await renewWorld();
  app.m365.world.graph = { canReadOwnApp: true, keyPropagationMs: 1_500 };
  const identity = app.m365.world.identities.find(({ kind }) => kind === 'userAssigned');
  assert.ok(identity);
  // Key Vault Secrets User and Certificates Officer, and not a thing more.
  identity.vaultOperations = ['secrets/get', 'secrets/list', ...CERTIFICATES_OFFICER];
  const env = { MAIL_SENDERS: senders('local'), CERTIFICATE_ROTATION: 'on', CERTIFICATE_ROTATION_GRACE_HOURS: '0' };
  await app.restartAfresh(env);
  await whileSending(async () => {
    const over = lineOf(/credential\.rotation\.(finished|failed)/);
    await app.trigger('rotateCertificates');
    assert.match(await over, /credential\.rotation\.finished/);
  });
  assert.deepEqual(
    [registered(), enabled()],
    [
      [false, true],
      [false, true],
    ],
  );
  assert.equal((app.m365.counters.graphOperations['removeKey'] ?? 0) > 0, true);
  identity.vaultOperations = [...APP_VAULT_OPERATIONS, ...CERTIFICATES_OFFICER];
  const policy = certificate().policy as { lifetime_actions: unknown };
  assert.deepEqual(policy.lifetime_actions, [
    { trigger: { lifetime_percentage: 80 }, action: { action_type: 'EmailContacts' } },
  ]);
});

test('a host that dies in the middle: the next run goes on, and the mail goes out', async () => {
  await renewWorld();
  const env = { MAIL_SENDERS: senders('vault'), CERTIFICATE_ROTATION: 'on' };
  await app.restartAfresh(env);
  app.m365.faults.add({ at: 'graph', action: 'stall', match: { path: '/addKey' } });
  await app.trigger('rotateCertificates');
  while (!noteOf(certificate().versions[1]?.tags ?? {}, CLIENT_ID)) await sleep(20);
  await app.killHost();
  app.m365.faults.set(ONE_MAIL_EACH);
  await app.restartHost(env);
  assert.equal((await app.until((await app.send(mailRequest())).body.id, ['sent'], 30_000)).status, 'sent');
  const report = await rotate({ graceMs: DAY }, 'vault');
  for (let state = report.state; state === 'waiting'; ) state = (await rotate({ graceMs: DAY }, 'vault')).state;
  assert.deepEqual(
    [registered(), enabled()],
    [
      [true, true],
      [true, true],
    ],
  );
});

test('off, which is the default, the timer touches nothing', async () => {
  await renewWorld();
  await app.restartAfresh({ MAIL_SENDERS: senders('local') });
  const before = { ...app.m365.counters.graphOperations };
  await app.trigger('rotateCertificates');
  await app.until((await app.send(mailRequest())).body.id, ['sent'], 30_000);
  assert.equal(certificate().versions.length, 1);
  assert.deepEqual(app.m365.counters.graphOperations, before);
});

test('where it cannot go on, the log says what to do', async () => {
  await renewWorld();
  const parsed = JSON.parse(senders('local'));
  delete parsed[0].credential.applicationObjectId;
  await app.restartAfresh({ MAIL_SENDERS: JSON.stringify(parsed), CERTIFICATE_ROTATION: 'on' });
  const failed = lineOf(/credential\.rotation\.(finished|failed)/);
  await app.trigger('rotateCertificates');
  const line = await failed;
  assert.match(line, /object_id_unknown/);
  assert.match(line, /az ad app show --id/);
  assert.equal(certificate().versions.length, 1, 'and no version is made');
});
