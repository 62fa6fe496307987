import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type App, startApp } from '../support/app.ts';
import { mailRequest } from '../support/requests.ts';

/** What a developer without a tenant has: storage, and the name of a mailbox. */
const NO_TENANT = {
  MAIL_MODE: 'sandbox',
  MAIL_SENDERS: undefined,
  MAIL_TENANT_ID: undefined,
  MAIL_CLIENT_ID: undefined,
  MAIL_CERTIFICATE_NAME: undefined,
  KEY_VAULT_URL: undefined,
  IDENTITY_ENDPOINT: undefined,
  IDENTITY_HEADER: undefined,
  SMTP_HOST: '127.0.0.1',
  SMTP_PORT: '1',
  MAIL_MAILBOX: 'billing@contoso.com',
};

let app: App;
before(async () => {
  app = await startApp({ env: NO_TENANT });
});
after(() => app.close());

const statuses = (message: { events: { status: string }[] }) => message.events.map(event => event.status);
const end = async (to: unknown, more: Record<string, unknown> = {}) => {
  const { status, body } = await app.send(mailRequest({ to, ...more }));
  assert.equal(status, 202);
  return app.until(body.id, ['sent', 'failed', 'unknown', 'expired'], 20_000);
};

test('every message ends as sent, says that it was simulated, and nothing leaves', async () => {
  const message = await end(['ada@example.com', 'bo@example.com']);
  assert.equal(message.status, 'sent');
  assert.equal(message.simulated, true);
  assert.match(message.reply, /^250 .*simulated/);
  assert.deepEqual(statuses(message), ['queued', 'sending', 'sent']);
  assert.equal(app.m365.mails.list().length, 0);
});

test('failed@simulator.invalid fails, and the rest of its mail goes out', async () => {
  const message = await end('failed@simulator.invalid');
  assert.equal(message.status, 'failed');
  assert.equal(message.simulated, true);
  assert.equal(message.diagnosis.code, 'simulated_failure');
  const mixed = await end(['ada@example.com', 'failed@simulator.invalid']);
  assert.equal(mixed.status, 'sent');
  assert.equal(mixed.refusedRecipients, 1);
});

for (const onUnknown of ['resend', 'hold']) {
  test(`unknown@simulator.invalid ends in doubt at once, with onUnknown ${onUnknown}`, async () => {
    const message = await end('unknown@simulator.invalid', { onUnknown });
    assert.equal(message.status, 'unknown');
    assert.equal(message.diagnosis.class, 'inDoubt');
    assert.equal(message.events.at(-1).inDoubt, true);
    assert.equal(message.attempts, 1);
  });
}

test('deferred@simulator.invalid is deferred twice, a second or two apart, and then sent', async () => {
  const message = await end('deferred@simulator.invalid');
  assert.equal(message.status, 'sent');
  assert.deepEqual(statuses(message), ['queued', 'sending', 'deferred', 'sending', 'deferred', 'sending', 'sent']);
  for (const event of message.events.filter((one: { status: string }) => one.status === 'deferred')) {
    const ms = Date.parse(event.nextAttemptAt) - Date.parse(event.at);
    assert.ok(ms >= 1_000 && ms <= 2_000, String(ms));
    assert.equal(event.diagnosis.code, 'simulated_deferral');
  }
});

test('what was simulated at acceptance is never sent for real, and what was not never in a sandbox', async () => {
  const sendAt = new Date(Date.now() + 15_000).toISOString();
  const simulated = await app.send(mailRequest({ subject: 'from the sandbox', sendAt }));
  await app.restartHost({ ...app.m365.settings, MAIL_MODE: 'live' });
  const real = await app.send(mailRequest({ subject: 'for real', sendAt }));
  const sent = await app.until(simulated.body.id, ['sent', 'failed'], 30_000);
  assert.equal(sent.simulated, true);
  await app.until(real.body.id, ['sent'], 30_000);
  assert.equal(app.m365.mails.list().length, 1);

  const soon = new Date(Date.now() + 8_000).toISOString();
  const held = await app.send(mailRequest({ subject: 'held', sendAt: soon }));
  await app.restartHost();
  const waiting = await app.until(held.body.id, ['deferred', 'sent'], 30_000);
  assert.equal(waiting.status, 'deferred');
  assert.equal(waiting.diagnosis.code, 'held_by_sandbox');
  assert.equal(waiting.simulated, undefined);
  assert.equal(app.m365.mails.list().length, 1);
});
