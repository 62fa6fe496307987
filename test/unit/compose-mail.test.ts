import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { composeMail, mailTree } from '../../shared/adapters/mime/compose-mail.ts';
import { renderMail } from '../../shared/adapters/mime/render-mail.ts';
import type { ComposeInput } from '../../shared/domain/content-ports.ts';
import { parseMailRequest } from '../../shared/domain/parse-mail-request.ts';
import { mailRequest, NOW_MS } from '../support/requests.ts';

const ID = '01KAM0TESTTESTTESTTESTTEST';

/** As the use case hands it over; undefined when the request is refused before. */
function inputOf(changes: Readonly<Record<string, unknown>>): ComposeInput | undefined {
  const parsed = parseMailRequest(mailRequest(changes), NOW_MS, 'http');
  if (!parsed.ok) return undefined;
  const attachments = parsed.value.attachments.map(({ content = '', ...rest }) => ({
    ...rest,
    content: Buffer.from(content, 'base64'),
  }));
  return { id: ID, request: parsed.value, attachments, dateMs: NOW_MS, messageIdHeader: `<${ID}@contoso.com>` };
}

/** What nodemailer makes of it, and what we do: two trees, since building changes one. */
async function bothOf(input: ComposeInput) {
  return { theirs: await mailTree(input).build(), ours: renderMail(mailTree(input)) };
}

const text = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'grapheme', maxLength: 200 }) },
  fc
    .array(
      fc.constantFrom(
        ...[
          'word ',
          'ünïcödé',
          '値',
          '🎉',
          '👨‍👩‍👧',
          '=',
          '=3D',
          '.',
          '\t',
          ' ',
          '\r\n',
          '\n',
          '\r',
          '\r\n\r\n',
          '\u2028',
          '\u007f',
          '\u0001',
        ],
        ...[
          'From x',
          '--_NmP-01kam0testtesttesttesttest-Part_1',
          'x'.repeat(75),
          'x'.repeat(76),
          'ü'.repeat(40),
          'x '.repeat(600),
        ],
      ),
      { maxLength: 30 },
    )
    .map(parts => parts.join('')),
  fc.constantFrom('a'.repeat(65_536), 'ü'.repeat(32_769), 'Привет, '.repeat(5000), `${'line\n'.repeat(20_000)}`, ''),
);
const line = fc.string({ unit: 'grapheme', maxLength: 120 }).map(value => value.replace(/\p{Cc}/gu, ''));
const mailbox = fc
  .tuple(
    line,
    fc.constantFrom(
      'ada@example.com',
      'jürgen@exämple.com',
      '用户@例え.jp',
      'info@müller.example',
      '"a b"@example.com',
      'x@[192.0.2.1]',
    ),
  )
  .map(([name, address]) => ({ name, address }));
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const attachment = fc.record(
  {
    content: fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes).toString('base64')),
    filename: fc.constantFrom('a.pdf', 'ä "quoted".txt', 'mail.eml'),
    contentType: fc.constantFrom('text/plain', 'text/html; charset=utf-8', 'image/png', 'message/rfc822'),
    contentId: fc.constantFrom('logo', 'logo@contoso.com'),
    disposition: fc.constantFrom('attachment', 'inline'),
  },
  { requiredKeys: ['content'] },
);
const request = fc.record({
  from: mailbox,
  to: fc.array(mailbox, { maxLength: 4 }),
  cc: fc.array(mailbox, { maxLength: 2 }),
  replyTo: fc.array(mailbox, { maxLength: 1 }),
  subject: line,
  text: optional(text),
  html: optional(text),
  headers: fc.dictionary(fc.constantFrom('X-One', 'X-Two', 'References', 'List-Id'), line.filter(Boolean)),
  priority: fc.constantFrom('high', 'normal'),
  attachments: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, fc.array(attachment, { maxLength: 2 })),
});

test('a mail is composed to the very bytes that nodemailer builds', async () => {
  const counts = { taken: 0, rendered: 0 };
  await fc.assert(
    fc.asyncProperty(request, async changes => {
      const input = inputOf(changes);
      if (!input) return;
      counts.taken++;
      const { theirs, ours } = await bothOf(input);
      if (ours) {
        counts.rendered++;
        assert.equal(ours.toString('latin1'), theirs.toString('latin1'));
      }
      assert.deepEqual(await composeMail(input), theirs);
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 900) },
  );
  assert.ok(counts.taken > 50 && counts.rendered > counts.taken / 3, JSON.stringify(counts));
});

test('short texts are rendered at once; attachments and long texts are left to nodemailer', async () => {
  for (const [changes, isRendered] of [
    [{}, true],
    [{ html: '<p>ü</p>' }, true],
    [{ text: 'Привет' }, true],
    [{ text: 'ü'.repeat(40_000) }, false],
    [{ text: 'ends in a blank ' }, false],
    [{ attachments: [{ content: 'aGk=', filename: 'a.txt' }] }, false],
    [{ html: '<img src="cid:logo">', attachments: [{ content: 'aGk=', contentId: 'logo' }] }, false],
  ] as const) {
    const input = inputOf(changes);
    assert.ok(input, JSON.stringify(changes));
    const { theirs, ours } = await bothOf(input);
    assert.equal(ours !== undefined, isRendered, JSON.stringify(changes).slice(0, 80));
    assert.deepEqual(ours ?? theirs, theirs);
  }
});

test('line breaks are CRLF throughout, and the same request gives the same bytes', async () => {
  const input = inputOf({ text: 'a\nb\r\nc', html: '<p>\n</p>' });
  assert.ok(input);
  const mail = (await composeMail(input)).toString('latin1');
  assert.doesNotMatch(mail.replaceAll('\r\n', ''), /[\r\n]/);
  assert.equal((await composeMail(input)).toString('latin1'), mail);
});

test('an attachment cannot bring an unencoded part into the mail', async () => {
  const binary = Buffer.concat([Buffer.from('a'.repeat(1200)), Buffer.from([0, 255, 10])]);
  for (const contentType of ['message/rfc822', 'Multipart/mixed; boundary=x']) {
    const input = inputOf({});
    assert.ok(input);
    const mail = Buffer.from(
      await composeMail({ ...input, attachments: [{ content: binary, filename: 'a.eml', contentType }] }),
    );
    assert.ok(!mail.includes(0));
    assert.ok(
      mail
        .toString('latin1')
        .split('\r\n')
        .every(line => line.length <= 998),
    );
    assert.match(mail.toString('latin1'), /application\/octet-stream/);
  }
});
