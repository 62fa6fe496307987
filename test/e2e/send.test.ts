import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import PostalMime from 'postal-mime';
import type { StoredMail } from '../../local/m365/mail-store.ts';
import { type App, startApp } from '../support/app.ts';
import { mailRequest } from '../support/requests.ts';

let app: App;
before(async () => {
  app = await startApp({ m365: { world: { exchange: { limits: { rateAction: 'off' } } } } });
});
after(() => app.close());

const arrived = (id: string): Promise<StoredMail> =>
  app.m365.mails.waitFor(mail => mail.raw.includes(`X-Exosend-Id: ${id}`), 15_000);

test('a POST becomes a mail: 202, Location, then sent with Exchange’s own reply', async () => {
  const answer = await app.send(
    mailRequest({
      to: ['Ada <ada@example.com>'],
      cc: 'bo@example.com',
      bcc: 'hidden@example.com',
      headers: { 'X-Order': '42' },
      metadata: { order: '42' },
    }),
  );
  assert.equal(answer.status, 202);
  assert.equal(answer.headers.get('location'), answer.body.statusUrl);
  assert.ok(Number(answer.headers.get('retry-after')) > 0);
  assert.equal(answer.body.status, 'queued');

  const mail = await arrived(answer.body.id);
  assert.deepEqual([...mail.envelope.to].sort(), ['ada@example.com', 'bo@example.com', 'hidden@example.com']);
  assert.equal(mail.hasBareLineEnds, false);
  assert.doesNotMatch(mail.raw.toString(), /hidden@example|order.*42.*metadata/i);
  const parsed = await PostalMime.parse(mail.raw);
  assert.equal(parsed.subject, 'Invoice 42');
  assert.equal(parsed.headers.find(header => header.key === 'x-order')?.value, '42');

  const message = await app.until(answer.body.id, ['sent']);
  assert.match(message.reply, /^250 2\.0\.0 OK/);
  assert.equal(message.serverMessageId, mail.serverMessageId);
  assert.deepEqual(
    message.events.map((event: { status: string }) => event.status),
    ['queued', 'sending', 'sent'],
  );
  assert.deepEqual(message.metadata, { order: '42' });
  assert.equal((await fetch(answer.body.statusUrl)).status, 200);
});

test('text, HTML, inline picture and attachments arrive as they were sent', async () => {
  const [pdf, png] = [randomBytes(50_000), randomBytes(2_000)];
  const answer = await app.send(
    mailRequest({
      from: { name: 'Zoë "Z" Müller', address: 'billing@contoso.com' },
      subject: 'Grüße 🎉 – '.repeat(20).trim(),
      text: 'Zeile eins\n.\n..zwei\nÄÖÜ',
      html: '<p>Hallo <img src="cid:logo"></p>',
      attachments: [
        { filename: 'Überweisung "42".pdf', contentType: 'application/pdf', content: pdf.toString('base64') },
        { filename: 'logo.png', contentType: 'image/png', content: png.toString('base64'), contentId: 'logo' },
      ],
    }),
  );
  const parsed = await PostalMime.parse((await arrived(answer.body.id)).raw);
  assert.equal(parsed.subject, 'Grüße 🎉 – '.repeat(20).trim());
  assert.equal(parsed.from?.name, 'Zoë "Z" Müller');
  assert.equal(parsed.text?.trim(), 'Zeile eins\n.\n..zwei\nÄÖÜ');
  const file = parsed.attachments.find(attachment => attachment.mimeType === 'application/pdf');
  assert.equal(file?.filename, 'Überweisung "42".pdf');
  assert.deepEqual(Buffer.from(file?.content as ArrayBuffer), pdf);
  const logo = parsed.attachments.find(attachment => attachment.contentId === '<logo>');
  assert.deepEqual(Buffer.from(logo?.content as ArrayBuffer), png);
});

