import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newMailbox } from '../../local/m365/default-world.ts';
import type { Fault } from '../../local/m365/faults.ts';
import { type App, startApp } from '../support/app.ts';
import { mailRequest } from '../support/requests.ts';

/**
 * One fault, once, at each step of the way. The message must wait with the right diagnosis and arrive exactly once
 * when the fault is over. All run side by side and share the wait for their first retry, which is up to 30 s.
 */
const PASSING: readonly (readonly [string, Fault, string])[] = [
  [
    'greeting says 421',
    { at: 'smtp.greeting', action: 'reply', text: '421 4.3.2 Service not active' },
    'smtp_service_not_active',
  ],
  [
    'greeting says 554',
    { at: 'smtp.greeting', action: 'reply', text: '554 5.3.2 No service here' },
    'smtp_service_refused',
  ],
  ['connection dropped at greeting', { at: 'smtp.greeting', action: 'drop' }, 'smtp_connection_lost'],
  [
    'EHLO refused',
    { at: 'smtp.ehlo', action: 'reply', text: '451 4.7.0 Temporary server error. Please try again later. PRX4' },
    'smtp_proxy_error',
  ],
  [
    'STARTTLS refused',
    { at: 'smtp.starttls', action: 'reply', text: '454 4.7.0 TLS not available' },
    'tls_starttls_refused',
  ],
  ['dropped in the TLS handshake', { at: 'smtp.tls', action: 'drop' }, ''],
  ['dropped at AUTH', { at: 'smtp.auth', action: 'drop' }, 'smtp_connection_lost'],
  [
    'AUTH says 454',
    { at: 'smtp.auth', action: 'reply', text: '454 4.7.0 Temporary authentication failure' },
    'smtp_temporary_failure',
  ],
  [
    'MAIL says 451',
    { at: 'smtp.mail', action: 'reply', text: '451 4.3.2 Please try again later' },
    'smtp_temporary_failure',
  ],
  ['dropped at MAIL', { at: 'smtp.mail', action: 'drop' }, 'smtp_connection_lost'],
  ['RCPT says 450', { at: 'smtp.rcpt', action: 'reply', text: '450 4.2.1 mailbox busy' }, ''],
  ['dropped at RCPT', { at: 'smtp.rcpt', action: 'drop' }, 'smtp_connection_lost'],
  ['DATA says 451', { at: 'smtp.data', action: 'reply', text: '451 4.3.0 Temporary failure' }, ''],
  ['dropped at DATA', { at: 'smtp.data', action: 'drop' }, 'smtp_connection_lost'],
  [
    '432 after the dot',
    {
      at: 'smtp.dot',
      action: 'reply',
      text: '432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending',
    },
    'smtp_connection_limit',
  ],
  [
    '451 after the dot',
    { at: 'smtp.dot', action: 'reply', text: '451 4.7.0 Temporary server error. PRX5' },
    'smtp_proxy_error',
  ],
];

/** Every draw by lot in the host gives this, so that no first retry falls between two tests: soon = 12 s. */
const FIXED_RANDOM = '--import data:text/javascript,Math.random=()=>.4';

