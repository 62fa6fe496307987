import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchesAddressPattern, parseAddress, parseMailbox } from '../../shared/domain/address.ts';

const TAKEN: readonly (readonly [string, string, string?])[] = [
  ['ada@example.com', 'ada@example.com'],
  ['  ada@example.com ', 'ada@example.com'],
  ['Ada@EXAMPLE.com', 'Ada@example.com'],
  ['a.b+c_d-e=f@sub.example.co.uk', 'a.b+c_d-e=f@sub.example.co.uk'],
  ["o'hara!#$%&*/?^`{|}~@example.com", "o'hara!#$%&*/?^`{|}~@example.com"],
  ['ada@bücher.example', 'ada@xn--bcher-kva.example'],
  ['ada@straße.example', 'ada@xn--strae-oqa.example'],
  ['用户@例え.jp', '用户@xn--r8jz45g.jp'],
  ['Ada <ada@example.com>', 'ada@example.com', 'Ada'],
  ['"Lovelace, Ada" <ada@example.com>', 'ada@example.com', 'Lovelace, Ada'],
  ['"a \\"b\\" c" <ada@example.com>', 'ada@example.com', 'a "b" c'],
  ['Dr. Ada Lovelace <ada@example.com>', 'ada@example.com', 'Dr. Ada Lovelace'],
  ['<ada@example.com>', 'ada@example.com'],
];

for (const [input, address, name] of TAKEN) {
  test(`taken: ${input}`, () => {
    assert.deepEqual(parseMailbox(input), { ok: true, mailbox: name === undefined ? { address } : { address, name } });
  });
}

// Each of these has been read as another or a second recipient by some parser, or is none at all.
const REFUSED = [
  '',
  '@',
  'ada',
  'ada@',
  '@example.com',
  'ada@localhost',
  'ada@example',
  'ada@1.2.3.4',
  'ada@[127.0.0.1]',
  'ada@[IPv6:::1]',
  'ada@exa mple.com',
  'ada@example.com.',
  'ada@.example.com',
  'ada@exa..mple.com',
  'ada@-example.com',
  'ada@example-.com',
  'ada@exam_ple.com',
  '.ada@example.com',
  'ada.@example.com',
  'a..da@example.com',
  'a da@example.com',
  '"ada"@example.com',
  '"a@evil.example"@example.com',
  'ada(comment)@example.com',
  'ada@example.com (comment)',
  'ada@example.com, eve@evil.example',
  'ada@example.com; eve@evil.example',
  'ada@example.com eve@evil.example',
  'grp: ada@example.com, eve@evil.example;',
  'ada@example.com>',
  '<ada@example.com',
  '<<ada@example.com>>',
  '<ada@example.com> <eve@evil.example>',
  'Lovelace, Ada <ada@example.com>',
  'a@b <ada@example.com>',
  'ada@example.com\r\nBcc: eve@evil.example',
  'ada@example.com\n',
  'ada\u0000@example.com',
  'Ada\r\nBcc: x <ada@example.com>',
  'ada@all\u00adowed.com',
  'ada@\uff45xample.com',
  'ada@example\u3002com',
  'ada@evil.com .allowed.com',
  'ada\u200b@example.com',
  'ada\u202e@example.com',
  'ada\ud800@example.com',
  `${'a'.repeat(65)}@example.com`,
  `ada@${'a'.repeat(64)}.com`,
  `ada@${'a.'.repeat(130)}com`,
  'ada\\@x@example.com',
  'ada@xn--a',
];

for (const input of REFUSED) {
  test(`refused: ${JSON.stringify(input.slice(0, 60))}`, () => assert.equal(parseMailbox(input).ok, false));
}

test('what is taken is what is sent: parsing the result again gives the same', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.emailAddress(),
        fc.string({ unit: 'binary' }),
        fc.tuple(fc.string(), fc.domain()).map(([l, d]) => `${l}@${d}`),
      ),
      input => {
        const parsed = parseAddress(input);
        if (!parsed.ok) return;
        assert.deepEqual(parseAddress(parsed.address), parsed);
        assert.doesNotMatch(parsed.address, /[\s<>,;:"()[\]\\]/);
        assert.equal(parsed.address.split('@').length, 2);
      },
    ),
  );
});

test('patterns match without regard to case, and *@domain only that very domain', () => {
  assert.ok(matchesAddressPattern('Ada@Contoso.com', 'ada@contoso.COM'));
  assert.ok(matchesAddressPattern('x@contoso.com', '*@contoso.com'));
  assert.ok(!matchesAddressPattern('x@evilcontoso.com', '*@contoso.com'));
  assert.ok(!matchesAddressPattern('x@contoso.com.evil.example', '*@contoso.com'));
  assert.ok(!matchesAddressPattern('x@sub.contoso.com', '*@contoso.com'));
});
