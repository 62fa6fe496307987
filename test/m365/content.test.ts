import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as check, constantFrom, property } from 'fast-check';
import { headerFrom } from '../../local/m365/smtp/header-from.ts';
import { hasBareLineEnds, unstuff } from '../../local/m365/smtp/read-content.ts';
import { connectSignedIn, sendRaw } from './bare-client.ts';
import { startForTest } from './harness.ts';

const from = (header: string): string[] => headerFrom(Buffer.from(`X: y\r\n${header}\r\n\r\nFrom: body@x.com\r\n`));

test('From is found through folding, names, comments and quotes', () => {
  assert.deepEqual(from('FROM : a@x.com'), ['a@x.com']);
  assert.deepEqual(from('From: Some\r\n One\r\n\t<A@X.com>'), ['a@x.com']);
  assert.deepEqual(from('From: "b@x.com, c" <a@x.com>'), ['a@x.com']);
  assert.deepEqual(from('From: "quote \\" <b@x.com>" <a@x.com>'), ['a@x.com']);
  assert.deepEqual(from('From: (b@x.com (nested)) a@x.com (c)'), ['a@x.com']);
  assert.deepEqual(from('From: a@x.com, B <b@x.com>'), ['a@x.com', 'b@x.com']);
  assert.deepEqual(from('From: team: a@x.com, b@x.com;'), ['a@x.com', 'b@x.com']);
  assert.deepEqual(from('From: a@x.com\r\nFrom: b@x.com'), ['a@x.com', 'b@x.com']);
  assert.deepEqual(from('X-From: a@x.com'), []);
});

test('unstuffing undoes stuffing, whatever the lines', () => {
  const lines = array(constantFrom('', '.', '..', '.a', 'a.', 'text'));
  check(
    property(lines, given => {
      const content = given.map(line => `${line}\r\n`).join('');
      const stuffed = content.replace(/^\./gm, '..');
      assert.equal(unstuff(Buffer.from(stuffed)).toString(), content);
    }),
  );
});

test('a CR or LF that stands alone is found anywhere', () => {
  for (const clean of ['', 'a', '\r\n', 'a\r\n\r\nb']) assert.equal(hasBareLineEnds(Buffer.from(clean)), false);
  for (const bare of ['\n', 'a\n', '\r', 'a\r\rb', '\n\r', '\r\n\n', 'a\r']) {
    assert.equal(hasBareLineEnds(Buffer.from(bare)), true, JSON.stringify(bare));
  }
});

test('a message of many megabytes arrives whole', async t => {
  const m365 = await startForTest(t);
  const client = await connectSignedIn(m365);
  const header = 'From: billing@contoso.com\r\n\r\n';
  const body = '.'.repeat(70).concat('\r\n').repeat(120_000);
  const reply = await sendRaw(client, `${header}${body.replace(/^\./gm, '..')}.\r\n`);
  assert.match(reply, /^250/);
  assert.equal(m365.mails.list()[0]?.raw.length, header.length + body.length);
});