test('faults that pass: the message waits with the right diagnosis, and arrives once when the fault is over', {
  timeout: 120_000,
}, async context => {
  const mailboxes = PASSING.map((_, index) => `m${index}@contoso.com`);
  const app = await startApp({
    hostEnv: { PATH: process.env['PATH'], NODE_OPTIONS: FIXED_RANDOM },
    m365: {
      world: world => ({
        ...world,
        mailboxes: [...world.mailboxes, ...mailboxes.map(address => newMailbox(address, [world.clientId]))],
      }),
    },
  });
  try {
    const { MAIL_TENANT_ID: tenantId, MAIL_CLIENT_ID: clientId } = app.m365.settings;
    const credential = { kind: 'certificate', name: 'exosend-smtp' };
    await app.restartHost({
      MAIL_SENDERS: JSON.stringify(
        mailboxes.map(mailbox => ({ mailbox, tenantId, clientId, credential, limits: { messagesPerMinute: 60_000 } })),
      ),
    });
    const ids: string[] = [];
    for (const [index, [name, fault, code]] of PASSING.entries()) {
      await context.test(name, async () => {
        app.m365.faults.set({ ...fault, times: 1 } as Fault);
        const { body } = await app.send(mailRequest({ from: mailboxes[index] }));
        ids.push(body.id);
        const waiting = await app.until(body.id, ['deferred', 'failed', 'unknown', 'sent']);
        assert.equal(waiting.status, 'deferred', JSON.stringify(waiting));
        if (code !== '') assert.equal(waiting.diagnosis.code, code);
        assert.ok(Date.parse(waiting.nextAttemptAt) - Date.now() < 30_000, 'first retry within 30 s');
        assert.ok(!waiting.events.some((event: { inDoubt?: boolean }) => event.inDoubt));
      });
    }
    const sent = await Promise.all(ids.map(id => app.until(id, ['sent'], 60_000)));
    assert.deepEqual([...new Set(sent.map(message => message.attempts))], [2]);
    for (const id of ids) assert.equal(app.m365.mails.list().filter(mail => mail.raw.includes(id)).length, 1);
  } finally {
    await app.close();
  }
});

