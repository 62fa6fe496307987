import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAILBOX_BLOCKS } from '../../local/m365/smtp/accept-message.ts';
import type { Limits } from '../../local/m365/world.ts';
import { connectSecure, connectSignedIn, sendRaw } from './bare-client.ts';
import { fetchToken, startForTest, xoauth2 } from './harness.ts';

const MESSAGE = 'From: billing@contoso.com\r\n\r\nx\r\n.\r\n';
const withLimits = (limits: Partial<Limits>) => ({ world: { exchange: { limits } } });

test('the fourth connection of a mailbox is refused after the dot, until one of the others has gone', async t => {
  const m365 = await startForTest(t);
  const clients = [];
  for (let index = 0; index < 4; index++) clients.push(await connectSignedIn(m365));
  const [first, , third, fourth] = clients;
  assert.ok(first && third && fourth);
  assert.match(await sendRaw(third, MESSAGE), /^250/);
  assert.match(
    await sendRaw(fourth, MESSAGE),
    /^432 4\.3\.2 Concurrent connections limit exceeded\. Visit https:\/\/aka\.ms\/concurrent_sending/,
  );
  const other = await connectSignedIn(m365, 'noreply@contoso.com');
  assert.match(
    await sendRaw(other, MESSAGE.replace('billing', 'noreply'), 'noreply@contoso.com'),
    /^250/,
    'per mailbox',
  );
  await first.ask('QUIT');
  await first.reply();
  assert.match(await sendRaw(fourth, MESSAGE), /^250/);
  assert.equal(m365.counters.maxOpenConnections, 5);
});

test('the fourth connection can be refused at AUTH', async t => {
  const m365 = await startForTest(t, withLimits({ connectionsJudgedAt: 'auth' }));
  for (let index = 0; index < 3; index++) await connectSignedIn(m365);
  const fourth = await connectSecure(m365);
  const answer = await fourth.ask(`AUTH XOAUTH2 ${xoauth2('billing@contoso.com', await fetchToken(m365))}`);
  assert.match(answer, /^432 4\.3\.2/);
  assert.equal(await fourth.reply(), '', 'closed');
});

test('above the rate the 250 comes late, and the window slides', async t => {
  const m365 = await startForTest(t, withLimits({ messagesPerMinute: 2, rateWindowMs: 200 }));
  const client = await connectSignedIn(m365);
  const start = performance.now();
  for (let index = 0; index < 5; index++) assert.match(await sendRaw(client, MESSAGE), /^250/);
  assert.ok(performance.now() - start >= 398, 'messages 3 and 5 wait for a window each');
  assert.ok(m365.counters.throttled >= 2);
});

for (const [rateAction, answer] of [
  ['421', /^421 4\.4\.2 Message submission rate for this client has exceeded the configured limit/],
  ['432', /^432 4\.3\.2 Message submission rate/],
] as const) {
  test(`above the rate a message can be refused with ${rateAction}`, async t => {
    const m365 = await startForTest(t, withLimits({ messagesPerMinute: 2, rateAction }));
    const client = await connectSignedIn(m365);
    for (let index = 0; index < 2; index++) assert.match(await sendRaw(client, MESSAGE), /^250/);
    assert.match(await sendRaw(client, MESSAGE), answer);
    if (rateAction === '421') assert.equal(await client.reply(), '', 'closed');
    assert.equal(m365.mails.list().length, 2);
    m365.resetLimits();
    assert.match(await sendRaw(await connectSignedIn(m365), MESSAGE), /^250/);
  });
}

test('recipients are counted per message and per day', async t => {
  const m365 = await startForTest(t, withLimits({ recipientsPerMessage: 2, recipientsPerDay: 3 }));
  const client = await connectSignedIn(m365);
  const sendTo = async (count: number) => {
    await client.ask('MAIL FROM:<billing@contoso.com>');
    const replies = [];
    for (let index = 0; index < count; index++) replies.push(await client.ask(`RCPT TO:<r${index}@example.com>`));
    await client.ask('DATA');
    client.write(MESSAGE);
    return [...replies.map(one => one.slice(0, 9)), await client.reply()];
  };
  const [, , third, accepted] = await sendTo(3);
  assert.equal(third, '452 4.5.3');
  assert.match(accepted ?? '', /^250/);
  assert.deepEqual(m365.mails.list()[0]?.envelope.to, ['r0@example.com', 'r1@example.com']);
  assert.match(
    (await sendTo(2)).at(-1) ?? '',
    /^554 5\.2\.0 STOREDRV\.Submission\.Exception:SubmissionQuotaExceededException/,
  );
  assert.match((await sendTo(1)).at(-1) ?? '', /^250/);
});

test('a message above the limit is refused at MAIL, or after the dot when its size was not told', async t => {
  const m365 = await startForTest(t, withLimits({ messageBytes: 1000 }));
  const client = await connectSignedIn(m365);
  assert.match(await client.ask('MAIL FROM:<billing@contoso.com> SIZE=1001'), /^552 5\.3\.4/);
  assert.match(await sendRaw(client, `From: billing@contoso.com\r\n\r\n${'x'.repeat(1000)}\r\n.\r\n`), /^552 5\.3\.4/);
  assert.match(await sendRaw(client, MESSAGE), /^250/);
});

test('a blocked mailbox and a full one say so', async t => {
  const m365 = await startForTest(t);
  const [mailbox] = m365.world.mailboxes;
  assert.ok(mailbox);
  const client = await connectSignedIn(m365);
  mailbox.full = true;
  assert.match(
    await sendRaw(client, MESSAGE),
    /^554 5\.2\.2 mailbox full; STOREDRV.*MapiExceptionShutoffQuotaExceeded/,
  );
  mailbox.blocked = MAILBOX_BLOCKS.mailboxFull;
  assert.equal(
    await client.ask('MAIL FROM:<billing@contoso.com>'),
    '550 5.2.251 Sender throttled due to continuous mailbox full errors.',
  );
});

test('an idle session is closed', async t => {
  const m365 = await startForTest(t, { world: { exchange: { idleMs: 50 } } });
  const client = await connectSecure(m365);
  assert.match(await client.reply(), /^451 4\.7\.0 Timeout/);
  assert.equal(await client.reply(), '');
});
