import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { rotateCertificate } from '../../local/m365/rotate-certificate.ts';
import type { CertificateVersion } from '../../local/m365/world.ts';
import { type App, startApp } from '../support/app.ts';
import { mailRequest } from '../support/requests.ts';

const NAMES = ['exosend-smtp', 'exosend-smtp-pem', 'exosend-smtp-vault'] as const;

let app: App;
let registered: string[];
const kept = new Map<string, CertificateVersion[]>();
before(async () => {
  app = await startApp({ m365: { world: { exchange: { limits: { rateAction: 'off' } } } } });
  registered = [...(app.m365.world.apps[0]?.certificates ?? [])];
  for (const name of NAMES) kept.set(name, [...(app.m365.world.vault.certificates[name]?.versions ?? [])]);
});
after(() => app.close());
afterEach(() => {
  app.m365.faults.clear();
  for (const name of NAMES) {
    const certificate = app.m365.world.vault.certificates[name];
    if (certificate) certificate.versions = [...(kept.get(name) ?? [])];
  }
  register(registered);
});

function register(certificates: readonly string[]): void {
  const [registration] = app.m365.world.apps;
  assert.ok(registration);
  registration.certificates = [...certificates];
}

/** A new process, which knows no token and no certificate. */
async function restart(name: (typeof NAMES)[number]) {
  const { MAIL_TENANT_ID: tenantId, MAIL_CLIENT_ID: clientId } = app.m365.settings;
  const credential = { kind: 'certificate', name, sign: name === 'exosend-smtp-vault' ? 'vault' : 'local' };
  await app.restartAfresh({
    MAIL_SENDERS: JSON.stringify([{ mailbox: 'billing@contoso.com', tenantId, clientId, credential }]),
  });
}

async function send(timeoutMs = 30_000) {
  const { body } = await app.send(mailRequest());
  return app.until(body.id, ['sent', 'deferred', 'failed', 'unknown'], timeoutMs);
}

const fallbackLines = () => app.hostLines.list().filter(line => line.includes('credential.fallback'));

for (const name of NAMES) {
  test(`${name}: renewed in the vault and unknown to Entra: mail goes out by the previous version`, async () => {
    const { version } = await rotateCertificate(app.m365.world, name, { bits: 2048, register: false });
    await restart(name);
    const before = fallbackLines().length;
    for (let mail = 0; mail < 3; mail++) {
      const message = await send();
      assert.equal(message.status, 'sent', JSON.stringify(message));
    }
    const lines = fallbackLines().slice(before);
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.ok(lines[0]?.includes(version) && lines[0].includes('entra_certificate_not_registered'));
  });

  test(`${name}: the newest version disabled: mail goes out by the newest enabled one`, async () => {
    const added = await rotateCertificate(app.m365.world, name, { bits: 2048 });
    added.enabled = false;
    await restart(name);
    assert.equal((await send()).status, 'sent');
  });
}

test('only an expired version: the message waits, and says so', async () => {
  const certificate = app.m365.world.vault.certificates['exosend-smtp'];
  assert.ok(certificate);
  const notAfter = new Date(Date.now() - 60_000);
  certificate.versions = [await rotateCertificate(app.m365.world, 'exosend-smtp', { bits: 2048, notAfter })];
  await restart('exosend-smtp');
  const message = await send();
  assert.equal(message.status, 'deferred');
  assert.equal(message.diagnosis.code, 'vault_certificate_expired');
  await app.call('DELETE', `/api/messages/${message.id}`);
});

test('an identity endpoint that never answers: the message waits after some 15 seconds, and says why', async () => {
  await restart('exosend-smtp');
  app.m365.faults.set({ at: 'identity', action: 'stall' });
  const begun = performance.now();
  const message = await send(25_000);
  assert.ok(performance.now() - begun < 20_000);
  assert.equal(message.status, 'deferred');
  assert.equal(message.diagnosis.code, 'identity_timeout');
  await app.call('DELETE', `/api/messages/${message.id}`);
});
