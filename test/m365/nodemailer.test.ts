import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { createTransport, type SendMailOptions } from 'nodemailer';
import PostalMime from 'postal-mime';
import type { Fault } from '../../local/m365/faults.ts';
import type { M365 } from '../../local/m365/start-m365.ts';
import { fetchToken, startForTest } from './harness.ts';

const MAIL: SendMailOptions = { from: 'billing@contoso.com', to: 'a@example.com', subject: 'x', text: 'body' };

/** Sends one mail with the real client; the error carries code, command, response. */
async function send(m365: M365, mail: SendMailOptions = MAIL, timeoutMs = 20_000) {
  const auth = { type: 'OAuth2' as const, user: 'billing@contoso.com', accessToken: await fetchToken(m365) };
  const { SMTP_HOST = '', SMTP_PORT } = m365.settings;
  const transport = createTransport({
    host: SMTP_HOST,
    port: Number(SMTP_PORT),
    requireTLS: true,
    auth,
    socketTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    tls: { ca: m365.state.caPem },
  });
  try {
    return await transport.sendMail(mail);
  } finally {
    transport.close();
  }
}

test('a mail with attachment, long lines and dots arrives as it was sent', async t => {
  const m365 = await startForTest(t);
  const text = `.\r\n..dots\r\n${'long '.repeat(1000)}\r\n.`;
  const content = Buffer.alloc(200_000, '.\n');
  const received = m365.mails.waitFor(mail => mail.envelope.to.includes('b@example.com'));
  const info = await send(m365, { ...MAIL, bcc: 'b@example.com', text, attachments: [{ filename: 'a.bin', content }] });
  const mail = await received;
  const parsed = await PostalMime.parse(mail.raw);
  assert.equal(parsed.text?.trimEnd().replaceAll('\n', '\r\n'), text);
  assert.deepEqual(Buffer.from(parsed.attachments[0]?.content as ArrayBuffer), content);
  assert.deepEqual(mail.envelope.to, ['a@example.com', 'b@example.com']);
  assert.ok(info.response.includes(mail.serverMessageId));
  assert.equal(m365.counters.mails, 1);
});

test('a refused recipient does not hold up the others', async t => {
  const m365 = await startForTest(t);
  m365.faults.set({
    at: 'smtp.rcpt',
    action: 'reply',
    text: '550 5.1.10 Recipient not found',
    match: { recipient: 'B@example.com' },
  });
  const info = await send(m365, { ...MAIL, to: ['a@example.com', 'b@example.com'] });
  assert.deepEqual([info.accepted, info.rejected], [['a@example.com'], ['b@example.com']]);
  assert.deepEqual(m365.mails.list()[0]?.envelope.to, ['a@example.com']);
});

