import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { TableClient } from '@azure/data-tables';
import { QueueServiceClient } from '@azure/storage-queue';
import { secretVersion } from '../../local/m365/default-world.ts';
import { type App, startApp } from '../support/app.ts';
import { mailRequest } from '../support/requests.ts';
import { startWebhookReceiver, type WebhookCall, type WebhookReceiver } from '../support/webhook-receiver.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const VAULT_SECRET = `whsec_${Buffer.from('a secret that is kept in the vault').toString('base64')}`;
const URL_CANARY = 'CANARY-url-3f9d';

let app: App;
let plain: WebhookReceiver;
let tls: WebhookReceiver;
let impostor: WebhookReceiver;
before(async () => {
  app = await startApp({ m365: { world: { exchange: { limits: { rateAction: 'off' } } } } });
  let flaky = 0;
  plain = await startWebhookReceiver({
    respond({ path }, response) {
      if (path === '/flaky' && flaky++ === 0) response.writeHead(500).end('not now');
      else if (path === '/gone') response.writeHead(410).end();
      else if (path === '/moved') response.writeHead(307, { location: '/elsewhere' }).end();
      else response.writeHead(200).end('x'.repeat(200_000));
    },
  });
  tls = await startWebhookReceiver({ tls: app.m365.state.tls });
  impostor = await startWebhookReceiver({ tls: app.m365.state.badTls.wrongHost });
  app.m365.world.vault.secrets['hook-url'] = [secretVersion(`https://localhost:${tls.port}/vault?sig=${URL_CANARY}`)];
  app.m365.world.vault.secrets['hook-secret'] = [secretVersion(VAULT_SECRET)];
  const local = (path: string, types?: readonly string[]) => ({
    url: `http://127.0.0.1:${plain.port}${path}`,
    secret: SECRET,
    allowPrivate: true,
    types,
  });
  await app.restartHost({
    EVENT_WEBHOOKS: JSON.stringify([
      local(`/all?sig=${URL_CANARY}`),
      { urlName: 'hook-url', secretName: 'hook-secret', allowPrivate: true },
      local('/failures', ['message.failed']),
      local('/flaky', ['message.cancelled']),
      local('/gone', ['message.cancelled']),
      local('/moved', ['message.cancelled']),
      { url: `https://localhost:${tls.port}/private`, secret: SECRET },
      { url: `https://localhost:${impostor.port}/name`, secret: SECRET, allowPrivate: true },
    ]),
  });
});
after(async () => {
  await Promise.all([plain.close(), tls.close(), impostor.close()]);
  await app.close();
});

const dataOf = (call: WebhookCall) => JSON.parse(call.body).data;
const about = (id: string, path: string) => (call: WebhookCall) =>
  call.path.startsWith(path) && dataOf(call).messageId === id;

function assertSigned(call: WebhookCall, secret: string): void {
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = call.headers;
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  assert.equal(signature, `v1,${createHmac('sha256', key).update(`${id}.${at}.${call.body}`).digest('base64')}`);
  assert.ok(Math.abs(Number(at) * 1000 - Date.now()) < 60_000);
  assert.equal(call.headers['content-type'], 'application/json');
}

async function notesLeft(): Promise<number> {
  const table = TableClient.fromConnectionString(app.connectionString, 'messages', { allowInsecureConnection: true });
  let count = 0;
  for await (const _ of table.listEntities({ queryOptions: { filter: "RowKey ge 'e' and RowKey lt 'f'" } })) count++;
  return count;
}

test('a mail that was sent is told to every webhook that wants it, signed with its own secret', async () => {
  const { body } = await app.send(mailRequest({ metadata: { order: '42' } }));
  const call = await plain.waitFor(about(body.id, '/all'));
  assertSigned(call, SECRET);
  const event = JSON.parse(call.body);
  assert.equal(event.type, 'message.sent');
  const message = await app.until(body.id, ['sent']);
  assert.equal(event.timestamp, message.finalAt);
  assert.equal(event.data.recipients.length, 1);
  assert.deepEqual(event.data, {
    messageId: body.id,
    status: 'sent',
    from: 'billing@contoso.com',
    mailbox: 'billing@contoso.com',
    metadata: { order: '42' },
    attempt: 1,
    recipients: [{ address: 'ada@example.com', outcome: 'accepted', reply: event.data.reply }],
    reply: message.reply,
  });
  const secure = await tls.waitFor(about(body.id, '/vault'));
  assertSigned(secure, VAULT_SECRET);
  assert.equal(secure.servername, 'localhost');
  assert.equal(secure.headers.host, `localhost:${tls.port}`);
  assert.equal(secure.headers['webhook-id'], call.headers['webhook-id']);
  assert.ok(!plain.calls.some(about(body.id, '/failures')));
  assert.equal(await notesLeft(), 0, 'the notes of the outcome are gone');
});

