import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type App, startApp } from '../support/app.ts';
import { mailRequest } from '../support/requests.ts';

let app: App;
before(async () => {
  app = await startApp({ m365: { world: { exchange: { limits: { rateAction: 'off' } } } } });
});
after(() => app.close());

const status = async () => {
  const { status: code, body } = await app.call('GET', '/api/status');
  assert.equal(code, 200);
  return body;
};
const firstMailbox = async () => (await status()).mailboxes[0];

test('before anything has happened the mailbox is unknown, and every queue is there', async () => {
  const report = await status();
  assert.equal(report.mode, 'live');
  assert.deepEqual(report.missing, []);
  assert.deepEqual(report.incidents, []);
  const [mailbox] = report.mailboxes;
  assert.equal(mailbox.mailbox, 'billing@contoso.com');
  assert.equal(mailbox.state, 'unknown');
  assert.deepEqual(mailbox.breaker, { state: 'closed' });
  const names = report.queues.map(({ name }: { name: string }) => name);
  for (const name of ['mail-requests', 'mail-submissions', 'mail-submissions-high', 'mail-events'])
    assert.ok(names.includes(name) && names.includes(`${name}-poison`), name);
});

test('a mail that went out shows: healthy, its turn and recipients used, the certificate known', async () => {
  const { body } = await app.send(mailRequest({ cc: 'bo@example.com' }));
  await app.until(body.id, ['sent']);
  const mailbox = await firstMailbox();
  assert.equal(mailbox.state, 'healthy', JSON.stringify(mailbox.reasons));
  assert.ok(mailbox.quota.messagesPerMinute.used >= 1);
  assert.deepEqual(mailbox.quota.recipientsPerDay, { limit: 10_000, used: 2 });
  assert.equal(mailbox.credential.name, 'exosend-smtp');
  assert.match(mailbox.credential.version, /^\w{8,}$/);
  assert.ok(mailbox.credential.daysLeft > 0);
});

test('mail for later is told as scheduled, and not as overdue', async () => {
  const sendAt = new Date(Date.now() + 3_600_000).toISOString();
  const { body } = await app.send(mailRequest({ sendAt }));
  const { open } = await status();
  assert.equal(open.scheduled, 1);
  assert.equal(open.oldestOverdueSeconds, 0);
  await app.call('DELETE', `/api/messages/${body.id}`);
  assert.equal((await status()).open.scheduled, 0);
});

test('when sign-in is refused the mailbox is failing, with breaker, cause and remedy', async () => {
  const registered = app.m365.world.apps[0];
  assert.ok(registered);
  const { certificates } = registered;
  registered.certificates = [];
  try {
    await app.restartAfresh();
    const { body } = await app.send(mailRequest());
    await app.until(body.id, ['deferred'], 30_000);
    const report = await status();
    const [mailbox] = report.mailboxes;
    assert.equal(mailbox.state, 'failing');
    assert.equal(mailbox.breaker.state, 'open');
    assert.equal(mailbox.breaker.code, 'entra_certificate_not_registered');
    assert.match(report.diagnoses[mailbox.breaker.code].remedy, /az (keyvault|ad)/);
    assert.equal(report.open.deferred, 1);
    await app.call('DELETE', `/api/messages/${body.id}`);
  } finally {
    registered.certificates = certificates;
  }
});

test('the status is for operators; the dashboard is a shell for anyone, and loads nothing', async () => {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const { url, keys, stop } = await app.startHostProcess({
    keys: true,
    env: { MAIL_CALLERS: JSON.stringify([{ name: 'shop', keySha256: sha256('not the host key') }]) },
  });
  assert.equal((await fetch(`${url}/api/status`)).status, 401);
  const stranger = await fetch(`${url}/api/status`, { headers: { 'x-functions-key': keys?.host ?? '' } });
  assert.equal(stranger.status, 403);
  const page = await fetch(`${url}/api/dashboard`);
  assert.equal(page.status, 200);
  const policy = page.headers.get('content-security-policy') ?? '';
  const html = await page.text();
  for (const tag of ['style', 'script']) {
    const parts = [...html.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, 'gs'))];
    assert.equal(parts.length, 1, tag);
    const hash = createHash('sha256')
      .update(parts[0]?.[1] ?? '')
      .digest('base64');
    assert.ok(policy.includes(`${tag}-src 'sha256-${hash}'`), tag);
  }
  assert.match(policy, /^default-src 'none';/);
  assert.doesNotMatch(html, /<(?:script|link|img|iframe)[^>]+(?:src|href)="(?!data:)/);
  assert.match(html, /data-auth="key"/);
  await stop();
});

test('a caller that is no operator is told so', async () => {
  const key = 'a-key-of-thirty-random-characters';
  const keySha256 = createHash('sha256').update(key).digest('hex');
  const { url, stop } = await app.startHostProcess({
    env: { MAIL_CALLERS: JSON.stringify([{ name: 'shop', keySha256 }]) },
  });
  const answer = await fetch(`${url}/api/status`, { headers: { 'x-functions-key': key } });
  assert.equal(answer.status, 403);
  assert.match(((await answer.json()) as { detail: string }).detail, /operator/);
  await stop();
});
