import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newMessageId } from '../../shared/domain/message-id.ts';
import { EXCHANGE_ONLINE_LIMITS, type Sender } from '../../shared/domain/sender.ts';
import { startInstances } from '../support/instances.ts';
import { messageRecord } from '../support/records.ts';
import { NOW_MS } from '../support/requests.ts';
import { inVirtualTime } from '../support/virtual-time.ts';

/** The use cases and the session pool of several instances, in virtual time: minutes of pacing within a second or two. */

const SENDER: Sender = {
  mailboxes: ['m0@contoso.com'],
  from: ['*@contoso.com'],
  tenantId: 't',
  clientId: 'c',
  credential: { kind: 'managedIdentity' },
  limits: EXCHANGE_ONLINE_LIMITS,
};

function sendersAt(count: number, messagesPerMinute: number): Sender[] {
  const limits = { ...EXCHANGE_ONLINE_LIMITS, messagesPerMinute };
  return Array.from({ length: count }, (_, index) => ({ ...SENDER, mailboxes: [`m${index}@contoso.com`], limits }));
}

for (const [instances, perMinute, storageMs] of [
  [4, 30, 8],
  [4, 120, 8],
  [4, 120, 40],
  [1, 300, 8],
] as const) {
  test(`${instances} instances use the quota of ${perMinute} a minute, storage taking ${storageMs} ms, and no more of it`, async () => {
    await inVirtualTime(NOW_MS, async () => {
      const world = startInstances({ instances, senders: sendersAt(10, perMinute), seed: perMinute, storageMs });
      const begunMs = Date.now();
      const accepted = world.accept(1500, 200, index => ({ mailbox: `m${index % 10}@contoso.com` }));
      const neededMs = (150 / perMinute) * 60_000;
      await world.until(() => world.exchange.sent.length >= 1500, neededMs * 2);
      world.stop();
      const { exchange, counts } = world;
      assert.deepEqual(counts.errors, []);
      assert.deepEqual(exchange.sent.map(one => one.id).sort(), (await accepted).toSorted(), 'each once');
      const usedMs = Math.max(...exchange.sent.map(one => one.atMs)) - begunMs + 60_000 / perMinute;
      assert.ok(usedMs / neededMs <= 1.05, `${usedMs / neededMs} of the time that the quota needs`);
      assert.equal(exchange.throttled, 0);
      assert.ok(counts.reads / 1500 <= 2.2, `${counts.reads / 1500} queue reads a message`);
      assert.ok(exchange.signIns <= 10 * 3 * 2, `${exchange.signIns} sign-ins`);
    });
  });
}

test('mails that take longer than turns do not keep the queue busy', async () => {
  await inVirtualTime(NOW_MS, async () => {
    const world = startInstances({ instances: 4, senders: sendersAt(1, 30), seed: 9, submitMs: 10_000 });
    void world.accept(120, 50, () => ({ mailbox: 'm0@contoso.com' }));
    const begunMs = Date.now();
    await world.until(() => world.exchange.sent.length >= 120, 1_200_000);
    world.stop();
    assert.equal(world.exchange.throttled, 0);
    assert.ok(world.counts.reads / 120 <= 12, `${world.counts.reads / 120} queue reads a message`);
    // Three connections, ten seconds for each mail.
    assert.ok(
      Date.now() - begunMs <= 400_000 * 1.8,
      `${(Date.now() - begunMs) / 400_000} of what the connections need`,
    );
  });
});

