import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { INLINE_CONTENT_BYTES } from '../../shared/adapters/storage/record-entity.ts';
import { newMessageId } from '../../shared/domain/message-id.ts';
import type { MessageStore } from '../../shared/domain/message-ports.ts';
import type { MessageRecord } from '../../shared/domain/message-record.ts';
import { messageRecord } from './records.ts';
import { NOW_MS } from './requests.ts';

/** What every message store keeps to: tests of the one on the table service, and of the one in memory that stands in for it. */
export function testMessageStore(open: () => MessageStore): void {
  describe('a message store', () => testsOf(open));
}

function testsOf(open: () => MessageStore): void {
  let store: MessageStore;
  before(() => {
    store = open();
  });

  let made = 0;
  function record(changes: Partial<MessageRecord> = {}): MessageRecord {
    const { claim: _claim, ...rest } = messageRecord(['ada@example.com']);
    return { ...rest, id: newMessageId(NOW_MS + made++, randomBytes(10)), status: 'queued', attempts: 0, ...changes };
  }

  async function inserted(changes: Partial<MessageRecord> = {}, content?: Uint8Array) {
    const one = record(changes);
    assert.deepEqual(await store.insert(one, content, { wakeAtMs: NOW_MS }), { kind: 'inserted' });
    const stored = await store.read(one.id);
    assert.ok(stored);
    return stored;
  }

  test('a record comes back as it was, with its content, whatever characters and sizes', async () => {
    const content = randomBytes(INLINE_CONTENT_BYTES);
    const recipients = Array.from({ length: 1000 }, (_, i) => ({
      address: `recipient-${i}-🎉-ü@example.com`,
      outcome: 'pending' as const,
      reply: '250 ok 🎉'.repeat(10),
    }));
    const stored = await inserted({ recipients, metadata: { ключ: '値 "quoted" \\ \u2028' } }, content);
    assert.deepEqual(Buffer.from(stored.inlineContent ?? []), content);
    assert.equal(stored.record.recipients.length, 1000);
    assert.equal(stored.record.recipients[999]?.address, 'recipient-999-🎉-ü@example.com');
    assert.equal(stored.record.metadata['ключ'], '値 "quoted" \\ \u2028');
    const peeked = await store.peek(stored.record.id);
    assert.deepEqual(peeked?.record, stored.record);
    assert.equal(peeked?.etag, stored.etag);
  });

  test('a shrinking record leaves nothing of the longer one behind', async () => {
    const recipients = Array.from({ length: 900 }, (_, i) => ({
      address: `r${i}@example.com`,
      outcome: 'pending' as const,
    }));
    const stored = await inserted({ recipients });
    const written = await store.write({ ...stored.record, recipients: [] }, stored.etag, { kind: 'untouched' });
    assert.ok(written.ok);
    assert.deepEqual((await store.read(stored.record.id))?.record.recipients, []);
  });

  test('of two writers with the same ETag one wins', async () => {
    const stored = await inserted();
    const results = await Promise.all(
      [1, 2, 3].map(attempts => store.write({ ...stored.record, attempts }, stored.etag, { kind: 'put' })),
    );
    assert.equal(results.filter(result => result.ok).length, 1);
    assert.deepEqual(
      results.filter(result => !result.ok),
      [
        { ok: false, reason: 'conflict' },
        { ok: false, reason: 'conflict' },
      ],
    );
  });

  test('the final state takes the open row and the content in one write', async () => {
    const stored = await inserted({}, Buffer.from('content'));
    const sent: MessageRecord = {
      ...stored.record,
      status: 'sent',
      finalAtMs: NOW_MS,
      content: { ...stored.record.content, isDeleted: true },
    };
    assert.ok((await store.write(sent, stored.etag, { kind: 'remove' })).ok);
    const now = await store.read(sent.id);
    assert.equal(now?.inlineContent, undefined);
    assert.equal(now?.record.status, 'sent');
    assert.ok(!(await store.openRows(NOW_MS + 1e9, 1000)).some(row => row.id === sent.id));
  });

  test('kept content is deleted when it is due, unless the message was put back', async () => {
    const deleteAfterMs = NOW_MS + 1000;
    const failed = (stored: { record: MessageRecord }): MessageRecord => ({
      ...stored.record,
      status: 'failed',
      finalAtMs: NOW_MS,
      content: { ...stored.record.content, deleteAfterMs },
    });
    const [kept, back] = [await inserted({}, Buffer.from('kept')), await inserted({}, Buffer.from('back'))];
    for (const stored of [kept, back])
      assert.ok((await store.write(failed(stored), stored.etag, { kind: 'remove' })).ok);
    const again = await store.read(back.record.id);
    assert.ok(again);
    assert.equal(Buffer.from(again.inlineContent ?? []).toString(), 'back');
    const { deleteAfterMs: _due, ...content } = again.record.content;
    assert.ok((await store.write({ ...again.record, status: 'queued', content }, again.etag, { kind: 'put' })).ok);
    assert.deepEqual(await store.contentDue(NOW_MS, 100), []);
    const due = await store.contentDue(NOW_MS + 2000, 100);
    assert.deepEqual(new Set(due.map(one => one.id)), new Set([kept.record.id, back.record.id]));
    for (const one of due) await store.dropContent(one, async () => assert.fail('there is no blob'));
    assert.equal((await store.read(kept.record.id))?.inlineContent, undefined);
    assert.equal(Buffer.from((await store.read(back.record.id))?.inlineContent ?? []).toString(), 'back');
    assert.deepEqual(await store.contentDue(NOW_MS + 2000, 100), []);
  });

  test('an idempotency entry: duplicate with its message, free again a week after the end', async () => {
    const idempotency = { row: `i${randomBytes(32).toString('hex')}`, fingerprint: 'f' };
    const first = record({ idempotencyRow: idempotency.row });
    assert.deepEqual(await store.insert(first, undefined, { idempotency }), { kind: 'inserted' });
    assert.deepEqual(
      await store.insert(first, undefined, { idempotency }),
      { kind: 'inserted' },
      'our own insert, its answer lost',
    );
    const other = record({ idempotencyRow: idempotency.row });
    assert.deepEqual(await store.insert(other, undefined, { idempotency }), {
      kind: 'duplicate',
      messageId: first.id,
      fingerprint: 'f',
    });
    assert.equal(await store.read(other.id), undefined, 'nothing of the duplicate is stored');
    assert.deepEqual(await store.findKey(idempotency.row), { messageId: first.id, fingerprint: 'f' });
    const stored = await store.read(first.id);
    assert.ok(stored);
    assert.ok(
      (await store.write({ ...stored.record, status: 'sent', finalAtMs: NOW_MS }, stored.etag, { kind: 'remove' })).ok,
    );
    const week = 7 * 86_400_000;
    assert.equal((await store.findKey(idempotency.row))?.expiresAtMs, NOW_MS + week);
    assert.equal(
      (await store.insert(record({ createdAtMs: NOW_MS + week - 1 }), undefined, { idempotency })).kind,
      'duplicate',
    );
    assert.equal(
      (await store.insert(record({ createdAtMs: NOW_MS + week + 1 }), undefined, { idempotency })).kind,
      'inserted',
    );
  });

  test('a release raises the generation of what has not changed, and of nothing else', async () => {
    const all = await Promise.all(Array.from({ length: 120 }, () => inserted()));
    const mine = new Set(all.map(stored => stored.record.id));
    const rows = (await store.openRows(NOW_MS + 1e9, 5000)).filter(row => mine.has(row.id));
    assert.equal(rows.length, 120);
    assert.deepEqual(
      [...rows].sort((a, b) => (a.id < b.id ? -1 : 1)),
      rows,
      'oldest first',
    );
    const changed = all[60];
    assert.ok(changed);
    assert.ok((await store.write({ ...changed.record, attempts: 1 }, changed.etag, { kind: 'put' })).ok);
    const released = await store.release(
      rows.map(row => ({ row, wakeAtMs: NOW_MS })),
      NOW_MS + 1,
    );
    assert.equal(released.length, 119);
    assert.ok(!released.some(one => one.id === changed.record.id));
    assert.equal((await store.read(rows[0]?.id ?? ''))?.record.generation, 2);
    assert.equal((await store.read(changed.record.id))?.record.generation, 1);
  });

  test('open rows that have ended are read whenever they are due; a row says when it ends and when it was woken', async () => {
    const later = NOW_MS + 3e9;
    const ended = await inserted({ dueAtMs: later, expiresAtMs: NOW_MS + 1_000 });
    const over = await inserted({ dueAtMs: later, deadlineAtMs: NOW_MS + 2_000 });
    const live = await inserted({ dueAtMs: later, deadlineAtMs: later });
    const due = await inserted({ deadlineAtMs: later });
    const mine = new Set([ended, over, live, due].map(stored => stored.record.id));
    const wanted = { endsByMs: NOW_MS + 5_000, keep: (row: { readonly id: string }) => mine.has(row.id) };
    const found = await store.openRows(NOW_MS, 5_000, wanted);
    assert.deepEqual(
      found.map(row => [row.id, row.endsAtMs, row.wokenAtMs]),
      [
        [ended.record.id, NOW_MS + 1_000, NOW_MS],
        [over.record.id, NOW_MS + 2_000, NOW_MS],
        [due.record.id, later, NOW_MS],
      ],
    );
    await store.release(
      found.map(row => ({ row, wakeAtMs: NOW_MS + 9_000 })),
      NOW_MS + 7_000,
    );
    for (const row of await store.openRows(NOW_MS, 5_000, wanted))
      assert.deepEqual([row.wakeAtMs, row.wokenAtMs], [NOW_MS + 9_000, NOW_MS + 7_000]);
  });

  test('a claim renewed meanwhile does not stop a release: record and open row change by themselves', async () => {
    const stored = await inserted();
    const row = (await store.openRows(NOW_MS + 1e9, 5000)).find(one => one.id === stored.record.id);
    assert.ok(row);
    const renewed = await store.write({ ...stored.record, attempts: 1 }, stored.etag, { kind: 'untouched' });
    assert.ok(renewed.ok);
    assert.deepEqual(await store.release([{ row, wakeAtMs: NOW_MS }], NOW_MS), [{ id: row.id, generation: 2 }]);
    const now = await store.peek(row.id);
    assert.deepEqual([now?.record.attempts, now?.record.generation], [1, 2]);
    assert.equal((await store.write(stored.record, renewed.etag, { kind: 'untouched' })).ok, false);
  });

  test('lists are newest first, page by page, of one mailbox, state or caller', async () => {
    const mailbox = 'Listed@contoso.com';
    const made: string[] = [];
    for (let index = 0; index < 5; index++)
      made.push((await inserted({ mailbox, caller: index % 2 === 0 ? 'even' : 'odd' })).record.id);
    const found: string[] = [];
    let continuation: string | undefined;
    do {
      const query = { mailbox: 'listed@contoso.com', limit: 2, ...(continuation ? { continuation } : {}) };
      const page = await store.list(query);
      assert.ok(page.records.length <= 2);
      found.push(...page.records.map(one => one.id));
      continuation = page.continuation;
    } while (continuation);
    assert.deepEqual(found, made.toReversed());
    const odd = await store.list({ mailbox, status: 'queued', caller: 'odd', limit: 10 });
    assert.deepEqual(
      odd.records.map(one => one.id),
      [made[3], made[1]],
    );
    assert.deepEqual((await store.list({ mailbox, status: 'sent', limit: 10 })).records, []);
  });

  test('old final records go, with their keys; open ones stay', async () => {
    const old = record({ id: newMessageId(NOW_MS - 1e10, randomBytes(10)), status: 'sent', finalAtMs: NOW_MS - 1e10 });
    const open = record({ id: newMessageId(NOW_MS - 1e10, randomBytes(10)) });
    for (const one of [old, open]) await store.insert(one, undefined, {});
    const found = await store.expired(NOW_MS - 1e9, 100);
    assert.deepEqual(
      found.map(one => one.id),
      [old.id],
    );
    await store.remove(found);
    await store.remove(found);
    assert.equal(await store.read(old.id), undefined);
    assert.ok(await store.read(open.id));
  });
}
