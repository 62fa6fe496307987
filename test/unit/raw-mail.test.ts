import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BodyFacts, MailTooLargeError, normaliseBody } from '../../shared/domain/mail-body.ts';
import { parseHead, RawMailError, rawEnvelope, rewriteHead, splitHead } from '../../shared/domain/raw-mail.ts';

async function* chunked(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

async function normalise(
  text: string | Uint8Array,
  size = 7,
  maxBytes = 1e6,
): Promise<{ text: string; facts: BodyFacts }> {
  const facts: BodyFacts = { bytes: 0, eightBit: false };
  const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
  return { text: (await collect(normaliseBody(chunked(bytes, size), facts, maxBytes))).toString('latin1'), facts };
}

test('every line break becomes CRLF, wherever the chunks are cut', async () => {
  for (const size of [1, 2, 3, 1000]) {
    assert.equal((await normalise('a\nb\r\nc\rd\n\re\r\r\n\n', size)).text, 'a\r\nb\r\nc\r\nd\r\n\r\ne\r\n\r\n\r\n');
  }
});

test('no bare CR or LF passes, and clean text passes unchanged', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('a', '.', '\r', '\n', '\r\n', 'ü')),
      fc.integer({ min: 1, max: 5 }),
      async (parts, size) => {
        const { text, facts } = await normalise(parts.join(''), size);
        assert.doesNotMatch(text.replaceAll('\r\n', ''), /[\r\n]/);
        assert.equal((await normalise(text, 3)).text, text);
        assert.equal(facts.bytes, text.length);
        assert.equal(facts.eightBit, text.includes('ü'));
      },
    ),
  );
});

/** The same in one piece and by the plainest means. */
function reference(bytes: Buffer, maxBytes: number): { text: string; facts: BodyFacts } | string {
  const text = bytes.toString('latin1').replace(/\r\n|\r|\n/g, '\r\n');
  if (/\0|[^\r\n]{999}/.test(text)) return 'RawMailError';
  if (text.length > maxBytes) return 'MailTooLargeError';
  return { text, facts: { bytes: text.length, eightBit: /[\x80-\xff]/.test(text) } };
}