describe('one app, many faults', () => {
  let app: App;
  before(async () => {
    app = await startApp({ m365: { world: { exchange: { limits: { rateAction: 'off' } } } } });
  });
  after(() => app.close());

  test('a recipient refused for good is told, the others get the mail', async () => {
    app.m365.faults.set({
      at: 'smtp.rcpt',
      action: 'reply',
      text: '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup',
      match: { recipient: 'gone@example.com' },
    });
    const { body } = await app.send(mailRequest({ to: ['ada@example.com', 'gone@example.com'] }));
    const sent = await app.until(body.id, ['sent', 'failed']);
    assert.equal(sent.status, 'sent');
    assert.equal(sent.refusedRecipients, 1);
    const gone = sent.recipients.find((recipient: { address: string }) => recipient.address === 'gone@example.com');
    assert.deepEqual([gone.outcome, gone.diagnosis.code], ['refused', 'smtp_recipient_unknown']);
    const alone = await app.send(mailRequest({ to: 'gone@example.com' }));
    const failed = await app.until(alone.body.id, ['failed']);
    assert.equal(failed.diagnosis.code, 'smtp_recipient_unknown');
    assert.match(failed.diagnosis.remedy, /\w/);
    app.m365.faults.clear();
    const retried = await app.call('POST', `/api/messages/${alone.body.id}/retry`);
    assert.equal(retried.status, 202);
    assert.equal((await app.until(alone.body.id, ['sent'])).recipients[0].outcome, 'accepted');
  });

  test('a recipient refused for now is tried again alone', { timeout: 60_000 }, async () => {
    app.m365.faults.set({
      at: 'smtp.rcpt',
      action: 'reply',
      text: '452 4.2.2 mailbox full for now',
      match: { recipient: 'busy@example.com' },
      times: 1,
    });
    const { body } = await app.send(mailRequest({ to: ['ada@example.com', 'busy@example.com'] }));
    await app.until(body.id, ['sent'], 45_000);
    const mails = app.m365.mails.list().filter(mail => mail.raw.includes(body.id));
    assert.deepEqual(mails.map(mail => mail.envelope.to.join()).sort(), ['ada@example.com', 'busy@example.com']);
    assert.equal(mails[0]?.raw.toString(), mails[1]?.raw.toString(), 'the same bytes each time');
  });

  test('in doubt with hold: unknown, said so, and never sent again by itself', async () => {
    app.m365.faults.set({ at: 'smtp.dot', action: 'drop', stored: true, times: 1 });
    const { body } = await app.send(mailRequest({ onUnknown: 'hold' }));
    const unknown = await app.until(body.id, ['unknown', 'sent', 'deferred']);
    assert.equal(unknown.status, 'unknown');
    assert.equal(unknown.diagnosis.class, 'inDoubt');
    assert.equal(unknown.events.at(-1).inDoubt, true);
    assert.equal(app.m365.mails.list().filter(mail => mail.raw.includes(body.id)).length, 1);
  });

  test('dropped in the middle of a large mail: the dot was not sent, so there is no doubt', async () => {
    app.m365.faults.set({ at: 'smtp.content', action: 'drop', after: 500_000, times: 1 });
    const attachment = { filename: 'big.bin', content: Buffer.alloc(6_000_000, 7).toString('base64') };
    const { status, body } = await app.send(mailRequest({ attachments: [attachment], onUnknown: 'hold' }));
    assert.equal(status, 202, JSON.stringify(body));
    const waiting = await app.until(body.id, ['deferred', 'unknown', 'sent']);
    assert.equal(waiting.status, 'deferred');
    assert.equal(waiting.diagnosis.code, 'smtp_connection_lost');
    await app.call('DELETE', `/api/messages/${body.id}`);
  });

  for (const [kind, code] of [
    ['expired', 'tls_certificate_expired'],
    ['wrongHost', 'tls_name_mismatch'],
    ['untrusted', 'tls_certificate_untrusted'],
  ] as const) {
    test(`a server certificate that is ${kind}: no token leaves`, async () => {
      await app.restartAfresh();
      const signIns = app.m365.counters.signIns;
      app.m365.faults.set({ at: 'smtp.tls', action: 'certificate', kind });
      const { body } = await app.send(mailRequest());
      const waiting = await app.until(body.id, ['deferred']);
      assert.equal(waiting.diagnosis.code, code);
      assert.equal(app.m365.counters.signIns, signIns);
      await app.call('DELETE', `/api/messages/${body.id}`);
    });
  }

  test('SendAs denied after the dot: failed, with the command that mends it', async () => {
    app.m365.faults.clear();
    await app.restartAfresh();
    const mailbox = app.m365.world.mailboxes.find(one => one.address === 'billing@contoso.com');
    assert.ok(mailbox);
    app.m365.faults.set({
      at: 'smtp.dot',
      action: 'reply',
      text: '554 5.2.252 SendAsDenied; billing@contoso.com not allowed to send as x@contoso.com',
      times: 1,
    });
    const { body } = await app.send(mailRequest());
    const failed = await app.until(body.id, ['failed']);
    assert.equal(failed.diagnosis.code, 'smtp_send_as_denied');
    assert.match(failed.diagnosis.remedy, /Add-RecipientPermission/);
  });

  test('SMTP AUTH off for the mailbox: the message waits, with cause and command', async () => {
    app.m365.faults.clear();
    const { body } = await app.send(mailRequest({ from: 'billing@contoso.com' }));
    await app.until(body.id, ['sent']);
    const mailbox = app.m365.world.mailboxes.find(one => one.address === 'billing@contoso.com');
    assert.ok(mailbox);
    mailbox.smtpAuthDisabled = true;
    try {
      app.m365.faults.set({ at: 'smtp.mail', action: 'drop', times: 1 });
      const second = await app.send(mailRequest());
      const waiting = await app.until(second.body.id, ['deferred']);
      assert.equal(waiting.diagnosis.code, 'smtp_auth_disabled_mailbox');
      assert.match(waiting.diagnosis.remedy, /Set-CASMailbox/);
    } finally {
      mailbox.smtpAuthDisabled = false;
    }
  });

  test('an expired token is refused with 535 and renewed once, within the same attempt', async () => {
    // The test before has left no session and an open breaker; what a process knows of that is good for five seconds.
    await app.forgetMailboxes();
    await new Promise(resolve => setTimeout(resolve, 5_500));
    app.m365.expireTokens();
    const { body } = await app.send(mailRequest());
    const sent = await app.until(body.id, ['sent']);
    assert.equal(sent.attempts, 1);
  });

  test('in doubt with resend: a second attempt is planned, the doubt is in the timeline', async () => {
    app.m365.faults.set({ at: 'smtp.dot', action: 'drop', times: 1 });
    const { body } = await app.send(mailRequest());
    const waiting = await app.until(body.id, ['deferred']);
    assert.equal(waiting.events.at(-1).inDoubt, true);
    // It may have arrived, so it cannot be cancelled any more.
    assert.equal((await app.call('DELETE', `/api/messages/${body.id}`)).status, 409);
  });
});
