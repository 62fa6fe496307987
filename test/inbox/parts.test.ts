import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attachmentDisposition, safeFileName } from '../../local/inbox/part-headers.ts';
import { inboxForTest } from './inbox-harness.ts';
import { addMail, multipart } from './mails.ts';

const file = (name: string, type: string, content: string): string[] => [
  `Content-Type: ${type}`,
  `Content-Disposition: attachment; ${name}`,
  'Content-Transfer-Encoding: base64',
  '',
  Buffer.from(content).toString('base64'),
];

test('parts are downloads under a harmless name, whatever the mail says', async t => {
  const { store, get, details } = await inboxForTest(t);
  const mail = addMail(
    store,
    multipart('mixed', 'b', [
      file('filename="../../etc/passwd"', 'text/html', '<script>alert(1)</script>'),
      file(`filename*=utf-8''a%0D%0ASet-Cookie%3A%20x%3D1%22%3B.txt`, 'image/svg+xml', '<svg onload=alert(1)/>'),
      file(`filename*=utf-8''%E2%80%AEfdp.exe`, 'image/png', 'png'),
      file('filename="..."', 'text/plain', 'nameless'),
    ]),
  );
  const answers = await Promise.all([0, 1, 2, 3].map(index => get(`/api/mails/${mail.id}/parts/${index}`)));
  assert.deepEqual(
    answers.map(({ headers }) => headers.get('content-disposition')),
    [
      `attachment; filename="passwd"; filename*=UTF-8''passwd`,
      `attachment; filename="aSet-Cookie_ x=1_;.txt"; filename*=UTF-8''aSet-Cookie_%20x%3D1_%3B.txt`,
      `attachment; filename="fdp.exe"; filename*=UTF-8''fdp.exe`,
      `attachment; filename="part-4"; filename*=UTF-8''part-4`,
    ],
  );
  assert.deepEqual(
    answers.map(({ headers }) => headers.get('content-type')),
    ['application/octet-stream', 'application/octet-stream', 'image/png', 'application/octet-stream'],
  );
  for (const { headers } of answers) {
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'; sandbox/);
    assert.equal(headers.get('set-cookie'), null);
  }
  assert.equal(await answers[0]?.text(), '<script>alert(1)</script>');
  assert.equal((await details(mail.id)).attachments[0]?.filename, '../../etc/passwd', 'shown as it came, as text');
});

test('names keep their letters and lose what could mislead', () => {
  assert.equal(safeFileName('C:\\temp\\Übersicht 2026.pdf'), 'Übersicht 2026.pdf');
  assert.equal(safeFileName('a\u202Egpj.exe\u0000'), 'agpj.exe');
  assert.equal(safeFileName('.bashrc'), 'bashrc');
  assert.equal(safeFileName('x'.repeat(500)).length, 150);
  assert.equal(safeFileName('/'), '');
  assert.equal(
    attachmentDisposition("Ü's (1).pdf"),
    `attachment; filename="_'s (1).pdf"; filename*=UTF-8''%C3%9C%27s%20%281%29.pdf`,
  );
});

test('the source is a download of the very bytes', async t => {
  const { store, get } = await inboxForTest(t);
  const raw = Buffer.from([0x53, 0x3a, 0x0d, 0x0a, 0x0d, 0x0a, 0xff, 0x00]);
  const response = await get(`/api/mails/${addMail(store, raw).id}/raw`);
  assert.equal(response.headers.get('content-type'), 'message/rfc822');
  assert.match(response.headers.get('content-disposition') ?? '', /^attachment; filename="mail-/);
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), raw);
});

test('what does not exist is a 404', async t => {
  const { store, url, get } = await inboxForTest(t);
  const { id } = addMail(store, ['', 'x']);
  const paths = [
    '/api',
    '/api/mails/none',
    `/api/mails/${id}/parts/0`,
    `/api/mails/${id}/parts/-1`,
    `/api/mails/${id}/other`,
  ];
  for (const path of [...paths, '/../package.json', '/%2e%2e/x', `/api/mails/${id}/parts/__proto__`]) {
    assert.equal((await get(path)).status, 404, path);
  }
  assert.equal((await fetch(`${url}/api/mails/${id}`, { method: 'POST' })).status, 404);
});
