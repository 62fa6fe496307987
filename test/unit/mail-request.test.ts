import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseMailRequest } from '../../shared/domain/parse-mail-request.ts';
import { mailRequest, NOW_MS } from '../support/requests.ts';

const iso = (afterMs: number) => new Date(NOW_MS + afterMs).toISOString();
const DAY = 86_400_000;

const REFUSED: readonly (readonly [string, Record<string, unknown>, string])[] = [
  ['no from', mailRequest({ from: undefined }), '/from'],
  ['from is a number', mailRequest({ from: 7 }), '/from'],
  ['two in from', mailRequest({ from: 'a@contoso.com, b@contoso.com' }), '/from'],
  ['nobody', mailRequest({ to: [] }), '/to'],
  ['a bad address in a list', mailRequest({ to: ['ok@example.com', 'bad'] }), '/to/1'],
  ['an object without address', mailRequest({ cc: [{ name: 'x' }] }), '/cc/0/address'],
  [
    'a misspelt member of an address',
    mailRequest({ to: [{ adress: 'a@example.com', address: 'a@example.com' }] }),
    '/to/0/adress',
  ],
  [
    'line break in a name',
    mailRequest({ from: { address: 'a@contoso.com', name: 'A\r\nBcc: b@example.com' } }),
    '/from',
  ],
  ['line break in the subject', mailRequest({ subject: 'a\nBcc: b@example.com' }), '/subject'],
  ['NUL in the subject', mailRequest({ subject: 'a\u0000' }), '/subject'],
  ['line separator in the subject', mailRequest({ subject: 'a\u2028b' }), '/subject'],
  ['lone surrogate in the subject', mailRequest({ subject: 'a\ud800' }), '/subject'],
  ['subject too long', mailRequest({ subject: 'a'.repeat(999) }), '/subject'],
  ['NUL in the text', mailRequest({ text: 'a\u0000' }), '/text'],
  ['text is an array', mailRequest({ text: ['a'] }), '/text'],
  ['nothing to send', mailRequest({ text: undefined }), '/text'],
  ['unknown field', mailRequest({ Subject: 'x' }), '/Subject'],
  ['nodemailer field raw', mailRequest({ raw: 'x' }), '/raw'],
  ['nodemailer field envelope', mailRequest({ envelope: { to: 'eve@evil.example' } }), '/envelope'],
  ['nodemailer field auth', mailRequest({ auth: {} }), '/auth'],
  ['nodemailer field dkim', mailRequest({ dkim: {} }), '/dkim'],
  ['attachment by path', mailRequest({ attachments: [{ path: '/etc/passwd' }] }), '/attachments/0/path'],
  ['attachment by href', mailRequest({ attachments: [{ content: '', href: 'http://x' }] }), '/attachments/0/href'],
  ['attachment not base64', mailRequest({ attachments: [{ content: 'a b' }] }), '/attachments/0/content'],
  ['attachment base64url', mailRequest({ attachments: [{ content: 'a-_=' }] }), '/attachments/0/content'],
  ['attachment without content', mailRequest({ attachments: [{ filename: 'x' }] }), '/attachments/0/content'],
  ['attachment by blob over HTTP', mailRequest({ attachments: [{ contentBlob: 'x' }] }), '/attachments/0/contentBlob'],
  [
    'line break in a file name',
    mailRequest({ attachments: [{ filename: 'a\r\nX: y', content: '' }] }),
    '/attachments/0/filename',
  ],
  [
    'media type with a line break',
    mailRequest({ attachments: [{ contentType: 'a/b\r\nX: y', content: '' }] }),
    '/attachments/0/contentType',
  ],
  [
    'content id with brackets',
    mailRequest({ attachments: [{ contentId: '<a>', content: '' }] }),
    '/attachments/0/contentId',
  ],
  ['header Bcc', mailRequest({ headers: { Bcc: 'eve@evil.example' } }), '/headers/Bcc'],
  ['header From', mailRequest({ headers: { from: 'x' } }), '/headers/from'],
  ['header DKIM', mailRequest({ headers: { 'DKIM-Signature': 'x' } }), '/headers/DKIM-Signature'],
  ['own header', mailRequest({ headers: { 'X-Exosend-Id': 'x' } }), '/headers/X-Exosend-Id'],
  ['prepared header', mailRequest({ headers: { 'X-A': { prepared: true, value: 'x' } } }), '/headers/X-A'],
  ['header with a line break', mailRequest({ headers: { 'X-A': 'a\r\nBcc: x' } }), '/headers/X-A'],
  ['header name with a colon', mailRequest({ headers: { 'X-A: b\r\nBcc': 'a' } }), '/headers/X-A: b\r\nBcc'],
  ['header twice', mailRequest({ headers: { 'X-A': '1', 'x-a': '2' } }), '/headers/x-a'],
  ['metadata not text', mailRequest({ metadata: { order: 42 } }), '/metadata/order'],
  ['sendAt without offset', mailRequest({ sendAt: '2026-12-01T08:00:00' }), '/sendAt'],
  ['sendAt in the past', mailRequest({ sendAt: iso(-DAY) }), '/sendAt'],
  ['sendAt too far', mailRequest({ sendAt: iso(8 * DAY) }), '/sendAt'],
  ['expired already', mailRequest({ expiresAt: iso(-1) }), '/expiresAt'],
  ['expires before it is sent', mailRequest({ sendAt: iso(DAY), expiresAt: iso(DAY / 2) }), '/expiresAt'],
  ['unknown priority', mailRequest({ priority: 'urgent' }), '/priority'],
  ['unknown onUnknown', mailRequest({ onUnknown: 'retry' }), '/onUnknown'],
  ['key in the body over HTTP', mailRequest({ idempotencyKey: 'k' }), '/idempotencyKey'],
  ['mailbox is no address', mailRequest({ mailbox: 'billing' }), '/mailbox'],
  [
    'a member named like the prototype',
    JSON.parse('{"from":"a@contoso.com","to":"b@example.com","text":"x","__proto__":{"dryRun":true}}'),
    '/__proto__',
  ],
];

