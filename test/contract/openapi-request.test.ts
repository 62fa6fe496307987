import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { openApiDocument } from '../../functions/openapi/document.ts';
import { isCallerHeader } from '../../shared/domain/caller-headers.ts';
import { parseMailRequest } from '../../shared/domain/parse-mail-request.ts';
import { mailRequest, NOW_MS } from '../support/requests.ts';
import { fits } from './openapi-reader.ts';

const document = openApiDocument();
const schema = { $ref: '#/components/schemas/MailRequest' };

describe('the schema of a mail request', () => {
  const pdf = { filename: '42.pdf', contentType: 'application/pdf', content: 'JVBERi0xLjQK' };

  const taken: Record<string, Record<string, unknown>> = {
    'the smallest': {},
    'one recipient as an object': { to: { name: 'Ada', address: 'ada@example.com' } },
    'a list of both forms': {
      to: ['Ada <ada@example.com>', { address: 'bo@example.com' }],
      cc: [],
      bcc: 'x@example.com',
    },
    'a name with an @ in quotes': { to: '"a@b, c" <ada@example.com>' },
    'an address beyond ASCII': { to: 'zoë@bücher.example' },
    'an attachment': { attachments: [pdf] },
    'an attachment in lines': { attachments: [{ content: 'JVBE\r\nRi0xLjQK\r\n' }] },
    'an empty attachment': { attachments: [{ content: '' }] },
    'times with an offset': { sendAt: '2026-11-22T08:00:00+01:00', expiresAt: '2026-11-23T00:00:00.5Z' },
    headers: { headers: { 'X-Order': '42', 'list-unsubscribe': '<https://example.com>', IMPORTANCE: 'low' } },
    'everything else': {
      priority: 'low',
      metadata: { order: '42' },
      onUnknown: 'hold',
      mailbox: 'a@contoso.com',
      dryRun: true,
    },
  };
  for (const [name, changes] of Object.entries(taken)) {
    test(`takes what the app takes: ${name}`, () => {
      const request = mailRequest(changes);
      assert.ok(parseMailRequest(request, NOW_MS, 'http').ok);
      assert.deepEqual(fits(document, schema, request), []);
    });
  }

  const refused: Record<string, Record<string, unknown>> = {
    'no from': { from: undefined },
    'an unknown field': { colour: 'red' },
    'a field of the queue': { idempotencyKey: 'k' },
    'a blob of the queue': { attachments: [{ contentBlob: 'a.pdf' }] },
    'an attachment without content': { attachments: [{ filename: 'a.pdf' }] },
    'content that is not base64': { attachments: [{ content: 'käse' }] },
    'a path in an attachment': { attachments: [{ ...pdf, path: '/etc/passwd' }] },
    'a number as recipient': { to: 42 },
    'no @': { to: 'nobody' },
    'an empty recipient': { to: '' },
    'a recipient in two lines': { to: 'ada@example.com\r\nBcc: x@example.com' },
    'a second line in the subject': { subject: 'a\r\nBcc: x@example.com' },
    'a subject too long': { subject: 'x'.repeat(999) },
    'a header that is ours': { headers: { 'X-Exosend-Id': '1' } },
    'a header that is nobody’s': { headers: { Bcc: 'x@example.com' } },
    'an empty header': { headers: { 'X-A': '' } },
    'too many headers': { headers: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`X-${n}`, 'a'])) },
    'metadata that is no text': { metadata: { order: 42 } },
    'a time without offset': { sendAt: '2026-11-22T08:00:00' },
    'a day': { sendAt: '2026-11-22' },
    'an unknown priority': { priority: 'urgent' },
    'a word for true': { dryRun: 'true' },
    'a mailbox that is none': { mailbox: 'billing' },
  };
  for (const [name, changes] of Object.entries(refused)) {
    test(`refuses what the app refuses: ${name}`, () => {
      const request = JSON.parse(JSON.stringify(mailRequest(changes))) as unknown;
      assert.ok(!parseMailRequest(request, NOW_MS, 'http').ok);
      assert.notDeepEqual(fits(document, schema, request), []);
    });
  }

  test('names of headers are judged as the app judges them', () => {
    const pattern = new RegExp(
      document.components.schemas['MailRequest']?.properties?.['headers']?.propertyNames?.pattern ?? '',
      'u',
    );
    const names = ['X-A', 'x-a', 'X-', 'X-Exosend-Id', 'x-exosend-id', 'X-EXOSEND', 'List-Id', 'LIST-', 'In-Reply-To'];
    const others = [
      'references',
      'Auto-submitted',
      'importance',
      'Bcc',
      'Sender',
      'Content-Type',
      'X-ä',
      'X-a b',
      'XX-A',
      '',
    ];
    for (const name of [...names, ...others, `X-${'a'.repeat(74)}`, `X-${'a'.repeat(75)}`])
      assert.equal(pattern.test(name), isCallerHeader(name), name);
  });

  test('never refuses what the app takes', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('', ' ', '\n', '\u2028', '\ud800'),
    );
    const address = fc.oneof(
      fc.emailAddress(),
      fc.tuple(text, fc.domain()).map(([local, domain]) => `${local}@${domain}`),
      fc.constantFrom('zoë@bücher.example', ' a@b.example ', '\na@b.example', 'a@b.example\t', 'a@b@c.example'),
    );
    const mailbox = fc.oneof(
      address,
      fc.tuple(text, address).map(([name, of]) => `${name} <${of}>`),
      fc.tuple(text, address).map(([name, of]) => `"${name}" <${of}>`),
      fc.record({ address, name: text }, { requiredKeys: ['address'] }),
    );
    const list = fc.oneof(mailbox, fc.array(mailbox, { maxLength: 3 }));
    const name = fc.oneof(
      text,
      text.map(end => `X-${end}`),
      fc.constantFrom('List-Id', 'references', 'X-Exosend-A'),
    );
    const base64 = fc.oneof(
      fc.base64String(),
      text,
      fc.constantFrom('QQ==', 'QQ=\n=', '\r\n', 'QUJD\n', '====', 'Q==='),
    );
    const fields: Record<string, fc.Arbitrary<unknown>> = {
      from: mailbox,
      to: list,
      cc: list,
      replyTo: list,
      subject: text,
      text,
      html: text,
      attachments: fc.array(
        fc.record({ content: base64, filename: text, contentId: text }, { requiredKeys: ['content'] }),
        { maxLength: 2 },
      ),
      headers: fc.dictionary(name, text, { maxKeys: 2 }),
      metadata: fc.dictionary(text, text, { maxKeys: 2 }),
      sendAt: fc.constantFrom('2026-11-22T08:00:00Z', '2026-11-22T08:00:00.123456+14:00', '2026-11-22t08:00:00z'),
      mailbox: address,
    };
    let taken = 0;
    // One field at a time is hostile: with several, hardly anything would be taken.
    const changes = fc.oneof(...Object.entries(fields).map(([key, value]) => value.map(some => ({ [key]: some }))));
    fc.assert(
      fc.property(changes, change => {
        const request = JSON.parse(JSON.stringify(mailRequest(change))) as unknown;
        if (!parseMailRequest(request, NOW_MS, 'http').ok) return;
        taken++;
        assert.deepEqual(fits(document, schema, request), []);
      }),
      { numRuns: 3000 },
    );
    assert.ok(taken > 300, `${taken} of 3000 were taken`);
  });
});
