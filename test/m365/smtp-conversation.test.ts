import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectBare, connectSecure, connectSignedIn, sendRaw } from './bare-client.ts';
import { fetchToken, startForTest, xoauth2 } from './harness.ts';

const HEADER = 'From: billing@contoso.com\r\nTo: a@example.com\r\nSubject: x\r\n\r\n';

test('the greeting and the two EHLO answers are those of Exchange Online', async t => {
  const m365 = await startForTest(t);
  const client = await connectBare(m365, false);
  assert.match(await client.reply(), /^220 \S+\.outlook\.office365\.com Microsoft ESMTP MAIL Service ready at /);
  const first = (await client.ask('EHLO test.example')).split('\n').map(line => line.slice(4));
  const offered = [
    'SIZE 157286400',
    'PIPELINING',
    'DSN',
    'ENHANCEDSTATUSCODES',
    'STARTTLS',
    '8BITMIME',
    'BINARYMIME',
    'CHUNKING',
    'SMTPUTF8',
  ];
  assert.deepEqual(first.slice(1), offered);
  assert.match(await client.ask('STARTTLS'), /^220 2\.0\.0/);
  await client.startTls();
  const second = (await client.ask('EHLO test.example')).split('\n').map(line => line.slice(4));
  assert.deepEqual(
    second.slice(1),
    offered.map(one => (one === 'STARTTLS' ? 'AUTH LOGIN XOAUTH2' : one)),
  );
  assert.match(await client.ask('QUIT'), /^221 2\.0\.0/);
  assert.equal(await client.reply(), '', 'closed');
});

test('before TLS there is neither AUTH nor MAIL', async t => {
  const m365 = await startForTest(t);
  const client = await connectBare(m365);
  assert.match(await client.ask('STARTTLS'), /^503 5\.5\.2 Send hello first/);
  await client.ask('EHLO test.example');
  assert.match(
    await client.ask(`AUTH XOAUTH2 ${xoauth2('billing@contoso.com', await fetchToken(m365))}`),
    /^504 5\.7\.4/,
  );
  assert.match(await client.ask('MAIL FROM:<billing@contoso.com>'), /^451 5\.7\.3 STARTTLS is required to send mail/);
  assert.equal(m365.counters.signIns, 0);
});

test('clear text behind STARTTLS is thrown away', async t => {
  const m365 = await startForTest(t);
  const client = await connectBare(m365);
  await client.ask('EHLO test.example');
  const injected = 'EHLO attacker\r\nMAIL FROM:<billing@contoso.com>\r\n';
  client.write(`STARTTLS\r\n${injected}`);
  assert.match(await client.reply(), /^220/);
  await client.startTls();
  assert.match(
    await client.ask('MAIL FROM:<billing@contoso.com>'),
    /^503 5\.5\.2 Send hello first/,
    'the EHLO is forgotten too',
  );
  assert.equal(m365.counters.plaintextAfterStarttlsBytes, injected.length);
});

test('without AUTH there is no MAIL', async t => {
  const client = await connectSecure(await startForTest(t));
  assert.match(
    await client.ask('MAIL FROM:<billing@contoso.com>'),
    /^530 5\.7\.57 Client not authenticated to send mail\. \[\S+ \S+Z [0-9A-F]{16}\]$/,
  );
});

test('XOAUTH2 works with and without initial response', async t => {
  const m365 = await startForTest(t);
  const response = xoauth2('billing@contoso.com', await fetchToken(m365));
  const one = await connectSecure(m365);
  assert.equal(await one.ask(`AUTH XOAUTH2 ${response}`), '235 2.7.0 Authentication successful');
  const two = await connectSecure(m365);
  assert.equal(await two.ask('AUTH XOAUTH2'), '334');
  assert.equal(await two.ask(response), '235 2.7.0 Authentication successful');
  assert.match(await two.ask(`AUTH XOAUTH2 ${response}`), /^503/, 'once is enough');
});

