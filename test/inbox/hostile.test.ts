import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inboxForTest } from './inbox-harness.ts';
import { addMail, multipart, plainMail } from './mails.ts';

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

test('the HTML of a mail is served with no way to run, send or load anything', async t => {
  const { store, get } = await inboxForTest(t);
  const mail = addMail(store, [
    'Content-Type: text/html; charset=utf-8',
    '',
    '<script>alert(1)</script><img src=x onerror=alert(2)><base href="https://evil.example/"><form action=/x>',
  ]);
  const response = await get(`/api/mails/${mail.id}/html`);
  const csp = response.headers.get('content-security-policy') ?? '';
  const rules = new Map(csp.split('; ').map(rule => [rule.split(' ', 1)[0] ?? '', rule.split(' ').slice(1).join(' ')]));
  assert.equal(rules.get('sandbox'), 'allow-popups allow-popups-to-escape-sandbox');
  assert.equal(rules.get('default-src'), "'none'");
  assert.equal(rules.get('img-src'), 'data:');
  assert.equal(rules.get('form-action'), "'none'");
  assert.equal(rules.get('base-uri'), "'none'");
  assert.ok(!rules.has('script-src') && !rules.has('connect-src'), 'nothing wider than default-src');
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(response.headers.get('referrer-policy'), 'no-referrer');
});

test('cid: images become the parts that they name; nothing else of a mail becomes a document', async t => {
  const { store, get } = await inboxForTest(t);
  const mail = addMail(
    store,
    multipart('related', 'b', [
      [
        'Content-Type: text/html',
        '',
        '<html><head><title>x</title></head><img src="cid:logo%40x"><img src=CID:page><img src="cid:none">',
      ],
      ['Content-Type: image/png', 'Content-ID: <logo@x>', 'Content-Transfer-Encoding: base64', '', PIXEL],
      [
        'Content-Type: text/html',
        'Content-ID: <page>',
        'Content-Disposition: inline; filename=p.html',
        '',
        '<script>1</script>',
      ],
    ]),
  );
  const html = await (await get(`/api/mails/${mail.id}/html`)).text();
  assert.ok(html.includes(`<img src="data:image/png;base64,${PIXEL}">`));
  assert.ok(html.includes('src=CID:page') && html.includes('src="cid:none"'));
  assert.ok(html.includes('<head><base target="_blank"><title>'));
});

test('markup in a subject or an address stays text', async t => {
  const { store, details, get } = await inboxForTest(t);
  const subject = '</title><script>alert("x")</script>';
  const mail = addMail(store, plainMail(subject, 'x', '"<img src=x onerror=alert(1)>" <a@contoso.com>'));
  assert.equal((await details(mail.id)).subject, subject);
  assert.match((await get('/api/mails')).headers.get('content-type') ?? '', /^application\/json/);
});

test('charsets: declared, encoded words, unknown ones and plain wrong bytes', async t => {
  const { store, details } = await inboxForTest(t);
  const latin = addMail(
    store,
    Buffer.concat([
      Buffer.from(
        'Subject: =?iso-8859-1?Q?Gr=FC=DFe?= =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=\r\nContent-Type: text/plain; charset=windows-1252\r\n\r\n',
      ),
      Buffer.from([0x80, 0x20, 0xfc]),
    ]),
  );
  const first = await details(latin.id);
  assert.deepEqual([first.subject, first.text.trim()], ['Grüße日本', '€ ü']);
  assert.equal(first.headers[0]?.value, 'Grüße日本');
  const unknown = addMail(
    store,
    Buffer.concat([
      Buffer.from('Subject: =?x-nowhere?B?aGk=?=\r\nContent-Type: text/plain; charset="x-nowhere"\r\n\r\n'),
      Buffer.from([0xff, 0xfe, 0x00, 0x41]),
    ]),
  );
  const second = await details(unknown.id);
  assert.equal(second.problem, undefined);
  assert.ok(second.text.includes('A'));
});

test('nesting: deep but sane parts are found, an absurd depth is told and does not stop the list', async t => {
  const { store, details, list, get } = await inboxForTest(t);
  const nest = (depth: number): string[] =>
    depth === 0
      ? ['Content-Type: application/pdf', 'Content-Disposition: attachment; filename=deep.pdf', '', 'x']
      : multipart('mixed', `b${depth}`, [['Content-Type: text/plain', '', `level ${depth}`], nest(depth - 1)]);
  const sane = await details(addMail(store, nest(20)).id);
  assert.equal(sane.attachments[0]?.filename, 'deep.pdf');
  const absurd = addMail(store, ['Subject: =?utf-8?q?=C3=A4?=', ...nest(400)]);
  const { problem, subject, text } = await details(absurd.id);
  assert.match(problem ?? '', /nesting|depth/i);
  assert.deepEqual([subject, text], ['ä', '']);
  assert.equal((await list()).mails.length, 2);
  assert.equal(Number((await get(`/api/mails/${absurd.id}/raw`)).headers.get('content-length')), absurd.raw.length);
});

test('what is no mail at all is shown as it is', async t => {
  const { store, details, list } = await inboxForTest(t);
  for (const raw of [
    '',
    '\r\n',
    '\0\xff\xfe',
    'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x',
    ':\r\n: \r\n',
  ]) {
    assert.equal(typeof (await details(addMail(store, Buffer.from(raw, 'latin1')).id)).text, 'string');
  }
  assert.equal((await list()).total, 5);
});

test('a mail within a mail is a file, not part of the text', async t => {
  const { store, details } = await inboxForTest(t);
  const mail = addMail(
    store,
    multipart('mixed', 'b', [
      ['Content-Type: text/plain', '', 'outer'],
      ['Content-Type: message/rfc822', '', 'Subject: inner', '', 'secret inner text'],
    ]),
  );
  const { text, attachments } = await details(mail.id);
  assert.equal(text.trim(), 'outer');
  assert.equal(attachments[0]?.contentType, 'message/rfc822');
});