test('two mailboxes of one sender give twice the rate', async () => {
  await inVirtualTime(NOW_MS, async () => {
    const sender = { ...SENDER, mailboxes: ['m0@contoso.com', 'm1@contoso.com'] };
    const world = startInstances({ instances: 2, senders: [sender], seed: 5 });
    const begunMs = Date.now();
    const accepted = world.accept(120, 50, () => ({ mailbox: 'm0@contoso.com' }));
    await world.until(() => world.exchange.sent.length >= 120, 300_000);
    world.stop();
    const { sent } = world.exchange;
    assert.deepEqual(sent.map(one => one.id).sort(), (await accepted).toSorted());
    assert.ok(Math.max(...sent.map(one => one.atMs)) - begunMs <= 120_000 * 1.1);
    for (const mailbox of sender.mailboxes)
      assert.ok(Math.abs(sent.filter(one => one.mailbox === mailbox).length - 60) <= 6);
    const { records } = await world.store.list({ limit: 200 });
    for (const record of records)
      assert.equal(record.mailbox, sent.find(one => one.id === record.id)?.mailbox, 'the record names the mailbox');
  });
});

test('one of two mailboxes refused: all mail goes by the other, but what names the refused one', async () => {
  await inVirtualTime(NOW_MS, async () => {
    const sender = { ...SENDER, mailboxes: ['m0@contoso.com', 'm1@contoso.com'] };
    const world = startInstances({ instances: 2, senders: [sender], seed: 6 });
    world.exchange.refuses.add('m0@contoso.com');
    const accepted = world.accept(30, 50, index => ({
      mailbox: 'm0@contoso.com',
      ...(index === 7 ? { isMailboxNamed: true as const } : {}),
    }));
    await world.until(() => world.exchange.sent.length >= 29, 300_000);
    const ids = await accepted;
    const named = ids[7] ?? '';
    assert.ok(world.exchange.sent.every(one => one.mailbox === 'm1@contoso.com' && one.id !== named));
    assert.equal((await world.store.peek(named))?.record.status, 'deferred');
    world.exchange.refuses.clear();
    await world.until(() => world.exchange.sent.some(one => one.id === named), 600_000);
    world.stop();
    assert.equal(world.exchange.sent.find(one => one.id === named)?.mailbox, 'm0@contoso.com');
  });
});

test('a message of high priority behind 1,000 others goes within six turns, though every storage call takes 20 ms', async () => {
  await inVirtualTime(NOW_MS, async () => {
    const world = startInstances({ instances: 2, senders: sendersAt(1, 30), seed: 7, storageMs: 20 });
    void world.accept(1000, 200, () => ({ mailbox: 'm0@contoso.com' }));
    await world.until(() => world.exchange.sent.length >= 20, 120_000);
    const before = world.exchange.sent.length;
    const [id] = await world.accept(1, 200, () => ({ mailbox: 'm0@contoso.com', priority: 'high' }));
    await world.until(() => world.exchange.sent.some(one => one.id === id), 60_000);
    world.stop();
    assert.ok(world.exchange.sent.findIndex(one => one.id === id) - before < 6);
  });
});

test('sign-in refused for three minutes: a handful of sign-ins, then all go in order of age', async () => {
  await inVirtualTime(NOW_MS, async () => {
    const world = startInstances({ instances: 4, senders: sendersAt(1, 300), seed: 8 });
    world.exchange.refuses.add('m0@contoso.com');
    const accepted = world.accept(1000, 200, () => ({ mailbox: 'm0@contoso.com' }));
    const recoveryMs = Date.now() + 180_000;
    await world.until(() => Date.now() >= recoveryMs, 200_000);
    assert.equal(world.exchange.sent.length, 0);
    const { refusedSignIns } = world.exchange;
    world.exchange.refuses.clear();
    await world.until(() => world.exchange.sent.length >= 1000, 900_000);
    world.stop();
    const { sent } = world.exchange;
    assert.ok(refusedSignIns <= 8, `${refusedSignIns} sign-ins`);
    const firstMs = (sent[0]?.atMs ?? 0) - recoveryMs;
    assert.ok(firstMs <= 310_000, `the first mail ${firstMs} ms after recovery`);
    const order = new Map((await accepted).map((id, index) => [id, index]));
    const early = sent.filter(({ id }, index) => Math.abs((order.get(id) ?? 0) - index) > 60);
    assert.ok(early.length <= 10, `${early.length} are more than 60 places from where they belong`);
  });
});