test('malformed XOAUTH2 is refused', async t => {
  const m365 = await startForTest(t);
  const token = await fetchToken(m365);
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  const malformed = [
    '!!!!',
    encode(`user=billing@contoso.com\x01auth=Bearer ${token}\x01`),
    encode(`user=billing@contoso.com\x01auth=${token}\x01\x01`),
    encode(`auth=Bearer ${token}\x01user=billing@contoso.com\x01\x01`),
    `${encode(`user=billing@contoso.com\x01auth=Bearer ${token}\x01\x01`)}=`,
  ];
  for (const response of malformed) {
    const client = await connectSecure(m365);
    assert.match(await client.ask(`AUTH XOAUTH2 ${response}`), /^501 5\.5\.4 Invalid arguments/);
    client.close();
  }
  const client = await connectSecure(m365);
  await client.ask('AUTH XOAUTH2');
  assert.match(await client.ask('*'), /^501/);
});

test('passwords are refused, and three failures end the session', async t => {
  const client = await connectSecure(await startForTest(t));
  for (let attempt = 0; attempt < 3; attempt++) {
    assert.equal(await client.ask('AUTH LOGIN'), '334 VXNlcm5hbWU6');
    assert.equal(await client.ask('dXNlcg=='), '334 UGFzc3dvcmQ6');
    assert.match(await client.ask('cGFzcw=='), /^535 5\.7\.139 .*basic authentication is disabled/);
  }
  assert.match(await client.reply(), /^421/);
  assert.equal(await client.reply(), '');
});

test('pipelined commands are answered in order', async t => {
  const m365 = await startForTest(t);
  const client = await connectSignedIn(m365);
  client.write('MAIL FROM:<billing@contoso.com>\r\nRCPT TO:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n');
  const replies = [await client.reply(), await client.reply(), await client.reply(), await client.reply()];
  assert.deepEqual(
    replies.map(one => one.slice(0, 9)),
    ['250 2.1.0', '250 2.1.5', '250 2.1.5', '354 Start'],
  );
  client.write(`${HEADER}body\r\n.\r\nRSET\r\nNOOP\r\nFOO bar\r\nQUIT\r\n`);
  const rest = [
    await client.reply(),
    await client.reply(),
    await client.reply(),
    await client.reply(),
    await client.reply(),
  ];
  assert.match(
    rest[0] ?? '',
    /^250 2\.0\.0 OK <[0-9A-F]{32}@\S+\.prod\.outlook\.com> \[Hostname=\S+\.prod\.outlook\.com\]$/,
  );
  assert.deepEqual(
    rest.slice(1).map(one => one.slice(0, 9)),
    ['250 2.0.0', '250 2.0.0', '500 5.3.3', '221 2.0.0'],
  );
  assert.deepEqual(m365.mails.list()[0]?.envelope, {
    from: 'billing@contoso.com',
    to: ['a@example.com', 'b@example.com'],
  });
});

test('dots are taken out and only CRLF.CRLF ends a message', async t => {
  const m365 = await startForTest(t);
  const client = await connectSignedIn(m365);
  assert.match(await sendRaw(client, `${HEADER}..one\r\n...two\r\nx\r\n..\r\n.\r\n`), /^250/);
  assert.equal(m365.mails.list()[0]?.raw.toString(), `${HEADER}.one\r\n..two\r\nx\r\n.\r\n`);
  assert.match(await sendRaw(client, `${HEADER}a\n.\r\nb\r\n.\nc\r.\r\r\n.\r\n`), /^550 5\.6\.11 /, 'all one message');
  assert.equal(m365.mails.list().length, 1);
});

test('no other line end ends a message', async t => {
  const m365 = await startForTest(t, { world: { exchange: { refuseBareLineEnds: false } } });
  const client = await connectSignedIn(m365);
  const smuggling = `${HEADER}a\n.\r\nb\r\n.\nc\n.\nd\r.\re\r.\r\n\r\n.\r.\n`;
  assert.match(await sendRaw(client, `${smuggling}\r\n.\r\n`), /^250/);
  assert.match(await client.ask('NOOP'), /^250 2\.0\.0 OK$/, 'nothing was left over');
  assert.equal(m365.mails.list()[0]?.raw.toString(), `${smuggling.replaceAll('\r\n.', '\r\n')}\r\n`);
});

