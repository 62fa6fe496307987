import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { secretVersion } from '../../local/m365/default-world.ts';
import { type App, startApp } from '../support/app.ts';
import { mailRequest } from '../support/requests.ts';
import { startWebhookReceiver, type WebhookCall, type WebhookReceiver } from '../support/webhook-receiver.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const MAILBOX = 'billing@contoso.com';

let app: App;
let receiver: WebhookReceiver;
let channels: Record<string, string>;
/** Answers of the receiver to come, before it takes everything. */
const refusals: number[] = [];
before(async () => {
  app = await startApp({ m365: { world: { exchange: { limits: { rateAction: 'off' } } } } });
  receiver = await startWebhookReceiver({
    respond: ({ path }, response) => response.writeHead(path === '/hook' ? (refusals.shift() ?? 204) : 202).end(),
  });
  const at = (path: string) => `http://127.0.0.1:${receiver.port}${path}`;
  app.m365.world.vault.secrets['hook-secret'] = [secretVersion(SECRET)];
  channels = {
    ALERT_CHANNELS: JSON.stringify([
      { kind: 'webhook', url: at('/hook'), secretName: 'hook-secret' },
      { kind: 'teams', url: at('/teams') },
      { kind: 'slack', url: at('/slack') },
      { kind: 'pagerduty', url: at('/pager'), key: 'a'.repeat(32) },
      { kind: 'heartbeat', url: at('/beat') },
    ]),
  };
  await app.restartHost(channels);
});
after(async () => {
  await receiver.close();
  await app.close();
});

const hook = (type: string) => (call: WebhookCall) => call.path === '/hook' && JSON.parse(call.body).type === type;
const count = (path: string) => receiver.calls.filter(call => call.path === path).length;

test('a test reaches every channel, signed with a secret from the vault', async () => {
  const { status, body } = await app.call('POST', '/api/alerts/test');
  assert.equal(status, 200);
  assert.deepEqual(
    body.channels.map(({ kind, target, taken }: Record<string, unknown>) => [kind, target, taken]),
    ['webhook', 'teams', 'slack', 'pagerduty', 'heartbeat'].map(kind => [kind, `127.0.0.1:${receiver.port}`, true]),
  );
  const call = await receiver.waitFor(hook('test'));
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = call.headers;
  const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64');
  assert.equal(signature, `v1,${createHmac('sha256', key).update(`${id}.${at}.${call.body}`).digest('base64')}`);
  for (const path of ['/teams', '/slack', '/pager', '/beat']) assert.equal(count(path), 1, path);
});

test('npm run alert -- test prints what each channel made of it', async () => {
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['scripts/alert.ts', ...args]).then(
      ({ stdout }) => ({ code: 0, output: stdout }),
      ({ code, stdout, stderr }) => ({ code, output: `${stdout}${stderr}` }),
    );
  const good = await run('test', '--url', app.url);
  assert.equal(good.code, 0, good.output);
  assert.equal(good.output.match(/^✔ (?:webhook|teams|slack|pagerduty|heartbeat) 127/gm)?.length, 5);
  refusals.push(403);
  const bad = await run('test', '--url', app.url);
  assert.equal(bad.code, 1);
  assert.match(bad.output, /^✖ webhook 127\.0\.0\.1:\d+: answered 403$/m);
  assert.equal((await run('test', '--url', 'http://127.0.0.1:1')).code, 2);
  assert.equal((await run()).code, 2);
});

