import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Fault } from '../../local/m365/faults.ts';
import { type App, startApp } from '../support/app.ts';
import { mailRequest } from '../support/requests.ts';

let app: App;
before(async () => {
  app = await startApp({ m365: { world: { exchange: { limits: { rateAction: 'off' } } } } });
});
after(() => app.close());

/** A new process knows no token and no certificate: what is away now is missed. */
async function firstMail(fault: Fault | undefined) {
  app.m365.faults.clear();
  await app.restartAfresh();
  if (fault) app.m365.faults.set(fault);
  const { body } = await app.send(mailRequest());
  return app.until(body.id, ['deferred', 'failed', 'sent', 'unknown'], 30_000);
}

const OUTAGES: readonly (readonly [string, Fault, string])[] = [
  ['managed identity says 500', { at: 'identity', action: 'http', status: 500 }, 'identity_unavailable'],
  [
    'Key Vault says 403',
    {
      at: 'vault',
      action: 'http',
      status: 403,
      body: {
        error: {
          code: 'Forbidden',
          message: 'Caller is not authorized to perform action on resource.',
          innererror: { code: 'ForbiddenByRbac' },
        },
      },
    },
    'vault_forbidden',
  ],
  ['Key Vault says 503', { at: 'vault', action: 'http', status: 503 }, 'vault_unavailable'],
  ['Entra says 503', { at: 'token', action: 'http', status: 503 }, 'entra_unavailable'],
  [
    'Entra says 429',
    {
      at: 'token',
      action: 'http',
      status: 429,
      body: {
        error: 'temporarily_unavailable',
        error_description: 'AADSTS90055: too many requests',
        error_codes: [90055],
      },
      retryAfter: 40,
    },
    'entra_throttled',
  ],
  [
    'Entra answers with a page',
    { at: 'token', action: 'http', status: 502, body: '<html>proxy</html>' },
    'entra_answer_unreadable',
  ],
  ['Entra drops the connection', { at: 'token', action: 'drop' }, 'entra_unreachable'],
];

for (const [name, fault, code] of OUTAGES) {
  test(`${name}: the message waits, and says why`, async () => {
    const message = await firstMail(fault);
    assert.equal(message.status, 'deferred', JSON.stringify(message));
    assert.equal(message.diagnosis.code, code);
    assert.match(message.diagnosis.remedy, /\w/);
    await app.call('DELETE', `/api/messages/${message.id}`);
  });
}

test('a certificate that Entra does not know: the message waits, with the command', async () => {
  const registered = app.m365.world.apps[0];
  assert.ok(registered);
  const { certificates } = registered;
  registered.certificates = [];
  try {
    const message = await firstMail(undefined);
    assert.equal(message.status, 'deferred');
    assert.equal(message.diagnosis.code, 'entra_certificate_not_registered');
    assert.match(message.diagnosis.remedy, /az (keyvault|ad)/);
  } finally {
    registered.certificates = certificates;
  }
});

test('once signed in, mail goes on while the vault and Entra are away', async () => {
  assert.equal((await firstMail(undefined)).status, 'sent');
  app.m365.faults.set([
    { at: 'vault', action: 'drop' },
    { at: 'token', action: 'drop' },
    { at: 'identity', action: 'drop' },
  ]);
  const { body } = await app.send(mailRequest());
  assert.equal((await app.until(body.id, ['sent', 'deferred'])).status, 'sent');
});

test('a host that stops gives its connection back: its successors need not wait for the lease to run out', async () => {
  app.m365.faults.clear();
  for (let stop = 0; stop < 4; stop++) {
    await app.restartAfresh();
    const { body } = await app.send(mailRequest());
    // One connection more than the mailbox may have, and well within the 30 s of a lease.
    assert.equal((await app.until(body.id, ['sent'], 4_000)).status, 'sent');
  }
});

test('bad settings leave the app up: health 503, calls 503, one log line with every name and no value', async () => {
  await app.restartHost({
    MAIL_SENDERS: undefined,
    KEY_VAULT_URL: 'http://S3cret.example',
    MAIL_CLIENT_ID: 'S3cret',
    MAIL_TENANT_ID: undefined,
  });
  const health = await app.call('GET', '/api/health');
  assert.equal(health.status, 503);
  const answer = await app.send(mailRequest());
  assert.equal(answer.status, 503);
  assert.equal(answer.body.code, 'settings_invalid');
  assert.ok(answer.headers.get('retry-after'));
  const lines = app.hostLines.list().filter(line => line.includes('"event":"settings.invalid"'));
  assert.equal(lines.length, 1, lines.join('\n'));
  for (const name of ['KEY_VAULT_URL', 'MAIL_CLIENT_ID', 'MAIL_TENANT_ID']) assert.ok(lines[0]?.includes(name));
  assert.ok(!lines[0]?.includes('S3cret'));
});