test('an empty message is a message', async t => {
  const m365 = await startForTest(t);
  const client = await connectSignedIn(m365);
  assert.match(await sendRaw(client, '.\r\n'), /^250/);
  assert.match(await client.ask('NOOP'), /^250 2\.0\.0 OK$/);
  assert.equal(m365.mails.list()[0]?.raw.length, 0);
});

test('bare line feeds are recorded where they are not refused', async t => {
  const m365 = await startForTest(t, { world: { exchange: { refuseBareLineEnds: false } } });
  const client = await connectSignedIn(m365);
  assert.match(await sendRaw(client, `${HEADER}a\nb\r\n.\r\n`), /^250/);
  assert.match(await sendRaw(client, `${HEADER}a\r\n.\r\n`), /^250/);
  assert.deepEqual(
    m365.mails.list().map(mail => mail.hasBareLineEnds),
    [true, false],
  );
  assert.equal(m365.counters.bareLineEnds, 1);
});

test('a message that arrives byte by byte is the same message', async t => {
  const m365 = await startForTest(t);
  const client = await connectSignedIn(m365);
  for (const line of ['MAIL FROM:<billing@contoso.com>', 'RCPT TO:<a@example.com>', 'DATA']) await client.ask(line);
  for (const byte of `${HEADER}..x\r\n.\r\n`) {
    client.write(byte);
    await new Promise(resolve => setImmediate(resolve));
  }
  assert.match(await client.reply(), /^250/);
  assert.equal(m365.mails.list()[0]?.raw.toString(), `${HEADER}.x\r\n`);
});

test('arguments are checked', async t => {
  const m365 = await startForTest(t);
  const client = await connectSignedIn(m365);
  const refused: [string, RegExp][] = [
    ['MAIL FROM:billing@contoso.com', /^501/],
    ['MAIL FROM:<billing@contoso.com> SIZE=99999999999', /^552 5\.3\.4/],
    ['MAIL FROM:<billing@contoso.com> SIZE=1 SIZE=1', /^501/],
    ['MAIL FROM:<billing@contoso.com> X-SPY=1', /^501/],
    ['MAIL FROM:<b\u00fcro@contoso.com>', /^553/],
    ['RCPT TO:<a@example.com>', /^503/],
    ['DATA', /^503/],
    ['EHLO', /^501/],
  ];
  for (const [line, answer] of refused) assert.match(await client.ask(line), answer, line);
  assert.match(await client.ask('MAIL FROM:<billing@contoso.com> SIZE=100 BODY=8BITMIME RET=HDRS'), /^250/);
  assert.match(await client.ask('MAIL FROM:<billing@contoso.com>'), /^503/);
  for (const address of ['x@evil.com .allowed.com', 'a@b@', '', 'a b@example.com', '.a@example.com']) {
    assert.match(await client.ask(`RCPT TO:<${address}>`), /^501/, address);
  }
  assert.match(await client.ask('DATA'), /^503/, 'no recipient');
});

test('the transcript shows the conversation without token and content', async t => {
  const m365 = await startForTest(t);
  const token = await fetchToken(m365);
  const client = await connectSignedIn(m365);
  await sendRaw(client, `${HEADER}the body\r\n.\r\n`);
  await sendRaw(client, `${HEADER}second\r\n.\r\n`);
  const [mail, second] = m365.mails.list();
  const text = mail?.transcript.join('\n') ?? '';
  assert.match(mail?.transcript.at(-1) ?? '', /^S: 250 2\.0\.0 OK/);
  assert.equal(second?.transcript.length, mail?.transcript.length, 'the sign-in, and this mail alone');
  assert.match(text, /C: AUTH XOAUTH2 \[credentials\]\nS: 235/);
  assert.ok(!text.includes(token.slice(0, 20)) && !text.includes('the body'));
  assert.match(mail?.tls.version ?? '', /^TLSv1\.[23]$/);
  assert.equal(mail?.appId, m365.world.clientId);
});

test('TLS below 1.2 is refused', async t => {
  const m365 = await startForTest(t);
  const client = await connectBare(m365);
  await client.ask('EHLO test.example');
  await client.ask('STARTTLS');
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  await assert.rejects(client.startTls(old), /protocol version|ECONNRESET|socket/i);
  assert.equal(m365.counters.tlsHandshakes, 0);
});