test('refused sign-ins in traffic open an incident at once; what was refused is told again by the next sweep', async () => {
  receiver.calls.length = 0;
  refusals.push(500);
  app.m365.faults.set({
    at: 'smtp.auth',
    action: 'reply',
    text: '535 5.7.3 Authentication unsuccessful [AM6PR01CA0048.eurprd01.prod.exchangelabs.com <!here> *x*]',
  });
  await app.call(
    'POST',
    '/api/messages/batch',
    Array.from({ length: 6 }, () => mailRequest()),
  );
  // Usually at once; where the first failure held the others back, with the breaker's first trial.
  const refused = await receiver.waitFor(hook('incident.opened'), 100_000);
  const pager = await receiver.waitFor(call => call.path === '/pager');
  const { data } = JSON.parse(refused.body);
  assert.equal(data.code, 'smtp_auth_unsuccessful');
  assert.deepEqual(data.mailboxes, [MAILBOX]);
  assert.match(data.dashboardUrl, /^http:\/\/localhost:\d+\/api\/dashboard$/);
  assert.match(data.docsUrl, /errors\.md#smtp_auth_unsuccessful$/);
  assert.equal(JSON.parse(pager.body).dedup_key, data.incidentId);
  const line = await app.hostLines.waitFor(({ event }) => event === 'incident.opened');
  assert.equal(line['mailbox'], MAILBOX);
  await app.hostLines.waitFor(({ event }) => event === 'alert.failed');
  await app.trigger('sweep');
  const again = await receiver.waitFor(call => hook('incident.opened')(call) && call !== refused);
  assert.equal(again.headers['webhook-id'], refused.headers['webhook-id']);
  assert.equal(again.body, refused.body);
  for (const path of ['/teams', '/slack', '/pager']) assert.equal(count(path), 1, `${path}: told once`);
});

test('after a restart, acknowledged, two good mails close it', async () => {
  const { incidentId } = JSON.parse(receiver.calls.find(hook('incident.opened'))?.body ?? '').data;
  assert.equal((await app.call('POST', `/api/incidents/${incidentId}/ack`)).status, 200);
  const [shown] = (await app.call('GET', '/api/status')).body.incidents;
  assert.deepEqual([shown.id, shown.state, shown.acknowledged], [incidentId, 'open', true]);
  app.m365.faults.clear();
  await app.restartAfresh(channels);
  // The messages that waited for the mailbox go, too: whichever are first.
  for (let mails = 0; mails < 2; mails++) await app.until((await app.send(mailRequest())).body.id, ['sent']);
  const closed = await receiver.waitFor(hook('incident.closed'));
  assert.equal(JSON.parse(closed.body).data.incidentId, incidentId);
  const resolve = await receiver.waitFor(call => call.path === '/pager' && /"resolve"/.test(call.body));
  assert.equal(JSON.parse(resolve.body).dedup_key, incidentId);
  await receiver.waitFor(call => call.path === '/slack' && /"Resolved: /.test(call.body));
  await app.trigger('sweep');
  assert.equal(receiver.calls.filter(hook('incident.closed')).length, 1);
  assert.equal(receiver.calls.filter(hook('incident.opened')).length, 2, 'one, and its repeat');
});

test('two failed runs of the probe open, two good ones close, and the heartbeat hears of each', async () => {
  receiver.calls.length = 0;
  const probe = async () => (await app.call('POST', '/api/probe')).body.runs[0].ok;
  assert.equal(await probe(), true);
  app.m365.faults.set({ at: 'token', action: 'http', status: 401, body: NOT_REGISTERED });
  assert.deepEqual([await probe(), await probe()], [false, false]);
  const opened = JSON.parse((await receiver.waitFor(hook('incident.opened'))).body).data;
  assert.deepEqual([opened.code, opened.phase], ['entra_certificate_not_registered', 'token']);
  assert.ok(Date.parse(opened.lastGood) <= Date.parse(opened.since) + 5, `${opened.lastGood} ${opened.since}`);
  app.m365.faults.clear();
  // Null where the sessions of the mails before hold all connections: the token has been asked for all the same.
  for (let runs = 0; runs < 2; runs++) assert.notEqual(await probe(), false);
  const closed = JSON.parse((await receiver.waitFor(hook('incident.closed'))).body).data;
  assert.equal(closed.incidentId, opened.incidentId);
  assert.equal(receiver.calls.filter(hook('incident.opened')).length, 1);
  assert.deepEqual([count('/beat'), count('/beat/fail')], [3, 2]);
});

const NOT_REGISTERED = {
  error: 'invalid_client',
  error_description:
    'AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on application.',
  error_codes: [700027],
};
