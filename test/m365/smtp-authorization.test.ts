import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Override, World } from '../../local/m365/world.ts';
import { connectSecure, connectSignedIn, sendRaw } from './bare-client.ts';
import { fetchToken, startForTest, xoauth2 } from './harness.ts';

const OPAQUE = /^535 5\.7\.3 Authentication unsuccessful \[\S+\.prod\.outlook\.com \S+Z [0-9A-F]{16}\]$/;
const MESSAGE = 'From: billing@contoso.com\r\n\r\nx\r\n.\r\n';

interface Case {
  name: string;
  world?: Override<World>;
  change?: (world: World) => void;
  scope?: string;
  answer: RegExp;
  reason?: string;
}

const claimMode = (world: World): void => {
  const [app] = world.apps;
  world.exchange.mode = 'claim';
  if (app) app.roles = ['SMTP.SendAsApp'];
  for (const mailbox of world.mailboxes) Object.assign(mailbox, { fullAccess: [world.clientId], appRbac: [] });
};
const cases: Case[] = [
  { name: 'App RBAC with the mailbox in scope', answer: /^235/ },
  { name: 'claim with FullAccess', change: claimMode, answer: /^235/ },
  {
    name: 'mailbox out of scope',
    change: world => Object.assign(world.mailboxes[0] ?? {}, { appRbac: [] }),
    answer: OPAQUE,
    reason: 'mailbox not in the scope of a role assignment',
  },
  {
    name: 'service principal not registered',
    world: { exchange: { servicePrincipals: [] } },
    answer: OPAQUE,
    reason: 'service principal not registered in Exchange',
  },
  {
    name: 'service principal registered with the object id of the app registration',
    change: world => {
      world.exchange.servicePrincipals = [{ clientId: world.clientId, objectId: 'other' }];
    },
    answer: OPAQUE,
    reason: 'service principal registered with another object id',
  },
  {
    name: 'claim mode without the claim',
    change: world => {
      claimMode(world);
      for (const app of world.apps) app.roles = [];
    },
    answer: OPAQUE,
    reason: 'no SMTP.SendAsApp claim',
  },
  {
    name: 'claim mode without FullAccess',
    change: world => {
      claimMode(world);
      for (const mailbox of world.mailboxes) mailbox.fullAccess = [];
    },
    answer: OPAQUE,
    reason: 'no FullAccess on the mailbox',
  },
  {
    name: 'both modes mixed',
    change: world => {
      for (const app of world.apps) app.roles = ['SMTP.SendAsApp'];
    },
    answer: OPAQUE,
    reason: 'no FullAccess on the mailbox',
  },
  {
    name: 'a token for Graph',
    scope: 'https://graph.microsoft.com/.default',
    answer: OPAQUE,
    reason: 'token audience',
  },
  { name: 'an expired token', world: { tokens: { lifetimeSeconds: -1 } }, answer: OPAQUE, reason: 'token expired' },
  {
    name: 'SMTP AUTH disabled for the tenant',
    world: { exchange: { smtpAuthDisabled: true } },
    answer:
      /^535 5\.7\.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant\. Visit https:\/\/aka\.ms\/smtp_auth_disabled for more information\. \[/,
  },
  {
    name: 'SMTP AUTH disabled for the mailbox',
    change: world => Object.assign(world.mailboxes[0] ?? {}, { smtpAuthDisabled: true }),
    answer: /^535 5\.7\.139 .*disabled for the Mailbox\./,
  },
  {
    name: 'disabled for the tenant, enabled for the mailbox',
    world: { exchange: { smtpAuthDisabled: true } },
    change: world => Object.assign(world.mailboxes[0] ?? {}, { smtpAuthDisabled: false }),
    answer: /^235/,
  },
];
for (const { name, world, change, scope, answer, reason } of cases) {
  test(`sign-in: ${name}`, async t => {
    const m365 = await startForTest(t, world ? { world } : {});
    change?.(m365.world);
    const client = await connectSecure(m365);
    assert.match(
      await client.ask(`AUTH XOAUTH2 ${xoauth2('billing@contoso.com', await fetchToken(m365, scope))}`),
      answer,
    );
    if (reason) assert.deepEqual(m365.counters.signInFailures, { [reason]: 1 });
  });
}

test('sign-in: an unknown mailbox, a token of another key, one of another tenant and one that was expired by hand', async t => {
  const m365 = await startForTest(t);
  const token = await fetchToken(m365);
  const ask = async (mailbox: string, given: string) =>
    (await connectSecure(m365)).ask(`AUTH XOAUTH2 ${xoauth2(mailbox, given)}`);
  assert.match(await ask('nobody@contoso.com', token), OPAQUE);
  assert.match(await ask('billing@contoso.com', `${token.slice(0, -8)}AAAAAAAA`), OPAQUE);
  const { tenantId } = m365.world;
  m365.world.tenantId = '00000000-0000-0000-0000-000000000002';
  assert.match(await ask('billing@contoso.com', token), OPAQUE, 'a token of another tenant');
  m365.world.tenantId = tenantId;
  m365.expireTokens();
  assert.match(await ask('billing@contoso.com', token), OPAQUE);
  assert.match(await ask('billing@contoso.com', await fetchToken(m365)), /^235/);
});

for (const [failureForm, challenge] of [
  ['bareChallenge', /^334$/],
  ['jsonChallenge', /^334 eyJ/],
] as const) {
  test(`a failed sign-in can come as a challenge first (${failureForm})`, async t => {
    const m365 = await startForTest(t, { world: { exchange: { failureForm }, mailboxes: [] } });
    const client = await connectSecure(m365);
    assert.match(await client.ask(`AUTH XOAUTH2 ${xoauth2('billing@contoso.com', await fetchToken(m365))}`), challenge);
    assert.match(await client.ask(''), OPAQUE);
  });
}

test('SendAs is judged after the dot, by the header and by the envelope', async t => {
  const m365 = await startForTest(t);
  const client = await connectSignedIn(m365);
  const denied =
    /^554 5\.2\.252 SendAsDenied; billing@contoso\.com not allowed to send as ceo@contoso\.com; STOREDRV\.Submission\.Exception:SendAsDeniedException\.MapiExceptionSendAsDenied; /;
  const message = (from: string): string => MESSAGE.replace('billing@contoso.com', from);
  assert.match(await sendRaw(client, message('"x <billing@contoso.com>" <CEO@contoso.com>')), denied);
  assert.match(await sendRaw(client, MESSAGE, 'ceo@contoso.com'), denied);
  assert.match(await sendRaw(client, message('Billing (the <ceo@contoso.com>) <Billing@Contoso.com>')), /^250/);
  for (const mailbox of m365.world.mailboxes) mailbox.sendAs = ['*@contoso.com'];
  assert.match(await sendRaw(client, message('ceo@contoso.com')), /^250/);
  assert.match(await sendRaw(client, message('ceo@other.com')), /^554/);
});

test('several From addresses are refused', async t => {
  const client = await connectSignedIn(await startForTest(t));
  const twice = MESSAGE.replace('billing@contoso.com', 'billing@contoso.com, noreply@contoso.com');
  assert.match(await sendRaw(client, twice), /^550 5\.1\.20/);
  assert.match(await sendRaw(client, `From: billing@contoso.com\r\n${MESSAGE}`), /^550 5\.1\.20/);
});
