import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sessionPool } from '../../shared/adapters/smtp/session-pool.ts';
import { answerAsks, type MailboxState, NEW_MAILBOX, promiseWakeUps } from '../../shared/domain/pacing.ts';
import { EXCHANGE_ONLINE_LIMITS, type Sender } from '../../shared/domain/sender.ts';
import { startInstances } from '../support/instances.ts';
import { NOW_MS } from '../support/requests.ts';
import { inVirtualTime } from '../support/virtual-time.ts';

/** What goes wrong around a mailbox must not keep it from sending longer than it lasts. */

const MINUTE_MS = 60_000;
const MAILBOX = 'm0@contoso.com';
const SENDER: Sender = {
  mailboxes: [MAILBOX],
  from: ['*@contoso.com'],
  tenantId: 't',
  clientId: 'c',
  credential: { kind: 'managedIdentity' },
  limits: EXCHANGE_ONLINE_LIMITS,
};

const recipients = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ address: `r${index}@example.com`, outcome: 'pending' as const }));

test('attempts that Exchange refused use nothing of the day: after a long outage a large message goes at once', async () => {
  await inVirtualTime(NOW_MS, async () => {
    const limits = { ...EXCHANGE_ONLINE_LIMITS, recipientsPerDay: 1_000 };
    const world = startInstances({ instances: 2, senders: [{ ...SENDER, limits }], seed: 1 });
    world.exchange.refuses.add(MAILBOX);
    await world.accept(1, 10, () => ({ mailbox: MAILBOX, recipients: recipients(500) }));
    await world.until(() => world.exchange.refusedSignIns >= 5, 60 * MINUTE_MS);
    world.exchange.refuses.clear();
    await world.until(() => world.exchange.sent.length === 1, 10 * MINUTE_MS);
    await world.accept(1, 10, () => ({ mailbox: MAILBOX, recipients: recipients(500) }));
    await world.until(() => world.exchange.sent.length === 2, 2 * MINUTE_MS);
    world.stop();
  });
});

test('a table that takes a second for each call slows mail down and does not stop it', async () => {
  await inVirtualTime(NOW_MS, async () => {
    const world = startInstances({ instances: 1, senders: [SENDER], seed: 2, storageMs: 1_600 });
    await world.accept(1, 10, () => ({ mailbox: MAILBOX }));
    await world.until(() => world.exchange.sent.length === 1, 60_000);
    await world.accept(20, 10, () => ({ mailbox: MAILBOX }));
    await world.until(() => world.exchange.sent.length === 21, 5 * MINUTE_MS);
    world.stop();
    assert.equal(world.exchange.throttled, 0);
  });
});

test('a mailbox that has used up its day leaves the rest to the others of its sender', async () => {
  await inVirtualTime(NOW_MS, async () => {
    const limits = { ...EXCHANGE_ONLINE_LIMITS, recipientsPerDay: 20 };
    const mailboxes = [MAILBOX, 'm1@contoso.com'];
    const world = startInstances({ instances: 2, senders: [{ ...SENDER, mailboxes, limits }], seed: 3 });
    await world.accept(6, 50, index => ({ mailbox: mailboxes[index % 2] ?? '', recipients: recipients(6) }));
    await world.until(() => world.exchange.sent.length === 6, 3 * MINUTE_MS);
    // Two recipients are left in each: the mailbox that has the place in line may be the one that is full by then.
    await world.accept(2, 50, () => ({ mailbox: MAILBOX, recipients: recipients(2) }));
    await world.until(() => world.exchange.sent.length === 8, 3 * MINUTE_MS);
    const [last] = await world.accept(1, 50, () => ({ mailbox: MAILBOX, recipients: recipients(2) }));
    await world.until(() => world.queues.normal.length === 0, 3 * MINUTE_MS);
    world.stop();
    assert.equal(world.exchange.sent.length, 8);
    const waiting = await world.store.peek(last ?? '');
    assert.ok((waiting?.record.dueAtMs ?? 0) > NOW_MS + 23 * 60 * MINUTE_MS, 'held back until the day of both is over');
  });
});

test('a From that the mailbox may not send as is tried a few times, and all other mail goes on', async () => {
  await inVirtualTime(NOW_MS, async () => {
    const world = startInstances({ instances: 2, senders: [SENDER], seed: 4 });
    world.exchange.refusesFrom.add('sales@contoso.com');
    await world.accept(60, 50, index => ({
      mailbox: MAILBOX,
      from: index % 2 === 0 ? 'sales@contoso.com' : 'billing@contoso.com',
    }));
    await world.until(() => world.exchange.sent.length === 30, 5 * MINUTE_MS);
    assert.ok(world.exchange.refusedFrom <= 5, `${world.exchange.refusedFrom} tries`);
    world.exchange.refusesFrom.clear();
    const answered = world.exchange.refusedFrom;
    await world.until(() => world.exchange.sent.length === 60 - answered, 30 * MINUTE_MS);
    world.stop();
  });
});

test('one instance whose clock is ten minutes ahead keeps nobody from sending', () => {
  const limits = EXCHANGE_ONLINE_LIMITS;
  const ahead = NOW_MS + 10 * MINUTE_MS;
  let state: MailboxState = answerAsks(NEW_MAILBOX, [{ isHigh: false, recipients: 1 }], limits, ahead).state;
  state = promiseWakeUps(state, 1_000, limits, ahead, ahead + 110_000).state;
  const { answers } = answerAsks(
    state,
    [
      { isHigh: true, recipients: 1 },
      { isHigh: false, recipients: 1, promisedMs: NOW_MS },
    ],
    limits,
    NOW_MS,
  );
  for (const answer of answers) {
    assert.ok(answer.kind === 'turn' || answer.kind === 'later', answer.kind);
    assert.ok(answer.atMs <= NOW_MS + 15_000, `in ${answer.atMs - NOW_MS} ms`);
  }
});

test('a sign-in that gets no answer holds the one that began it, and nobody else for longer than a few seconds', async () => {
  await inVirtualTime(NOW_MS, async () => {
    const pool = sessionPool(Date.now);
    const key = { mailbox: MAILBOX, app: '', maxSessions: 3 };
    const never = () => new Promise<never>(() => undefined);
    void pool.prepare(key, never);
    const begunMs = Date.now();
    assert.equal(await pool.prepare(key, never), 'opening');
    assert.ok(Date.now() - begunMs <= 6_000);
    const laterMs = Date.now();
    assert.equal(await pool.prepare(key, never), 'opening');
    assert.equal(await pool.acquire(key, never, 0), undefined);
    assert.ok(Date.now() - laterMs <= 100, 'who comes later does not wait at all');
  });
});
