import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { alertChannel, heartbeat } from '../../shared/adapters/alerts/alert-channels.ts';
import { webhookPost } from '../../shared/adapters/webhooks/post-webhook.ts';
import { readSettings } from '../../shared/config/settings.ts';
import { alertOf } from '../../shared/domain/alert.ts';
import type { ChannelConfig } from '../../shared/domain/alert-channel.ts';
import type { AlertNotice, NoticeType } from '../../shared/domain/alert-notice.ts';
import { NOW_MS } from '../support/requests.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const ID = '01KAK7T0000000000000000000';
const HOSTILE =
  '535 <!channel> *bold* <https://evil.example|click> [link](https://evil.example) {{DATE(2026-01-01,SHORT)}} `x`';

let receiver: WebhookReceiver;
let status = 202;
before(async () => {
  receiver = await startWebhookReceiver({ respond: (_call, response) => response.writeHead(status).end() });
});
after(() => receiver.close());

function notice(type: NoticeType, changes: Partial<AlertNotice> = {}): AlertNotice {
  return {
    id: `${ID}_${type}`,
    type,
    atMs: NOW_MS,
    incidentId: ID,
    mailboxes: ['a_b@contoso.com'],
    code: 'smtp_auth_unsuccessful',
    sinceMs: NOW_MS - 600_000,
    lastGoodMs: NOW_MS - 900_000,
    phase: 'auth',
    detail: HOSTILE,
    ...changes,
  };
}

/** What a channel posts for a notice. */
async function posted(config: Record<string, unknown>, of: AlertNotice) {
  const { channel } = open(config);
  receiver.calls.length = 0;
  assert.deepEqual(await channel.send(alertOf(of, 'https://app.example.com/api/dashboard')), { ok: true });
  const [call] = receiver.calls;
  assert.ok(call);
  return { call, body: JSON.parse(call.body) };
}

function open(config: Record<string, unknown>, secrets: Readonly<Record<string, string>> = {}) {
  const result = readSettings({ ...FLAT, ALERT_CHANNELS: JSON.stringify([{ url: address('/hook'), ...config }]) });
  assert.ok(result.ok, JSON.stringify(result));
  const [only] = result.settings.alerts.channels as [ChannelConfig];
  const deps = {
    post: webhookPost(),
    secret: async (name: string) => secrets[name] ?? assert.fail(name),
    now: () => NOW_MS,
  };
  return { channel: alertChannel(only, deps), ping: heartbeat(only, deps) };
}

const address = (path: string) => `http://127.0.0.1:${receiver.port}${path}`;
const FLAT = {
  AzureWebJobsStorage: 'UseDevelopmentStorage=true',
  KEY_VAULT_URL: 'https://contoso.vault.azure.net/',
  MAIL_TENANT_ID: '11111111-2222-3333-4444-555555555555',
  MAIL_CLIENT_ID: '11111111-2222-3333-4444-555555555555',
  MAIL_MAILBOX: 'a_b@contoso.com',
  MAIL_CERTIFICATE_NAME: 'cert',
};

test('the generic webhook is signed by Standard Webhooks, and carries the whole incident', async () => {
  const { call, body } = await posted({ kind: 'webhook', secret: SECRET }, notice('incident.opened'));
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = call.headers;
  assert.equal(id, `${ID}_incident.opened`);
  const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64');
  assert.equal(signature, `v1,${createHmac('sha256', key).update(`${id}.${at}.${call.body}`).digest('base64')}`);
  assert.equal(body.type, 'incident.opened');
  assert.equal(body.timestamp, '2026-11-21T12:00:00.000Z');
  const { cause, remedy, title, ...data } = body.data;
  assert.ok(cause.length > 20 && remedy.length > 20);
  assert.match(title, /^Opened: a_b@contoso.com: /);
  assert.deepEqual(data, {
    incidentId: ID,
    mailboxes: ['a_b@contoso.com'],
    code: 'smtp_auth_unsuccessful',
    since: '2026-11-21T11:50:00.000Z',
    lastGood: '2026-11-21T11:45:00.000Z',
    phase: 'auth',
    detail: HOSTILE,
    dashboardUrl: 'https://app.example.com/api/dashboard',
    docsUrl: 'https://github.com/exosend/exosend/blob/main/docs/errors.md#smtp_auth_unsuccessful',
  });
});

