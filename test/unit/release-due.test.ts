import assert from 'node:assert/strict';
import { test } from 'node:test';

import { afterFailure, CLOSED } from '../../shared/domain/breaker.ts';
import type { MailboxStates } from '../../shared/domain/mailbox-ports.ts';
import { newMessageId } from '../../shared/domain/message-id.ts';
import type { MessageStore } from '../../shared/domain/message-ports.ts';
import type { MessageRecord, Priority } from '../../shared/domain/message-record.ts';
import { type MailboxState, NEW_MAILBOX } from '../../shared/domain/pacing.ts';
import type { Clock } from '../../shared/domain/ports.ts';
import type { WakeUp } from '../../shared/domain/queue-ports.ts';
import { EXCHANGE_ONLINE_LIMITS, type Sender } from '../../shared/domain/sender.ts';
import { mailboxPacer } from '../../shared/usecases/mailbox-pacer.ts';
import { releaseDue } from '../../shared/usecases/release-due.ts';
import { memoryMessages, messageStore } from '../support/memory-messages.ts';
import { messageRecord } from '../support/records.ts';
import { NOW_MS } from '../support/requests.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SHUT: MailboxState = { ...NEW_MAILBOX, breaker: afterFailure(CLOSED, 'timeOnly', 'x', NOW_MS, 'mail') };

interface Put {
  readonly wakeUp: WakeUp;
  readonly priority: Priority;
  readonly visibleAtMs: number;
}

/** `releaseDue` on a table and a queue in memory, at the time that a test sets. */
function releasing(...senders: (readonly string[])[]) {
  const time = { nowMs: NOW_MS };
  const clock: Clock = {
    now: () => time.nowMs,
    random: () => 0.5,
    randomBytes: size => new Uint8Array(size),
    async sleep(ms) {
      time.nowMs += ms;
    },
  };
  const inner = messageStore(memoryMessages());
  const calls: string[] = [];
  const store = new Proxy(inner, {
    get: (target, name: keyof MessageStore) => {
      calls.push(name);
      return target[name];
    },
  });
  const rows = new Map<string, { state: MailboxState; etag: string }>();
  const states: MailboxStates = {
    async read(mailbox) {
      calls.push('mailbox read');
      return rows.get(mailbox);
    },
    async write(mailbox, state) {
      calls.push('mailbox write');
      rows.set(mailbox, { state, etag: String(calls.length) });
      return { ok: true, etag: String(calls.length) };
    },
    list: async () => [],
  };
  const puts: Put[] = [];
  const wakeUps = {
    async put(wakeUp: WakeUp, priority: Priority, delayMs: number) {
      puts.push({ wakeUp, priority, visibleAtMs: time.nowMs + delayMs });
    },
  };
  const settings = {
    senders: senders.map(
      (mailboxes): Sender => ({
        mailboxes,
        from: [...mailboxes],
        tenantId: 't',
        clientId: 'c',
        credential: { kind: 'managedIdentity' },
        limits: EXCHANGE_ONLINE_LIMITS,
      }),
    ),
    mode: 'live' as const,
    allowList: [],
    deadlineMs: 86_400_000,
    retention: { afterSentMs: 0, afterFailureMs: 0 },
    recordRetentionMs: 1,
  };
  let made = 0;
  return {
    time,
    store: inner,
    calls,
    puts,
    wakeUps,
    ids: () => puts.map(({ wakeUp }) => wakeUp.messageId),
    setState: (mailbox: string, state: MailboxState) => void rows.set(mailbox, { state, etag: '0' }),
    /** Stores one as it is once its acceptance is over, or the work on it has ended; without `wakeAtMs` it is parked. */
    async put(changes: Partial<MessageRecord>, wakeAtMs?: number): Promise<string> {
      const { claim: _none, ...base } = messageRecord(['ada@example.com'], {
        id: newMessageId(NOW_MS - HOUR_MS + made++, new Uint8Array(10)),
        status: 'queued',
        dueAtMs: NOW_MS - MINUTE_MS,
        updatedAtMs: time.nowMs,
        ...changes,
      });
      const record = changes.claim ? { ...base, claim: changes.claim } : base;
      await inner.insert(record, undefined, wakeAtMs === undefined ? {} : { wakeAtMs });
      return record.id;
    },
    run: () => releaseDue({ settings, store, clock, wakeUps, pacer: mailboxPacer(states, clock) }, () => {}),
    /**
     * What `sweep` does each minute, while the line is always full; gives when the first wake-up for a message can be
     * taken, in ms from now.
     */
    async firstWakeUpMs(id: string, firstRunMs: number): Promise<number> {
      const begunMs = time.nowMs;
      for (let run = 0; run < 10; run++) {
        time.nowMs = Math.max(time.nowMs, begunMs + firstRunMs + run * MINUTE_MS);
        wholeLine('a@x.com', this);
        await this.run();
        const found = puts.find(({ wakeUp }) => wakeUp.messageId === id);
        if (found) return found.visibleAtMs - begunMs;
      }
      return Number.POSITIVE_INFINITY;
    },
  };
}

