import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { capabilitiesOf, capabilityChanges, offers } from '../../shared/domain/probe-capabilities.ts';
import { type NextReply, replyText, type SmtpReply, smtpReplyReader } from '../../shared/domain/probe-smtp-reply.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 60 }).map(value => value.replace(/[\r\n]/g, ' '));
const reply: fc.Arbitrary<SmtpReply> = fc.record(
  {
    code: fc.integer({ min: 200, max: 599 }),
    lines: fc.array(text, { minLength: 1, maxLength: 12 }),
  },
  { noNullPrototype: true },
);

/** A reply as servers write it; one without text in its last line as Exchange's bare `334`. */
function wireOf({ code, lines }: SmtpReply): string {
  return lines
    .map((line, index) => {
      const isLast = index === lines.length - 1;
      return isLast && line === '' ? `${code}\r\n` : `${code}${isLast ? ' ' : '-'}${line}\r\n`;
    })
    .join('');
}

function readAll(chunks: readonly Uint8Array[]): { found: NextReply[]; hasRest: boolean } {
  const reader = smtpReplyReader();
  const found: NextReply[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let next = reader.next(); next; next = reader.next()) {
      found.push(next);
      if (next.kind === 'broken') return { found, hasRest: reader.hasRest() };
    }
  }
  return { found, hasRest: reader.hasRest() };
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (let index = 0; at < bytes.length; index++) {
    const end = at + (sizes[index % sizes.length] ?? 1);
    chunks.push(bytes.subarray(at, end));
    at = end;
  }
  return chunks;
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });

describe('SMTP replies', () => {
  test('are the same however the network cuts or joins them', () => {
    fc.assert(
      fc.property(fc.array(reply, { maxLength: 6 }), sizes, (replies, pieces) => {
        const { found, hasRest } = readAll(cut(Buffer.from(replies.map(wireOf).join('')), pieces));
        assert.deepEqual(
          found.map(next => next?.kind === 'reply' && next.reply),
          replies,
        );
        assert.equal(hasRest, false);
      }),
    );
  });

  test('an unfinished one is awaited, and shows as unread bytes', () => {
    fc.assert(
      fc.property(reply, fc.nat(), (one, at) => {
        const bytes = Buffer.from(wireOf(one));
        const end = at % bytes.length;
        const { found, hasRest } = readAll([bytes.subarray(0, end)]);
        assert.deepEqual(found, []);
        assert.equal(hasRest, end > 0);
      }),
    );
  });

  test('whatever else comes is called broken or awaited, never taken for a reply, and memory is bounded', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), chunks => {
        for (const next of readAll(chunks).found) {
          assert.ok(next);
          if (next.kind === 'reply') assert.ok(next.reply.code >= 200 && next.reply.code <= 599);
          else assert.ok(next.line.length <= 200);
        }
      }),
    );
  });

  for (const [name, wire] of [
    ['another code within one reply', '250-first\r\n251 second\r\n'],
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n'],
    ['a code out of range', '199 hm\r\n'],
    ['a code that runs on', '2500 OK\r\n'],
    ['an endless line', 'x'.repeat(5_000)],
    ['endless lines', '250-x\r\n'.repeat(300)],
  ] as const) {
    test(`${name} is broken`, () => {
      assert.equal(readAll([Buffer.from(wire)]).found.at(-1)?.kind, 'broken');
    });
  }

  test('a bare line feed ends a line, too', () => {
    const { found } = readAll([Buffer.from('250-a\n250 b\n')]);
    assert.deepEqual(found, [{ kind: 'reply', reply: { code: 250, lines: ['a', 'b'] } }]);
  });

  test('the text names the code once', () => {
    assert.equal(
      replyText({ code: 535, lines: ['5.7.3 Authentication', 'unsuccessful'] }),
      '535 5.7.3 Authentication unsuccessful',
    );
    assert.equal(replyText({ code: 334, lines: [''] }), '334');
  });
});

describe('Extensions', () => {
  const ehlo = { code: 250, lines: ['AM0PR04 Hello [1.2.3.4]', 'SIZE 157286400', 'auth login xoauth2', 'STARTTLS'] };
  test('are read without the line that greets, and found by keyword and parameter', () => {
    const found = capabilitiesOf(ehlo);
    assert.deepEqual(found, ['SIZE 157286400', 'AUTH LOGIN XOAUTH2', 'STARTTLS']);
    assert.ok(offers(found, 'STARTTLS') && offers(found, 'AUTH', 'XOAUTH2') && offers(found, 'SIZE'));
    assert.ok(!offers(found, 'AUTH', 'PLAIN') && !offers(found, 'LOGIN') && !offers(found, 'SMTPUTF8'));
  });
  test('changes are told, and no change is silence', () => {
    assert.equal(capabilityChanges(['A', 'B'], ['B', 'A']), '');
    assert.equal(
      capabilityChanges(['SIZE 1', 'DSN'], ['SIZE 2', 'DSN']),
      'new since the last run: SIZE 2; gone since the last run: SIZE 1',
    );
  });
});