test('titles say at once what it is about', async () => {
  const titles: Record<string, string> = {};
  for (const type of [
    'incident.opened',
    'incident.updated',
    'incident.reminder',
    'incident.closed',
    'warning',
    'test',
  ] as const)
    titles[type] = alertOf(notice(type), undefined).title.split(':')[0] ?? '';
  assert.deepEqual(Object.values(titles), ['Opened', 'Still open', 'Still open', 'Resolved', 'Warning', 'Test']);
});

test('Teams gets an Adaptive Card 1.4 in which nothing that a server said is markup', async () => {
  const { body } = await posted({ kind: 'teams' }, notice('incident.opened'));
  assert.equal(body.type, 'message');
  const [{ contentType, contentUrl, content }] = body.attachments;
  assert.deepEqual([contentType, contentUrl], ['application/vnd.microsoft.card.adaptive', null]);
  assert.deepEqual([content.type, content.version], ['AdaptiveCard', '1.4']);
  assert.match(content.body[0].text, /^Opened: a\\_b@contoso.com: /);
  const facts = Object.fromEntries(
    content.body[1].facts.map(({ title, value }: Record<string, string>) => [title, value]),
  );
  for (const name of ['Mailbox', 'Cause', 'Code', 'Since', 'Last good']) assert.ok(facts[name], name);
  const detail: string = facts.Detail;
  assert.ok(!/(?<!\\)[*_[\]()`]|<|\{\{/.test(detail), detail);
  assert.match(content.body[2].text, /^What to do: /);
  assert.deepEqual(
    content.actions.map(({ type, url }: Record<string, string>) => [type, url]),
    [
      ['Action.OpenUrl', 'https://app.example.com/api/dashboard'],
      ['Action.OpenUrl', 'https://github.com/exosend/exosend/blob/main/docs/errors.md#smtp_auth_unsuccessful'],
    ],
  );
  assert.ok(body.summary.startsWith('Opened: '));
});

test('Slack gets blocks and a fallback text, without mentions and links of others', async () => {
  const { body } = await posted({ kind: 'slack' }, notice('warning'));
  assert.match(body.text, /^Warning: a_b@contoso.com: /);
  assert.equal(body.blocks[0].type, 'header');
  const texts: string[] = body.blocks
    .slice(1)
    .map(
      (block: { text?: { text: string }; elements?: { text: string }[] }) =>
        block.text?.text ?? block.elements?.[0]?.text,
    );
  const detail = texts.find(text => text.startsWith('*Detail*')) ?? assert.fail();
  assert.ok(!detail.includes('<') && !detail.includes('*bold*') && detail.includes('&lt;!channel&gt;'), detail);
  const remedy = texts.find(text => text.startsWith('*What to do*')) ?? assert.fail();
  assert.ok(!remedy.includes('\u200b'), 'what people copy has no invisible characters');
  assert.match(texts.at(-1) ?? '', /^<https:\/\/app\.example\.com\/api\/dashboard\|Dashboard> · <https:\/\/github/);
  for (const text of texts) assert.ok(text.length <= 3000);
});

test('a text without end stays within what the channels take', async () => {
  const long = notice('incident.opened', {
    detail: '<*&'.repeat(5_000),
    mailboxes: Array.from({ length: 900 }, (_, index) => `mailbox-number-${index}@contoso.com`),
  });
  const { call: teams } = await posted({ kind: 'teams' }, long);
  assert.ok(Buffer.byteLength(teams.body) < 28 * 1024, String(teams.body.length));
  const { body: slack } = await posted({ kind: 'slack' }, long);
  for (const block of slack.blocks) assert.ok((block.text?.text ?? '').length <= 3000);
  const { body: pager } = await posted({ kind: 'pagerduty', key: 'k'.repeat(32) }, long);
  assert.ok(pager.payload.summary.length <= 1024);
});

test('PagerDuty: one dedup_key from trigger to resolve', async () => {
  const config = { kind: 'pagerduty', key: 'a'.repeat(32) };
  const { body: opened } = await posted(config, notice('incident.opened'));
  assert.equal(opened.routing_key, 'a'.repeat(32));
  assert.deepEqual([opened.event_action, opened.dedup_key, opened.payload.severity], ['trigger', ID, 'critical']);
  assert.match(opened.payload.summary, /^Opened: /);
  assert.equal(opened.payload.source, 'a_b@contoso.com');
  assert.equal(opened.links.length, 2);
  for (const type of ['incident.updated', 'incident.reminder'] as const) {
    const { body } = await posted(config, notice(type));
    assert.deepEqual([body.event_action, body.dedup_key], ['trigger', ID]);
  }
  const { body: warned } = await posted(config, notice('warning'));
  assert.deepEqual([warned.event_action, warned.payload.severity], ['trigger', 'warning']);
  for (const type of ['incident.closed', 'cleared'] as const) {
    const { body } = await posted(config, notice(type));
    assert.deepEqual(body, { routing_key: 'a'.repeat(32), event_action: 'resolve', dedup_key: ID });
  }
});

test('the heartbeat: the address itself is good, the suffixes say start and fail, a query stays', async () => {
  const { ping } = open({ kind: 'heartbeat', url: address('/ping/uuid?tag=x') });
  receiver.calls.length = 0;
  for (const pulse of ['start', 'good', 'bad'] as const) assert.deepEqual(await ping(pulse), { ok: true });
  assert.deepEqual(
    receiver.calls.map(({ path }) => path),
    ['/ping/uuid/start?tag=x', '/ping/uuid?tag=x', '/ping/uuid/fail?tag=x'],
  );
});

test('a refusal says how, a dead channel why; neither throws', async () => {
  const { channel } = open({ kind: 'slack' });
  status = 403;
  assert.deepEqual(await channel.send(alertOf(notice('test'), undefined)), { ok: false, reason: 'answered 403' });
  status = 202;
  const { channel: dead } = open({ kind: 'slack', url: 'http://127.0.0.1:1/' });
  assert.deepEqual(await dead.send(alertOf(notice('test'), undefined)), { ok: false, reason: 'ECONNREFUSED' });
});

test('address, secret and key may stand in the vault', async () => {
  const { channel } = open(
    { kind: 'webhook', url: undefined, urlName: 'hook-url', secretName: 'hook-secret' },
    { 'hook-url': address('/vault'), 'hook-secret': SECRET },
  );
  receiver.calls.length = 0;
  assert.deepEqual(await channel.send(alertOf(notice('test'), undefined)), { ok: true });
  assert.equal(receiver.calls[0]?.path, '/vault');
  const { channel: foreign } = open({ kind: 'slack', url: undefined, urlName: 'x' }, { x: 'http://example.com/' });
  assert.deepEqual(await foreign.send(alertOf(notice('test'), undefined)), {
    ok: false,
    reason: 'the URL is not https without a user name',
  });
});

test('settings: every fault by its place, none with its value', () => {
  const canary = 'CANARY-7d1f';
  const bad = [
    { kind: 'webhook', url: `http://${canary}.example.com`, secret: SECRET },
    { kind: 'webhook', url: 'https://example.com' },
    { kind: 'webhook', url: 'https://example.com', secret: canary },
    { kind: 'teams' },
    { kind: 'pagerduty' },
    { kind: 'smoke', url: canary },
    { kind: 'slack', url: 'https://example.com', colour: canary },
    { kind: 'heartbeat', url: 'https://example.com', urlName: 'both' },
  ];
  const result = readSettings({ ...FLAT, ALERT_CHANNELS: JSON.stringify(bad) });
  assert.ok(!result.ok);
  const text = JSON.stringify(result.problems);
  for (const index of bad.keys()) assert.ok(text.includes(`ALERT_CHANNELS[${index}]`), `${index}: ${text}`);
  assert.ok(!text.includes(canary));
  const twice = { kind: 'teams', url: 'https://example.com' };
  assert.ok(!readSettings({ ...FLAT, ALERT_CHANNELS: JSON.stringify([twice, twice]) }).ok);
  const pager = readSettings({ ...FLAT, ALERT_CHANNELS: JSON.stringify([{ kind: 'pagerduty', key: 'k' }]) });
  assert.ok(pager.ok);
  assert.deepEqual(pager.settings.alerts.channels[0]?.url, {
    kind: 'value',
    value: 'https://events.pagerduty.com/v2/enqueue',
  });
});

test('links lead to the app under its own name', () => {
  const named = (host: string) => {
    const result = readSettings({ ...FLAT, WEBSITE_HOSTNAME: host });
    return result.ok ? result.settings.alerts.dashboardUrl : undefined;
  };
  assert.equal(named('exosend.azurewebsites.net'), 'https://exosend.azurewebsites.net/api/dashboard');
  assert.equal(named('localhost:7071'), 'http://localhost:7071/api/dashboard');
  assert.equal(named('evil.example/"><script>'), undefined);
});
