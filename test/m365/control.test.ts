import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { M365 } from '../../local/m365/start-m365.ts';
import { connectSignedIn, sendRaw } from './bare-client.ts';
import { startForTest } from './harness.ts';

const MESSAGE = 'From: billing@contoso.com\r\n\r\nx\r\n.\r\n';

async function control(m365: M365, method: string, path: string, body?: unknown) {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  const response = await fetch(`${m365.controlUrl}/${path}`, init);
  const text = await response.text();
  return {
    status: response.status,
    text,
    json: (text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : {}) as Record<string, unknown> &
      Record<string, unknown>[],
  };
}

test('mails can be read, raw and with transcript, and forgotten', async t => {
  const m365 = await startForTest(t);
  await sendRaw(await connectSignedIn(m365), MESSAGE);
  const { json: mails } = await control(m365, 'GET', 'mails');
  const id = String(mails[0]?.['id']);
  const { json: mail } = await control(m365, 'GET', `mails/${id}`);
  assert.deepEqual(mail['envelope'], { from: 'billing@contoso.com', to: ['a@example.com'] });
  assert.ok((mail['transcript'] as string[]).includes('S: 235 2.7.0 Authentication successful'));
  assert.equal((await control(m365, 'GET', `mails/${id}/raw`)).text, 'From: billing@contoso.com\r\n\r\nx\r\n');
  assert.equal((await control(m365, 'GET', 'mails/none')).status, 404);
  assert.equal((await control(m365, 'DELETE', 'mails')).status, 204);
  assert.deepEqual((await control(m365, 'GET', 'mails')).json, []);
  assert.equal((await control(m365, 'GET', 'counters')).json['mails'], 1, 'counters go on');
});

test('faults can be set and cleared', async t => {
  const m365 = await startForTest(t);
  const fault = { at: 'smtp.dot', action: 'reply', text: '451 4.3.0 no' };
  assert.deepEqual((await control(m365, 'PUT', 'faults', [fault])).json, [fault]);
  const client = await connectSignedIn(m365);
  assert.equal(await sendRaw(client, MESSAGE), '451 4.3.0 no');
  assert.equal((await control(m365, 'DELETE', 'faults')).status, 204);
  assert.match(await sendRaw(client, MESSAGE), /^250/);
  const misspelt = await control(m365, 'PUT', 'faults', { ...fault, at: 'smtp.dto' });
  assert.equal(misspelt.status, 400);
  assert.match(String(misspelt.json['error']), /No fault point 'smtp\.dto'/);
});

test('the world can be switched', async t => {
  const m365 = await startForTest(t);
  const { world } = m365;
  const versions = world.vault.certificates['exosend-smtp']?.versions ?? [];
  await control(m365, 'PATCH', 'world', {
    exchange: { smtpAuthDisabled: true },
    limits: { messagesPerMinute: 5 },
    app: { enabled: false },
    mailbox: { address: 'new@contoso.com', sendAs: ['*@contoso.com'] },
    tokenLifetimeSeconds: 60,
    clockOffsetMs: 1000,
    rotate: { certificate: 'exosend-smtp', register: false },
  });
  assert.equal(world.exchange.smtpAuthDisabled, true);
  assert.equal(world.exchange.limits.messagesPerMinute, 5);
  assert.equal(world.exchange.limits.connections, 3, 'the rest stays');
  assert.equal(world.apps[0]?.enabled, false);
  assert.deepEqual(world.mailboxes[2]?.appRbac, [world.clientId]);
  assert.deepEqual([world.tokens.lifetimeSeconds, world.clockOffsetMs, versions.length], [60, 1000, 2]);
  assert.equal((await control(m365, 'PATCH', 'world', { typo: 1 })).status, 400);
});

test('the state shows settings and counters, and no key or secret', async t => {
  const m365 = await startForTest(t);
  const { text, json } = await control(m365, 'GET', 'state');
  assert.deepEqual(json['settings'], m365.settings);
  assert.ok(!text.includes('PRIVATE KEY') && !text.includes(m365.world.apps[0]?.secrets[0]?.value ?? '?'));
});