test('a refused mail is told as failed, with its diagnosis', async () => {
  app.m365.faults.set({
    at: 'smtp.rcpt',
    action: 'reply',
    text: '550 5.1.10 RESOLVER.ADR.RecipientNotFound',
    times: 1,
  });
  const { body } = await app.send(mailRequest());
  const data = dataOf(await plain.waitFor(about(body.id, '/failures')));
  assert.equal(data.recipients[0].outcome, 'refused');
  assert.match(data.reply, /^550 5\.1\.10/);
  assert.ok(data.diagnosis.code && data.diagnosis.remedy);
});

test('cancelled: 500 is tried again under the same id, 410 never again, a redirect is not followed', async () => {
  const sendAt = new Date(Date.now() + 3_600_000).toISOString();
  const { body } = await app.send(mailRequest({ sendAt }));
  assert.equal((await app.call('DELETE', `/api/messages/${body.id}`)).status, 200);
  const first = await plain.waitFor(about(body.id, '/flaky'));
  const flaky = () => plain.calls.filter(about(body.id, '/flaky'));
  const second = await plain.waitFor(call => flaky().indexOf(call) === 1, 20_000);
  assert.equal(JSON.parse(second.body).type, 'message.cancelled');
  assert.equal(second.headers['webhook-id'], first.headers['webhook-id']);
  assert.equal(second.body, first.body);
  assert.ok(second.atMs - first.atMs > 9_000, String(second.atMs - first.atMs));
  assertSigned(second, SECRET);
  assert.equal(plain.calls.filter(about(body.id, '/gone')).length, 1);
  assert.equal(plain.calls.filter(call => call.path === '/elsewhere').length, 0);
  const abandoned = app.hostLines.entries('webhook.abandoned');
  assert.deepEqual(
    abandoned.map(entry => entry.messageId),
    [body.id],
  );
});

test('loopback without allowPrivate is never called, nor a host that its certificate does not name', async () => {
  for (const reason of ['address_not_allowed', 'ERR_TLS_CERT_ALTNAME_INVALID'])
    await app.hostLines.waitFor(
      entry => entry.event === 'webhook.failed' && String(entry['detail']).startsWith(`localhost: ${reason}`),
    );
  assert.deepEqual(impostor.calls, []);
  assert.ok(!tls.calls.some(call => call.path !== `/vault?sig=${URL_CANARY}`));
});

test('an event whose instance died before the queue had it comes with a sweep', async () => {
  const { body } = await app.send(mailRequest());
  await plain.waitFor(about(body.id, '/all'));
  const table = TableClient.fromConnectionString(app.connectionString, 'messages', { allowInsecureConnection: true });
  await table.createEntity({
    partitionKey: 'm',
    rowKey: `e${body.id}_sent`,
    messageId: body.id,
    status: 'sent',
    at: new Date(Date.now() - 180_000).toISOString(),
  });
  await app.trigger('sweep');
  const calls = () => plain.calls.filter(about(body.id, '/all'));
  const again = await plain.waitFor(call => calls().indexOf(call) === 1);
  assert.equal(again.headers['webhook-id'], calls()[0]?.headers['webhook-id']);
});

test('a text on the queue that is no event is dropped, in base64 or not', async () => {
  const queues = QueueServiceClient.fromConnectionString(app.connectionString);
  const dropped = () => app.hostLines.entries('webhook.dropped').length;
  const before = dropped();
  await queues.getQueueClient('mail-events').sendMessage(Buffer.from('{"messageId":"x"}').toString('base64'));
  await queues.getQueueClient('mail-events-poison').sendMessage('not base64');
  await app.trigger('sweep');
  for (let tries = 0; dropped() < before + 2; tries++) {
    assert.ok(tries < 100, 'both are logged');
    await new Promise(resolve => setTimeout(resolve, 100));
  }
});

test('no log line has an address, a secret or a query of a webhook', () => {
  const all = app.hostLines.list().join('\n');
  assert.ok(app.hostLines.entries('webhook.delivered').length > 3);
  for (const canary of [URL_CANARY, SECRET.slice(6), VAULT_SECRET.slice(6), 'ada@example.com']) {
    const line = all.split('\n').find(candidate => candidate.includes(canary));
    assert.equal(line, undefined, `${canary} in: ${line?.slice(0, 500)}`);
  }
});