test('a JSON member named headers does not cost the request its own headers', async () => {
  const request = mailRequest({ headers: { 'X-A': '1' } });
  const key = { 'idempotency-key': 'headers-in-body' };
  const first = await app.send(request, key);
  const again = await app.send(request, key);
  assert.equal(first.status, 202);
  assert.equal(
    (
      await app.call('GET', '/api/explain?headers=x&text=535+5.7.3', undefined, {
        traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`,
      })
    ).status,
    200,
  );
  assert.equal(again.body.id, first.body.id);
  assert.equal(again.headers.get('idempotent-replayed'), 'true');
});

test('multipart: the JSON in the part message, files as attachments', async () => {
  const form = new FormData();
  form.set('message', JSON.stringify(mailRequest()));
  form.append(
    'file',
    new File([new Uint8Array([1, 2, 3, 0, 255])], '../../etc/Bericht "Q3".bin', { type: 'application/x-thing' }),
  );
  form.append('note', 'just text');
  const answer = await app.call('POST', '/api/messages', form);
  assert.equal(answer.status, 202, JSON.stringify(answer.body));
  const parsed = await PostalMime.parse((await arrived(answer.body.id)).raw);
  const file = parsed.attachments.find(attachment => attachment.mimeType === 'application/x-thing');
  assert.equal(file?.filename, 'Bericht "Q3".bin');
  assert.deepEqual([...new Uint8Array(file?.content as ArrayBuffer)], [1, 2, 3, 0, 255]);
  assert.ok(parsed.attachments.some(attachment => attachment.filename === 'note'));
});

test('a form of files alone is a mail too', async () => {
  const form = new FormData();
  form.set('message', JSON.stringify(mailRequest({ text: undefined })));
  form.append('file', new File(['x'], 'x.txt', { type: 'text/plain' }));
  assert.equal((await app.call('POST', '/api/messages', form)).status, 202);
});

test('raw MIME: sent as it is, without Bcc, with CRLF, chunked upload too', async () => {
  const raw =
    'From: Billing <billing@contoso.com>\nTo: ada@example.com\nBcc: hidden@example.com\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\nMessage-ID: <own@contoso.com>\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n.grüße\n..\nend';
  const stream = new ReadableStream({
    start(controller) {
      for (const part of Buffer.from(raw)
        .toString('latin1')
        .match(/.{1,17}/gs) ?? [])
        controller.enqueue(Buffer.from(part, 'latin1'));
      controller.close();
    },
  });
  const answer = await app.call('POST', '/api/messages', stream, { 'content-type': 'message/rfc822' });
  assert.equal(answer.status, 202, JSON.stringify(answer.body));
  const mail = await arrived(answer.body.id);
  assert.deepEqual([...mail.envelope.to].sort(), ['ada@example.com', 'hidden@example.com']);
  const text = mail.raw.toString('utf8');
  assert.doesNotMatch(text, /hidden@example/);
  assert.match(text, /Message-ID: <own@contoso\.com>\r\n/);
  assert.ok(text.endsWith('\r\n\r\n.grüße\r\n..\r\nend\r\n'), JSON.stringify(text.slice(-40)));
  assert.ok(mail.transcript.some(line => /BODY=8BITMIME/.test(line)));
});

test('a mail too large for a table row goes by way of a blob and arrives whole', async () => {
  const content = randomBytes(3_000_000);
  const answer = await app.send(
    mailRequest({ attachments: [{ filename: 'big.bin', content: content.toString('base64') }] }),
  );
  const parsed = await PostalMime.parse((await arrived(answer.body.id)).raw);
  assert.deepEqual(Buffer.from(parsed.attachments[0]?.content as ArrayBuffer), content);
  await app.until(answer.body.id, ['sent']);
});

test('an Idempotency-Key: same content replays, other content is refused, twenty at once make one mail', async () => {
  const key = { 'idempotency-key': '"invoice-42"' };
  const answers = await Promise.all(Array.from({ length: 20 }, () => app.send(mailRequest(), key)));
  const ids = new Set(answers.filter(answer => answer.status === 202).map(answer => answer.body.id));
  assert.equal(ids.size, 1);
  assert.ok(answers.every(answer => answer.status === 202 || answer.status === 409));
  assert.equal(
    answers.filter(answer => answer.status === 202 && answer.headers.get('idempotent-replayed') === null).length,
    1,
  );
  const other = await app.send(mailRequest({ subject: 'Invoice 43' }), key);
  assert.equal(other.status, 422);
  assert.equal(other.body.code, 'idempotency_key_reused');
  const [id] = ids;
  await app.until(String(id), ['sent']);
  assert.equal(app.m365.mails.list().filter(mail => mail.raw.includes(String(id))).length, 1);
});

test('a refused request does not use its key up', async () => {
  const key = { 'idempotency-key': 'second-try' };
  assert.equal((await app.send(mailRequest({ to: 'nobody' }), key)).status, 422);
  assert.equal((await app.send(mailRequest(), key)).status, 202);
});

test('a batch answers for each item, in order', async () => {
  const items = [
    mailRequest(),
    mailRequest({ to: 'bad' }),
    mailRequest({ from: 'eve@evil.example' }),
    mailRequest({ subject: 'last' }),
  ];
  const answer = await app.call('POST', '/api/messages/batch', items, { 'idempotency-key': 'batch-1' });
  assert.equal(answer.status, 207);
  assert.deepEqual(
    answer.body.results.map((result: { status: number }) => result.status),
    [202, 422, 403, 202],
  );
  assert.equal(answer.body.results[1].problem.errors[0].pointer, '/to');
  const again = await app.call('POST', '/api/messages/batch', items, { 'idempotency-key': 'batch-1' });
  assert.equal(again.body.results[3].message.id, answer.body.results[3].message.id);
  assert.equal(again.body.results[3].replayed, true);
});

test('a dry run says what would be sent and sends nothing', async () => {
  const answer = await app.send(mailRequest({ dryRun: true, bcc: 'x@example.com', subject: 'Only a trial' }));
  assert.equal(answer.status, 200);
  assert.match(answer.body.headers, /Subject: Only a trial/);
  assert.ok(answer.body.bytes > 200);
  await new Promise(resolve => setTimeout(resolve, 500));
  assert.ok(!app.m365.mails.list().some(mail => mail.raw.includes('Only a trial')));
});

test('a list is newest first, filtered, and continues where it ended', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 3; i++)
    ids.push((await app.send(mailRequest({ from: 'billing@contoso.com', subject: `list ${i}` }))).body.id);
  const first = await app.call('GET', '/api/messages?limit=2');
  assert.deepEqual(
    first.body.messages.map((message: { id: string }) => message.id),
    [ids[2], ids[1]],
  );
  const next = await app.call(
    'GET',
    `/api/messages?limit=2&continuation=${encodeURIComponent(first.body.continuation)}`,
  );
  assert.equal(next.body.messages[0].id, ids[0]);
  await Promise.all(ids.map(id => app.until(id, ['sent'])));
  const sent = await app.call('GET', '/api/messages?status=sent&mailbox=Billing@contoso.com&limit=100');
  assert.ok(sent.body.messages.every((message: { status: string }) => message.status === 'sent'));
  assert.deepEqual((await app.call('GET', '/api/messages?mailbox=nobody@contoso.com')).body.messages, []);
});

test('what is planned can be cancelled; what was sent cannot', async () => {
  const planned = await app.send(mailRequest({ sendAt: new Date(Date.now() + 3_600_000).toISOString() }));
  const cancelled = await app.call('DELETE', `/api/messages/${planned.body.id}`);
  assert.equal(cancelled.status, 200);
  assert.equal(cancelled.body.status, 'cancelled');
  assert.equal((await app.call('DELETE', `/api/messages/${planned.body.id}`)).status, 200);
  const sent = await app.send(mailRequest());
  await app.until(sent.body.id, ['sent']);
  const refused = await app.call('DELETE', `/api/messages/${sent.body.id}`);
  assert.equal(refused.status, 409);
  assert.equal(refused.body.code, 'not_cancellable');
  assert.equal((await app.call('POST', `/api/messages/${sent.body.id}/retry`)).status, 409);
});

test('sendAt a few seconds ahead is kept', async () => {
  const at = Date.now() + 4_000;
  const answer = await app.send(mailRequest({ sendAt: new Date(at).toISOString() }));
  const mail = await arrived(answer.body.id);
  assert.ok(mail.receivedAt.getTime() >= at - 50, `${mail.receivedAt.getTime() - at} ms early`);
});