for (const [name, request, pointer] of REFUSED) {
  test(`refused, by its pointer: ${name}`, () => {
    const parsed = parseMailRequest(request, NOW_MS, 'http');
    assert.equal(parsed.ok, false);
    assert.equal(parsed.problem.status, 422);
    assert.equal(parsed.problem.code, 'request_invalid');
    assert.ok(
      parsed.problem.errors.some(error => error.pointer === pointer),
      JSON.stringify(parsed.problem.errors),
    );
  });
}

test('every fault of a request is named in one answer', () => {
  const parsed = parseMailRequest({ from: 'x', to: ['y', 'z'], subject: 5, nonsense: 1 }, NOW_MS, 'http');
  assert.ok(!parsed.ok);
  assert.deepEqual(parsed.problem.errors.map(error => error.pointer).sort(), [
    '/from',
    '/nonsense',
    '/subject',
    '/to/0',
    '/to/1',
  ]);
});

test('defaults and all fields of a full request', () => {
  const parsed = parseMailRequest(
    {
      from: 'Contoso Billing <billing@contoso.com>',
      to: ['a@example.com', { name: 'Bo', address: 'b@example.com' }],
      cc: 'c@example.com',
      bcc: [],
      replyTo: { address: 'r@example.com' },
      subject: 'Invoice 42',
      text: '…',
      html: '<b>…</b>',
      attachments: [
        {
          filename: '42.pdf',
          contentType: 'application/pdf; name="42.pdf"',
          content: 'JVBE\r\nRi0=',
          contentId: 'logo',
          disposition: 'inline',
        },
      ],
      headers: { 'X-Order': '42', 'List-Unsubscribe': '<https://contoso.com/u>', References: '<a@b>' },
      priority: 'low',
      metadata: { order: '42' },
      sendAt: iso(DAY),
      expiresAt: iso(2 * DAY),
      onUnknown: 'hold',
      mailbox: 'billing@contoso.com',
      dryRun: true,
    },
    NOW_MS,
    'http',
  );
  assert.ok(parsed.ok, JSON.stringify(parsed));
  assert.deepEqual(parsed.value.from, { address: 'billing@contoso.com', name: 'Contoso Billing' });
  assert.deepEqual(parsed.value.cc, [{ address: 'c@example.com' }]);
  assert.equal(parsed.value.sendAt, NOW_MS + DAY);
});

test('whatever JSON comes, the answer is a mail or a refusal with pointers, never a throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (value, other) => {
      for (const input of [
        value,
        mailRequest({ to: value as never, headers: other as never }),
        mailRequest({ attachments: value as never, metadata: other as never }),
      ]) {
        const parsed = parseMailRequest(input, NOW_MS, 'queue');
        if (!parsed.ok) assert.ok(parsed.problem.errors.length > 0);
      }
    }),
  );
});