function wholeLine(mailbox: string, app: Pick<ReturnType<typeof releasing>, 'time' | 'setState'>): void {
  const { nowMs } = app.time;
  app.setState(mailbox, { ...NEW_MAILBOX, nextTurnMs: nowMs, promisedMs: nowMs + 109_000 });
}

test('a mailbox with ever so many messages that cannot go hides no other', async () => {
  const app = releasing(['a@x.com'], ['b@x.com']);
  app.setState('a@x.com', SHUT);
  for (let index = 0; index < 20_050; index++) await app.put({ mailbox: 'a@x.com' });
  const ids = [await app.put({ mailbox: 'b@x.com' }), await app.put({ mailbox: 'b@x.com' })];
  await app.run();
  assert.deepEqual(app.ids(), ids);
});

test('10,000 parked messages of a mailbox cost a few calls beyond reading them', async () => {
  const app = releasing(['a@x.com']);
  const ids: string[] = [];
  for (let index = 0; index < 10_000; index++) ids.push(await app.put({ mailbox: 'a@x.com' }));
  app.calls.length = 0;
  await app.run();
  assert.ok(app.puts.length >= 50 && app.puts.length <= 56, 'two minutes of turns');
  assert.deepEqual(app.ids(), ids.slice(0, app.puts.length), 'the oldest, in order');
  assert.ok(app.calls.length <= 8, app.calls.join());
  app.setState('a@x.com', SHUT);
  app.calls.length = 0;
  app.time.nowMs += MINUTE_MS;
  await app.run();
  assert.deepEqual(app.calls, ['openRows', 'mailbox read'], 'and nothing while the mailbox cannot send');
});

test('what has run out of time is released at once and without a place, whatever the breaker says', async () => {
  const app = releasing(['a@x.com']);
  app.setState('a@x.com', SHUT);
  const expired = await app.put({ mailbox: 'a@x.com', expiresAtMs: NOW_MS - 1 });
  const over = await app.put({ mailbox: 'a@x.com', deadlineAtMs: NOW_MS });
  const later = await app.put({ mailbox: 'a@x.com', dueAtMs: NOW_MS + HOUR_MS, expiresAtMs: NOW_MS - 1 });
  await app.put({ mailbox: 'a@x.com', expiresAtMs: NOW_MS + 1_000 });
  await app.run();
  assert.deepEqual(app.ids().sort(), [expired, over, later].sort());
  assert.ok(app.puts.every(({ wakeUp, visibleAtMs }) => !wakeUp.place && visibleAtMs === NOW_MS));
});

test('what has run out of time is bounded in a run, and goes behind all others', async () => {
  const app = releasing(['a@x.com']);
  for (let index = 0; index < 1_100; index++) await app.put({ mailbox: 'a@x.com', expiresAtMs: NOW_MS });
  const live = await app.put({ mailbox: 'a@x.com' });
  await app.run();
  assert.equal(app.puts.length, 1_001);
  assert.equal(app.ids()[0], live);
});

test('the trial of a breaker and the places in line go to those that can still be sent', async () => {
  for (const state of [{ ...SHUT, breaker: { ...SHUT.breaker, trialAtMs: NOW_MS } } as MailboxState, NEW_MAILBOX]) {
    const app = releasing(['a@x.com']);
    app.setState('a@x.com', state);
    for (let index = 0; index < 100; index++) await app.put({ mailbox: 'a@x.com', expiresAtMs: NOW_MS + index * 500 });
    const live = await app.put({ mailbox: 'a@x.com' });
    await app.run();
    const inLine = app.puts.filter(({ wakeUp }) => wakeUp.place);
    for (const { wakeUp } of inLine) {
      const expiresAtMs = (await app.store.peek(wakeUp.messageId))?.record.expiresAtMs ?? Number.POSITIVE_INFINITY;
      assert.ok(expiresAtMs > (wakeUp.place?.atMs ?? 0), 'no place behind its end');
    }
    if (state === NEW_MAILBOX) assert.ok(inLine.some(({ wakeUp }) => wakeUp.messageId === live));
    else assert.equal(inLine.length, 1);
  }
});

test('of two mailboxes each gets its trial with a message of its own', async () => {
  const app = releasing(['a@x.com', 'b@x.com']);
  for (const mailbox of ['a@x.com', 'b@x.com'])
    app.setState(mailbox, { ...NEW_MAILBOX, breaker: { ...SHUT.breaker, trialAtMs: NOW_MS } } as MailboxState);
  const [first] = [await app.put({ mailbox: 'a@x.com' }), await app.put({ mailbox: 'a@x.com' })];
  const other = await app.put({ mailbox: 'b@x.com' });
  await app.run();
  assert.deepEqual(app.puts.map(({ wakeUp }) => [wakeUp.messageId, wakeUp.place?.mailbox]).sort(), [
    [first, 'a@x.com'],
    [other, 'b@x.com'],
  ]);
});