/** What the client sees, and whether the server kept the mail. */
const faults: [Fault, RegExp, number][] = [
  [{ at: 'smtp.connect', action: 'drop' }, /ECONNECTION|ESOCKET/, 0],
  [{ at: 'smtp.connect', action: 'drop', reset: true }, /ECONNECTION|ESOCKET/, 0],
  [{ at: 'smtp.greeting', action: 'stall' }, /ETIMEDOUT/, 0],
  [{ at: 'smtp.greeting', action: 'reply', text: '421 4.3.2 Service not available' }, /421 4\.3\.2/, 0],
  [{ at: 'smtp.ehlo', action: 'reply', text: '250-x\r\n250 SIZE 100' }, /ETLS|STARTTLS/, 0],
  [{ at: 'smtp.starttls', action: 'reply', text: '454 4.7.0 TLS not available' }, /454|ETLS/, 0],
  [{ at: 'smtp.tls', action: 'drop' }, /ESOCKET|ECONNECTION|ETLS/, 0],
  [{ at: 'smtp.tls', action: 'stall' }, /ETIMEDOUT|ETLS|ECONNECTION/, 0],
  [{ at: 'smtp.tls', action: 'certificate', kind: 'untrusted' }, /unable to verify|self.signed/, 0],
  [{ at: 'smtp.tls', action: 'certificate', kind: 'expired' }, /expired/, 0],
  [{ at: 'smtp.tls', action: 'certificate', kind: 'wrongHost' }, /altnames/, 0],
  [{ at: 'smtp.ehlo2', action: 'drop' }, /ECONNECTION/, 0],
  [{ at: 'smtp.auth', action: 'reply', text: '454 4.7.0 Temporary authentication failure' }, /EAUTH 454/, 0],
  [{ at: 'smtp.auth', action: 'drop', match: { mailbox: 'billing@contoso.com' } }, /ECONNECTION/, 0],
  [{ at: 'smtp.mail', action: 'reply', text: '421 4.3.2 Bye' }, /421/, 0],
  [{ at: 'smtp.rcpt', action: 'reply', text: '451 4.4.0 Later' }, /451/, 0],
  [{ at: 'smtp.data', action: 'reply', text: '451 4.3.0 Later' }, /451/, 0],
  [{ at: 'smtp.content', action: 'drop', after: 100 }, /ECONNECTION|ESOCKET|EPIPE/, 0],
  [{ at: 'smtp.content', action: 'stall' }, /ETIMEDOUT/, 0],
  [{ at: 'smtp.dot', action: 'drop' }, /ECONNECTION/, 0],
  [{ at: 'smtp.dot', action: 'drop', stored: true }, /ECONNECTION/, 1],
  [{ at: 'smtp.dot', action: 'stall', stored: true }, /ETIMEDOUT/, 1],
  [{ at: 'smtp.dot', action: 'stall' }, /ETIMEDOUT/, 0],
  [{ at: 'smtp.dot', action: 'reply', text: '451 4.7.500 Server busy' }, /451 4\.7\.500/, 0],
  [{ at: 'smtp.dot', action: 'reply', text: '451 4.7.500 Server busy', stored: true }, /451/, 1],
];
for (const [fault, seen, stored] of faults) {
  const { at, action, ...rest } = fault;
  test(`fault ${action} at ${at} ${JSON.stringify(rest)}`, async t => {
    const m365 = await startForTest(t);
    m365.faults.set({ ...fault, times: 1 });
    // Short only where silence is what is waited for: a busy machine is silent at times, too.
    const timeoutMs = action === 'stall' ? 400 : undefined;
    await assert.rejects(
      send(m365, MAIL, timeoutMs),
      (error: Error & { code?: string; responseCode?: number; response?: string }) => {
        assert.match(`${error.code} ${error.responseCode} ${error.response} ${error.message}`, seen);
        return true;
      },
    );
    assert.equal(m365.mails.list().length, stored);
    assert.equal(m365.counters.faultsTriggered, 1);
    assert.match((await send(m365)).response, /^250/, 'the fault is used up');
  });
}

test('delays and trickling replies do no harm', async t => {
  const m365 = await startForTest(t);
  m365.faults.set([
    { at: 'smtp.greeting', action: 'slow', bytesPerSecond: 5000 },
    { at: 'smtp.tls', action: 'delay', ms: 30 },
    { at: 'smtp.mail', action: 'stall', ms: 30 },
    { at: 'smtp.content', action: 'slow', bytesPerSecond: 10_000 },
    { at: 'smtp.dot', action: 'delay', ms: 30, stored: true },
  ]);
  const start = performance.now();
  assert.match((await send(m365)).response, /^250/);
  assert.ok(performance.now() - start >= 100);
  assert.equal(m365.mails.list().length, 1);
});

test('a fault can skip occasions and strike a number of times', async t => {
  const m365 = await startForTest(t);
  m365.faults.set({ at: 'smtp.dot', action: 'reply', text: '451 4.7.0 no', skip: 1, times: 2 });
  const results = [];
  for (let index = 0; index < 4; index++)
    results.push(
      await send(m365).then(
        () => 'sent',
        () => 'refused',
      ),
    );
  assert.deepEqual(results, ['sent', 'refused', 'refused', 'sent']);
  assert.deepEqual(m365.faults.list(), []);
});

test('a drop can be a reset', async t => {
  const m365 = await startForTest(t);
  for (const [reset, code] of [
    [true, 'ECONNRESET'],
    [false, undefined],
  ] as const) {
    m365.faults.set({ at: 'smtp.greeting', action: 'drop', reset });
    const socket = connect(Number(m365.settings['SMTP_PORT']), '127.0.0.1').resume();
    const failure = await new Promise<NodeJS.ErrnoException | undefined>(resolve => {
      socket.once('error', resolve);
      socket.once('close', () => resolve(undefined));
    });
    assert.equal(failure?.code, code);
  }
});

test('a misspelt fault is an error, not a fault that never strikes', async t => {
  const m365 = await startForTest(t);
  assert.throws(
    () => m365.faults.set({ at: 'smtp.dott' as 'smtp.dot', action: 'drop' }),
    /No fault point 'smtp\.dott'/,
  );
  assert.throws(() => m365.faults.add({ at: 'smtp.dot', action: 'http', status: 500 }), /No fault action 'http'/);
});

test('a TLS handshake that trickles is slow, and nothing else', async t => {
  const m365 = await startForTest(t);
  m365.faults.set({ at: 'smtp.tls', action: 'slow', bytesPerSecond: 8_000, times: 1 });
  await send(m365, MAIL, 10_000);
  assert.equal(m365.counters.faultsTriggered, 1);
  assert.equal(m365.mails.list().length, 1);
});
