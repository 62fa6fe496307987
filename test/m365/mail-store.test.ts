import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMailStore, type StoredMail } from '../../local/m365/mail-store.ts';

const mail = (to: string): Omit<StoredMail, 'id'> => ({
  receivedAt: new Date(0),
  mailbox: 'billing@contoso.com',
  appId: '',
  envelope: { from: 'billing@contoso.com', to: [to] },
  raw: Buffer.alloc(10),
  serverMessageId: '',
  tls: { version: '', cipher: '' },
  connectionId: '',
  hasBareLineEnds: false,
  transcript: [],
});
const to = (address: string) => (one: StoredMail) => one.envelope.to.includes(address);

test('the oldest mails go when there are too many', () => {
  const store = createMailStore(2);
  for (const address of ['a', 'b', 'c']) store.add(mail(address));
  assert.deepEqual(
    store.list().map(one => one.envelope.to[0]),
    ['b', 'c'],
  );
  const [first] = store.list();
  assert.equal(store.get(first?.id ?? ''), first);
  store.clear();
  assert.deepEqual(store.list(), []);
});

test('a mail can be waited for, before and after it comes', async () => {
  const store = createMailStore();
  const coming = store.waitFor(to('b'), 1000);
  store.add(mail('a'));
  const added = store.add(mail('b'));
  assert.equal(await coming, added);
  assert.equal(await store.waitFor(to('b')), added);
  await assert.rejects(store.waitFor(to('c'), 5), /No such mail within 5 ms; 2 others are there/);
});

test('a listener hears every mail until it stops listening', () => {
  const store = createMailStore();
  const heard: string[] = [];
  const stop = store.onMail(one => heard.push(one.envelope.to[0] ?? ''));
  store.add(mail('a'));
  stop();
  store.add(mail('b'));
  assert.deepEqual(heard, ['a']);
});