test('the body is what a plain replacement gives, wherever the chunks are cut', async () => {
  const parts = fc.array(
    fc.oneof(fc.constantFrom('\r', '\n', '\r\n', '\n\r', '\r\r\n', '.', 'line\r\n', 'ü'), {
      weight: 1,
      arbitrary: fc.constantFrom('a'.repeat(499), 'b'.repeat(998), '\0'),
    }),
    { maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(parts, fc.integer({ min: 1, max: 60 }), async (body, size) => {
      const bytes = Buffer.from(body.join(''), 'latin1');
      const before = Buffer.from(bytes);
      const found = await normalise(bytes, size, 5000).catch((error: Error) => error.name);
      const expected = reference(bytes, 5000);
      // Which of two faults is met first depends on the chunks.
      if (typeof expected === 'string') assert.match(String(found), /^(RawMail|MailTooLarge)Error$/);
      else assert.deepEqual(found, expected);
      assert.deepEqual(bytes, before, 'what was passed in is not written to');
    }),
    { numRuns: 500 },
  );
});

test('a clean chunk is passed on without a copy', async () => {
  const chunk = Buffer.from('line\r\n'.repeat(1000));
  for await (const out of normaliseBody(chunked(chunk, chunk.length), { bytes: 0, eightBit: false }, 1e6))
    assert.equal(out.buffer, chunk.buffer);
});

test('NUL, long lines and too many bytes are refused while reading', async () => {
  await assert.rejects(normalise('a\u0000b'), RawMailError);
  await assert.rejects(normalise('a'.repeat(999)), RawMailError);
  assert.equal((await normalise(`${'a'.repeat(998)}\n`)).facts.bytes, 1000);
  await assert.rejects(normalise('a'.repeat(101), 10, 100), MailTooLargeError);
});

test('the head ends at the first empty line, CRLF or LF, wherever the chunks are cut', async () => {
  for (const mail of ['A: b\r\nC: d\r\n\r\nbody\r\n\r\nmore', 'A: b\nC: d\n\nbody\n\nmore']) {
    for (const size of [1, 2, 5, 100]) {
      const { head, rest } = await splitHead(chunked(Buffer.from(mail), size));
      const body = (await collect(rest)).toString();
      assert.equal(head + body, mail);
      assert.match(body, /^body/);
    }
  }
});

test('a head without end is refused before it fills the memory', async () => {
  await assert.rejects(splitHead(chunked(Buffer.alloc(400_000, 'a'), 4096)), RawMailError);
});

const head = (text: string) => parseHead(text.replaceAll('\n', '\r\n'));

test('what does not start with a header is refused', () => {
  for (const text of ['', 'hello', 'From x@y Mon Jan 1\nTo: a@b.co', ' folded: x', 'A B: c', 'To: a\u0000@b.co']) {
    assert.equal(head(text).ok, false, text);
  }
});

function envelopeOf(text: string, query: Parameters<typeof rawEnvelope>[1] = {}) {
  const fields = head(text);
  assert.ok(fields.ok, JSON.stringify(fields));
  return rawEnvelope(fields.value, query);
}

test('the envelope comes from From, To, Cc and Bcc, each address once', () => {
  const envelope = envelopeOf(
    'From: "B, A" <a@contoso.com>\nTo: x@example.com,\n "Y, y" <y@example.com>\nCc: X@example.com\nBcc: z@example.com\n',
  );
  assert.ok(envelope.ok, JSON.stringify(envelope));
  assert.deepEqual(envelope.value, {
    from: 'a@contoso.com',
    envelopeFrom: 'a@contoso.com',
    recipients: ['x@example.com', 'y@example.com', 'z@example.com'],
  });
});

test('the query replaces the envelope, not the author', () => {
  const envelope = envelopeOf('From: a@contoso.com\nTo: undisclosed-recipients:;\n', {
    from: 'bounce@contoso.com',
    to: ['q@example.com, r@example.com', 's@example.com'],
  });
  assert.ok(envelope.ok);
  assert.deepEqual(envelope.value, {
    from: 'a@contoso.com',
    envelopeFrom: 'bounce@contoso.com',
    recipients: ['q@example.com', 'r@example.com', 's@example.com'],
  });
});

test('none or several From, groups and nobody are refused', () => {
  for (const text of [
    'To: a@example.com',
    'From: a@contoso.com\nFrom: b@contoso.com\nTo: a@example.com',
    'From: a@contoso.com, b@contoso.com\nTo: a@example.com',
    'From: a@contoso.com\n',
    'From: a@contoso.com\nTo: undisclosed-recipients:;',
    'From: a@contoso.com\nTo: friends: x@example.com, y@example.com;',
    'From: a@contoso.com (Ann)\nTo: a@example.com',
  ]) {
    assert.equal(envelopeOf(text).ok, false, text);
  }
});

test('Bcc and our own headers are taken out, what is missing is added, the rest stands as it was', () => {
  const fields = head(
    'Bcc: secret@example.com,\n more@example.com\nFrom: a@contoso.com\nX-Exosend-Id: forged\nX-Long: one\n two\nSubject: =?utf-8?q?=C3=A4?=\n',
  );
  assert.ok(fields.ok);
  const text = rewriteHead(fields.value, {
    id: 'ID',
    messageIdHeader: '<ID@contoso.com>',
    dateMs: Date.UTC(2026, 10, 21),
  }).toString();
  assert.equal(
    text,
    'X-Exosend-Id: ID\r\nFrom: a@contoso.com\r\nX-Long: one\r\n two\r\nSubject: =?utf-8?q?=C3=A4?=\r\nDate: Sat, 21 Nov 2026 00:00:00 +0000\r\nMessage-ID: <ID@contoso.com>\r\n\r\n',
  );
});
