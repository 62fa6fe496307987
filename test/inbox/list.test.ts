import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inboxForTest } from './inbox-harness.ts';
import { addMail, multipart, plainMail } from './mails.ts';

test('the list is newest first, with what a reader chooses by', async t => {
  const { store, list } = await inboxForTest(t);
  addMail(store, plainMail('first'));
  addMail(store, [
    'Subject: second',
    ...multipart('mixed', 'b', [
      ['Content-Type: text/html', '', '<style>p{}</style><p>Hello&nbsp;there</p>'],
      ['Content-Type: application/pdf', 'Content-Disposition: attachment; filename=a.pdf', '', 'x'],
    ]),
  ]);
  const { total, matched, mails } = await list();
  assert.deepEqual([total, matched], [2, 2]);
  assert.deepEqual(
    mails.map(mail => mail.subject),
    ['second', 'first'],
  );
  const [second, first] = mails;
  assert.equal(second?.from, 'billing@contoso.com', 'without a From header, the envelope');
  assert.equal(second?.attachmentCount, 1);
  assert.match(second?.snippet ?? '', /^Hello/);
  assert.deepEqual(
    { ...first, id: '' },
    {
      id: '',
      receivedAt: '2026-11-21T12:00:00.000Z',
      from: 'Billing <billing@contoso.com>',
      to: ['ada@example.com'],
      subject: 'first',
      snippet: 'body',
      bytes: 86,
      attachmentCount: 0,
    },
  );
});

test('search takes every word, in addresses, subject, text and file names', async t => {
  const { store, list } = await inboxForTest(t);
  addMail(store, plainMail('Invoice 42', 'Please pay'));
  addMail(store, plainMail('Invoice 43', 'Paid'), { envelope: { from: 'x@contoso.com', to: ['bo@example.com'] } });
  addMail(
    store,
    multipart('mixed', 'b', [
      [
        'Content-Type: application/pdf; name="=?utf-8?q?=C3=9Cbersicht=2Epdf?="',
        'Content-Disposition: attachment',
        '',
        'x',
      ],
    ]),
  );
  const subjects = async (q: string): Promise<string[]> =>
    (await list(`?q=${encodeURIComponent(q)}`)).mails.map(mail => mail.subject);
  assert.deepEqual(await subjects('INVOICE pay'), ['Invoice 42']);
  assert.deepEqual(await subjects('bo@example'), ['Invoice 43']);
  assert.deepEqual(await subjects('übersicht'), ['']);
  assert.deepEqual(await subjects('invoice nobody'), []);
  assert.equal((await list('?q=invoice&limit=1')).matched, 2);
});

test('a list comes in pages, and senseless numbers do no harm', async t => {
  const { store, list } = await inboxForTest(t);
  for (let count = 0; count < 5; count++) addMail(store, plainMail(`mail ${count}`));
  assert.deepEqual(
    (await list('?limit=2&offset=1')).mails.map(mail => mail.subject),
    ['mail 3', 'mail 2'],
  );
  assert.equal((await list('?limit=-1&offset=abc')).mails.length, 5);
});

test('delete all empties the store', async t => {
  const { url, store, list } = await inboxForTest(t);
  addMail(store, plainMail('gone soon'));
  assert.equal((await fetch(`${url}/api/mails`, { method: 'DELETE' })).status, 204);
  assert.equal(store.list().length, 0);
  assert.equal((await list()).total, 0);
});

test('new mails and an emptied store are told at once to whoever listens', async t => {
  const { store, get } = await inboxForTest(t);
  addMail(store, plainMail('old'));
  const events = await get('/api/events');
  assert.equal(events.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  const reader = (events.body as ReadableStream<Uint8Array>).getReader();
  let heard = '';
  const until = async (text: RegExp): Promise<void> => {
    while (!text.test(heard)) heard += Buffer.from((await reader.read()).value ?? []).toString();
  };
  await until(/retry/);
  const mail = addMail(store, plainMail('new'));
  await until(new RegExp(`event: mail\ndata: \\{"id":"${mail.id}"\\}\n\n`));
  store.clear();
  await until(/event: cleared\n/);
  await reader.cancel();
});