test('a backlog for two mailboxes of a sender drains in order of age, over several runs of sweep', async () => {
  await inVirtualTime(NOW_MS, async () => {
    const mailboxes = ['m0@contoso.com', 'm1@contoso.com'];
    const world = startInstances({ instances: 3, senders: [{ ...SENDER, mailboxes }], seed: 11 });
    for (const mailbox of mailboxes) world.exchange.refuses.add(mailbox);
    const accepted = world.accept(300, 200, () => ({ mailbox: 'm0@contoso.com' }));
    await world.until(() => Date.now() >= NOW_MS + 180_000, 200_000);
    world.exchange.refuses.clear();
    await world.until(() => world.exchange.sent.length >= 300, 900_000);
    world.stop();
    const order = new Map((await accepted).map((id, index) => [id, index]));
    const { sent } = world.exchange;
    assert.equal(new Set(sent.map(({ id }) => id)).size, 300);
    const farthest = Math.max(...sent.map(({ id }, index) => Math.abs((order.get(id) ?? 0) - index)));
    assert.ok(farthest <= 20, `one is ${farthest} places from where it belongs`);
    const tookMs = (sent.at(-1)?.atMs ?? 0) - (sent[0]?.atMs ?? 0);
    assert.ok(tookMs <= 300_000 * 1.05, `${tookMs} ms`);
  });
});

test('messages that expire while their mailbox cannot send say so in time, and hold up nobody after it', async () => {
  await inVirtualTime(NOW_MS, async () => {
    const world = startInstances({ instances: 2, senders: sendersAt(1, 30), seed: 8 });
    world.exchange.refuses.add('m0@contoso.com');
    const mailbox = 'm0@contoso.com';
    const short = await world.accept(200, 200, () => ({ mailbox, expiresAtMs: Date.now() + 60_000 }));
    const live = await world.accept(5, 200, () => ({ mailbox }));
    await world.until(() => Date.now() >= NOW_MS + 190_000, 200_000);
    for (const id of short) assert.equal((await world.store.peek(id))?.record.status, 'expired');
    world.exchange.refuses.clear();
    const recoveryMs = Date.now();
    await world.until(() => world.exchange.sent.length >= 5, 3_600_000);
    world.stop();
    assert.deepEqual(world.exchange.sent.map(({ id }) => id).sort(), live.toSorted());
    const tookMs = (world.exchange.sent.at(-1)?.atMs ?? 0) - recoveryMs;
    assert.ok(tookMs <= 370_000, `${tookMs} ms: the breaker's five minutes and the next run`);
  });
});

test('a message whose wake-up was lost goes within four minutes, however many wait; those are woken once', async () => {
  await inVirtualTime(NOW_MS, async () => {
    const world = startInstances({ instances: 3, senders: sendersAt(1, 30), seed: 12 });
    const mailbox = 'm0@contoso.com';
    const accepted = world.accept(400, 200, () => ({ mailbox }));
    await world.until(() => Date.now() >= NOW_MS + 130_000, 200_000);
    // Stored with a place in line, and then the instance was killed.
    const atMs = Date.now();
    const { claim: _none, ...record } = messageRecord(['ada@example.com'], {
      id: newMessageId(atMs, new Uint8Array(10)),
      status: 'queued',
      mailbox,
      createdAtMs: atMs,
      updatedAtMs: atMs,
      dueAtMs: atMs,
      deadlineAtMs: atMs + 86_400_000,
    });
    await world.store.insert(record, new Uint8Array(10), { wakeAtMs: atMs + 80_000 });
    await world.until(() => world.exchange.sent.some(({ id }) => id === record.id), 240_000);
    await world.until(() => world.exchange.sent.length >= 401, 900_000);
    world.stop();
    for (const id of await accepted) assert.ok(((await world.store.peek(id))?.record.generation ?? 9) <= 2);
  });
});
