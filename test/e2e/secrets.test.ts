import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Fault } from '../../local/m365/faults.ts';
import { type App, startApp } from '../support/app.ts';
import { mailRequest } from '../support/requests.ts';

/**
 * Canaries: texts that stand for what must not come out. They go down every path that fails, and then all that the
 * app has written and answered is searched for them.
 */
const BODY = 'CANARY-BODY-7f3a';
const SUBJECT = 'CANARY-SUBJECT-91bc';
const RECIPIENT = 'canary-recipient-55d0';
const KEY = 'CANARY-KEY-2e8f';
const PASSWORD = 'CANARY-SECRET-c41d';

let app: App;
before(async () => {
  app = await startApp();
  await app.restartHost();
});
after(() => app.close());

test('no token, assertion, secret, key, body or full address in any log line', { timeout: 120_000 }, async () => {
  const { MAIL_TENANT_ID: tenantId, MAIL_CLIENT_ID: clientId } = app.m365.settings;
  const request = mailRequest({ to: `${RECIPIENT}@example.com`, subject: SUBJECT, text: BODY, html: `<p>${BODY}</p>` });
  const headers = { 'x-functions-key': KEY, authorization: `Bearer ${KEY}` };
  const echo = `${RECIPIENT}@example.com Bearer eyJhbGciOiJub25lIn0.${Buffer.from(PASSWORD).toString('base64url')}.x dXNlcj1hYmNkZWZnaGlqaw== client_secret=${PASSWORD}`;
  const faults: readonly (Fault | undefined)[] = [
    undefined,
    { at: 'identity', action: 'http', status: 400, body: { error: 'invalid_request', error_description: echo } },
    { at: 'vault', action: 'http', status: 403, body: { error: { code: 'Forbidden', message: echo } } },
    { at: 'vault', action: 'drop' },
    {
      at: 'token',
      action: 'http',
      status: 401,
      body: { error: 'invalid_client', error_description: `AADSTS7000215: ${echo}`, error_codes: [7000215] },
    },
    { at: 'token', action: 'http', status: 500, body: echo },
    { at: 'token', action: 'drop' },
    { at: 'smtp.greeting', action: 'reply', text: `554 5.3.2 ${echo}` },
    { at: 'smtp.auth', action: 'reply', text: `535 5.7.3 ${echo}` },
    { at: 'smtp.mail', action: 'reply', text: `451 4.3.2 ${echo}` },
    { at: 'smtp.rcpt', action: 'reply', text: `550 5.1.10 ${echo}` },
    { at: 'smtp.dot', action: 'reply', text: `554 5.2.0 ${echo}` },
    { at: 'smtp.dot', action: 'drop' },
  ];
  const credentials = [
    { kind: 'certificate', name: 'exosend-smtp' },
    { kind: 'secret', name: 'exosend-smtp-secret' },
    { kind: 'certificate', name: 'exosend-smtp-vault', sign: 'vault' },
  ];
  for (const credential of credentials) {
    for (const fault of credential.kind === 'secret' ? faults : faults.slice(0, 6)) {
      app.m365.faults.clear();
      await app.restartAfresh({
        MAIL_SENDERS: JSON.stringify([
          // Quick: what earlier rounds have deferred takes turns of the mailbox as well.
          { mailbox: 'billing@contoso.com', tenantId, clientId, credential, limits: { messagesPerMinute: 60_000 } },
        ]),
      });
      if (fault) app.m365.faults.set(fault);
      const { body } = await app.send(request, headers);
      await app.until(body.id, ['sent', 'deferred', 'failed', 'unknown'], 30_000);
    }
  }
  app.m365.faults.clear();
  await app.send({ ...request, subject: `${SUBJECT}\r\n` }, headers);
  await app.call('POST', '/api/messages', `{"text":"${BODY}"`, { ...headers, 'content-type': 'application/json' });
  await app.call('POST', `/api/messages?code=${KEY}`, request, headers);

  const secret = app.m365.world.vault.secrets['exosend-smtp-secret']?.at(-1)?.value ?? PASSWORD;
  const all = app.hostLines.list().join('\n');
  assert.ok(all.length > 5_000, 'there are lines to search');
  for (const canary of [
    BODY,
    SUBJECT,
    RECIPIENT,
    KEY,
    PASSWORD,
    secret,
    'eyJ',
    'dXNlcj',
    'BEGIN ',
    'Bearer ey',
    Buffer.from(PASSWORD).toString('base64url'),
  ]) {
    const line = all.split('\n').find(candidate => candidate.includes(canary));
    assert.equal(line, undefined, `${canary} in: ${line?.slice(0, 500)}`);
  }
});