for (const [what, wakeInMs] of [
  ['as it was accepted with a place in line', 80_000],
  ['as it was to be tried again', 119_000],
] as const)
  test(`an instance killed ${what}: the message moves within four minutes, however long the line`, async () => {
    for (const firstRunMs of [100, 20_000, 30_100, 59_900]) {
      const app = releasing(['a@x.com']);
      // Stored, and the wake-up never put on the queue.
      const id = await app.put({ mailbox: 'a@x.com' }, NOW_MS + wakeInMs);
      const ms = await app.firstWakeUpMs(id, firstRunMs);
      assert.ok(ms <= 4 * MINUTE_MS - 5_000, `${ms} ms`);
      assert.ok((app.puts.at(-1)?.wakeUp.place?.atMs ?? Infinity) <= app.time.nowMs, 'ahead of whoever waits');
    }
  });

test('sweep killed between a release and its wake-ups: the messages move within four minutes', async () => {
  for (const firstRunMs of [100, 30_100, 59_900]) {
    const app = releasing(['a@x.com']);
    app.setState('a@x.com', { ...NEW_MAILBOX, promisedMs: NOW_MS + 100_000 });
    const id = await app.put({ mailbox: 'a@x.com' });
    const { put } = app.wakeUps;
    app.wakeUps.put = () => Promise.reject(new Error('killed'));
    await assert.rejects(app.run());
    app.wakeUps.put = put;
    const ms = await app.firstWakeUpMs(id, firstRunMs);
    assert.ok(ms <= 4 * MINUTE_MS - 5_000, `${ms} ms`);
  }
});

test('an instance killed in the middle of a mail: it moves within four minutes, however long the line', async () => {
  for (const firstRunMs of [100, 59_900]) {
    const app = releasing(['a@x.com']);
    const id = await app.put({
      mailbox: 'a@x.com',
      status: 'sending',
      claim: { token: 't', untilMs: NOW_MS + 120_000, phase: 'content' },
    });
    const ms = await app.firstWakeUpMs(id, firstRunMs);
    assert.ok(ms <= 4 * MINUTE_MS - 5_000, `${ms} ms`);
  }
});

test('what waits for its place is not released again, and what was lost is not ahead in masses', async () => {
  const app = releasing(['a@x.com']);
  for (let index = 0; index < 300; index++) await app.put({ mailbox: 'a@x.com' }, NOW_MS + (index % 110) * 1_000);
  for (let run = 0; run < 2; run++) {
    await app.run();
    app.time.nowMs += MINUTE_MS;
  }
  assert.deepEqual(app.puts, [], 'all have a wake-up on its way');
  app.time.nowMs += MINUTE_MS;
  await app.run();
  assert.ok(app.puts.length <= 56, `${app.puts.length} of 300: a queue that was away, say`);
  const before = app.puts.length;
  app.time.nowMs += MINUTE_MS;
  await app.run();
  assert.equal(new Set(app.ids()).size, app.puts.length, 'others than before');
  assert.ok(app.puts.length > before);
});

test('a parked message of high priority does not wait behind the line', async () => {
  const app = releasing(['a@x.com']);
  wholeLine('a@x.com', app);
  for (let index = 0; index < 100; index++) await app.put({ mailbox: 'a@x.com' });
  const now = await app.put({ mailbox: 'a@x.com', priority: 'high' });
  const soon = await app.put({ mailbox: 'a@x.com', priority: 'high', dueAtMs: NOW_MS + 30_000 });
  await app.run();
  const high = app.puts.filter(({ priority }) => priority === 'high');
  assert.deepEqual(
    high.map(({ wakeUp, visibleAtMs }) => [wakeUp.messageId, wakeUp.place, visibleAtMs - NOW_MS]),
    [
      [now, undefined, 0],
      [soon, undefined, 29_000],
    ],
  );
});

test('mailboxes whose turn comes late in a run get as many places as the first', async () => {
  const app = releasing(['a@x.com'], ['b@x.com']);
  for (const mailbox of ['a@x.com', 'b@x.com']) for (let i = 0; i < 60; i++) await app.put({ mailbox });
  const { put } = app.wakeUps;
  app.wakeUps.put = async (...given) => {
    app.time.nowMs += 3_000;
    await put(...given);
  };
  await app.run();
  const counts = ['a@x.com', 'b@x.com'].map(
    mailbox => app.puts.filter(({ wakeUp }) => wakeUp.place?.mailbox === mailbox).length,
  );
  assert.equal(counts[0], counts[1]);
});

test('places name a mailbox as the settings write it, so that it is known again', async () => {
  const app = releasing(['Ada@X.com']);
  await app.put({ mailbox: 'Ada@X.com' });
  await app.run();
  assert.equal(app.puts[0]?.wakeUp.place?.mailbox, 'Ada@X.com');
});
