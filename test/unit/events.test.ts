import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventBody } from '../../shared/domain/event-body.ts';
import { nextTry, retryAfterMs } from '../../shared/domain/event-retry.ts';
import { type EventTask, eventNoter, readEventTask, tasksOf } from '../../shared/domain/event-task.ts';
import { EVENT_TYPES, type EventRef, eventId, eventOf } from '../../shared/domain/events.ts';
import { ServiceFailure } from '../../shared/domain/failure.ts';
import type { MessageRecord } from '../../shared/domain/message-record.ts';
import type { Clock, LogFields } from '../../shared/domain/ports.ts';
import type { PoisonMessage } from '../../shared/domain/queue-ports.ts';
import type { Webhook, WebhookAnswer, WebhookPost } from '../../shared/domain/webhook.ts';
import { type DeliverEventDeps, deliverEvent } from '../../shared/usecases/deliver-event.ts';
import { eventSink } from '../../shared/usecases/emit-events.ts';
import { sweepEvents } from '../../shared/usecases/sweep-events.ts';
import { webhookRest } from '../../shared/usecases/webhook-rest.ts';
import { messageRecord } from '../support/records.ts';
import { NOW_MS } from '../support/requests.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function webhook(changes: Partial<Webhook> = {}): Webhook {
  return {
    url: { kind: 'value', value: 'https://hooks.example.com/a?sig=CANARY' },
    secret: { kind: 'value', value: SECRET },
    allowPrivate: false,
    ...changes,
  };
}

const sent = (changes: Partial<MessageRecord> = {}): MessageRecord =>
  messageRecord(['ada@example.com'], {
    status: 'sent',
    metadata: { order: '7' },
    recipients: [{ address: 'ada@example.com', outcome: 'accepted', reply: '250 2.0.0 OK' }],
    reply: '250 2.0.0 OK',
    events: [
      { atMs: NOW_MS - 2000, status: 'queued' },
      { atMs: NOW_MS - 1000, status: 'sending', attempt: 1 },
      { atMs: NOW_MS, status: 'sent', attempt: 1, reply: '250 2.0.0 OK' },
    ],
    ...changes,
  });

/** Everything that events need, in memory, with what it was asked to do. */
function world(options: { webhooks?: readonly Webhook[]; record?: MessageRecord } = {}) {
  const puts: { task: EventTask; delayMs: number }[] = [];
  const posts: WebhookPost[] = [];
  const lines: LogFields[] = [];
  const poison: PoisonMessage[] = [];
  const notes = new Map<string, EventRef>();
  const state = {
    nowMs: NOW_MS,
    answer: { kind: 'answered', status: 204 } as WebhookAnswer,
    answerMs: 0,
    isAway: false,
  };
  const clock: Clock = {
    now: () => state.nowMs,
    random: () => 0,
    randomBytes: count => new Uint8Array(count),
    sleep: async () => undefined,
  };
  const record = options.record ?? sent();
  const deps: DeliverEventDeps = {
    webhooks: options.webhooks ?? [webhook()],
    clock,
    queue: {
      async put(task, delayMs) {
        if (state.isAway) throw new ServiceFailure('queue storage: put failed', { stage: 'storage' });
        puts.push({ task, delayMs });
      },
      receivePoison: async () => poison,
    },
    store: { peek: async id => (id === record.id ? { record, etag: '1' } : undefined) },
    async post(one) {
      posts.push(one);
      state.nowMs += state.answerMs;
      return state.answer;
    },
    async secret(name) {
      if (name === 'away') throw new ServiceFailure('Key Vault: read away failed with 503', { stage: 'vault' });
      return name === 'hook-url' ? 'https://vault.example.com/' : SECRET;
    },
    rest: webhookRest(clock.now),
  };
  const outbox = {
    pending: async () => [...notes.values()],
    async done(event: EventRef) {
      notes.delete(eventId(event));
    },
  };
  return {
    ...deps,
    deps,
    outbox,
    record,
    puts,
    posts,
    lines,
    poison,
    notes,
    state,
    log: (_: string, f: LogFields) => void lines.push(f),
  };
}

test('an event is named by its message and its place, the same at every delivery', () => {
  const first = eventOf(sent());
  assert.ok(first);
  assert.deepEqual(first, { messageId: sent().id, status: 'sent', atMs: NOW_MS, attempt: 1 });
  assert.equal(eventId(first), `${first.messageId}_sent`);
  const deferred = { ...first, status: 'deferred' as const };
  assert.notEqual(eventId(deferred), eventId({ ...deferred, atMs: NOW_MS + 1 }), 'a message may be deferred often');
  assert.equal(eventOf(messageRecord()), undefined, 'sending is no event');
});

test('each webhook that wants the type gets a task of its own, small whatever the message', () => {
  const webhooks = [
    webhook(),
    webhook({ url: { kind: 'secret', name: 'hook-url' }, types: ['message.failed'] }),
    webhook({ url: { kind: 'value', value: 'https://b.example.com' }, types: ['message.sent'] }),
  ];
  const event = eventOf(sent());
  assert.ok(event);
  const tasks = tasksOf(webhooks, event);
  assert.equal(tasks.length, 2);
  assert.notEqual(tasks[0]?.webhook, tasks[1]?.webhook);
  assert.ok(JSON.stringify(tasks[0]).length < 300);
  assert.deepEqual(readEventTask(JSON.parse(JSON.stringify(tasks[0]))), tasks[0]);
  assert.equal(eventNoter([webhooks[1] as Webhook])(sent()), undefined);
});

test('what is no task is not taken for one', () => {
  const task = { messageId: sent().id, status: 'sent', atMs: 1, webhook: 'x', tries: 0 };
  assert.ok(readEventTask(task));
  for (const change of [{ messageId: 'x' }, { status: 'sending' }, { atMs: '1' }, { tries: -1 }, { webhook: 1 }])
    assert.equal(readEventTask({ ...task, ...change }), undefined, JSON.stringify(change));
  for (const value of [undefined, null, 'text', 7, []]) assert.equal(readEventTask(value), undefined);
});

test('the body tells the step as it was, and the recipients as they are', () => {
  const record = sent({
    events: [
      {
        atMs: NOW_MS - HOUR,
        status: 'deferred',
        attempt: 1,
        reply: '451 4.3.2 busy',
        code: 'smtp_too_many_connections',
      },
      { atMs: NOW_MS, status: 'sent', attempt: 2, reply: '250 2.0.0 OK' },
    ],
  });
  const now = JSON.parse(eventBody(eventOf(record) as EventRef, record));
  assert.deepEqual(now, {
    type: 'message.sent',
    timestamp: new Date(NOW_MS).toISOString(),
    data: {
      messageId: record.id,
      status: 'sent',
      from: 'billing@contoso.com',
      mailbox: 'billing@contoso.com',
      metadata: { order: '7' },
      attempt: 2,
      recipients: [{ address: 'ada@example.com', outcome: 'accepted', reply: '250 2.0.0 OK' }],
      reply: '250 2.0.0 OK',
    },
  });
  const late = JSON.parse(eventBody({ messageId: record.id, status: 'deferred', atMs: NOW_MS - HOUR }, record));
  assert.equal(late.type, 'message.deferred');
  assert.equal(late.data.status, 'deferred');
  assert.equal(late.data.attempt, 1);
  assert.equal(late.data.reply, '451 4.3.2 busy');
  assert.equal(late.data.diagnosis.code, 'smtp_too_many_connections');
  assert.ok(late.data.diagnosis.remedy.length > 0);
  const dropped = JSON.parse(eventBody({ messageId: record.id, status: 'deferred', atMs: 1, attempt: 9 }, record));
  assert.deepEqual([dropped.data.attempt, dropped.data.reply, dropped.data.diagnosis], [9, undefined, undefined]);
});

test('the waits grow from ten seconds to hours and end within a day', () => {
  let task: EventTask = { messageId: 'x', status: 'sent', atMs: NOW_MS, webhook: 'x', tries: 0 };
  let nowMs = NOW_MS;
  const waits: number[] = [];
  for (let next = nextTry(task, nowMs, 0.999); next; next = nextTry(task, nowMs, 0.999)) {
    task = next.task;
    nowMs += next.delayMs;
    waits.push(next.delayMs);
    assert.equal(task.sinceMs, NOW_MS);
  }
  assert.ok(waits.length >= 9);
  assert.deepEqual(
    waits,
    [...waits].sort((a, b) => a - b),
  );
  assert.ok((waits[0] ?? 0) >= 10_000 && (waits[0] ?? 0) <= 11_000);
  assert.ok(nowMs - NOW_MS > 12 * HOUR && nowMs - NOW_MS <= 25 * HOUR, String((nowMs - NOW_MS) / HOUR));
});

test('Retry-After is seconds or a date, counts when longer, and cannot hold an event for more than a day', () => {
  assert.equal(retryAfterMs('120', NOW_MS), 120_000);
  assert.equal(retryAfterMs(new Date(NOW_MS + 90_000).toUTCString(), NOW_MS), 90_000);
  for (const header of [undefined, '', '-1', 'soon', '1e9']) assert.equal(retryAfterMs(header, NOW_MS), 0, header);
  const task: EventTask = { messageId: 'x', status: 'sent', atMs: NOW_MS, webhook: 'x', tries: 0 };
  assert.equal(nextTry(task, NOW_MS, 0, 120_000)?.delayMs, 120_000);
  assert.equal(nextTry(task, NOW_MS, 0, 1_000)?.delayMs, 10_000);
  assert.equal(nextTry(task, NOW_MS, 0, 48 * HOUR), undefined);
});

test('emit puts the tasks and then takes the note; what fails is logged and stays noted', async () => {
  const w = world();
  const event = eventOf(w.record) as EventRef;
  w.notes.set(eventId(event), event);
  w.state.isAway = true;
  await eventSink({ ...w.deps, outbox: w.outbox }).emit(w.record, w.log);
  assert.equal(w.notes.size, 1);
  assert.deepEqual(
    w.lines.map(line => [line.event, line.messageId]),
    [['webhook.left', w.record.id]],
  );
  w.state.isAway = false;
  await eventSink({ ...w.deps, outbox: w.outbox }).emit(w.record, w.log);
  assert.equal(w.notes.size, 0);
  assert.equal(w.puts.length, 1);
  await eventSink({ ...w.deps, outbox: w.outbox }).emit(messageRecord(), w.log);
  assert.equal(w.puts.length, 1, 'a state that is no event');
});

test('2xx: posted once, signed, and done', async () => {
  const w = world();
  const [task] = tasksOf(w.webhooks, eventOf(w.record) as EventRef);
  await deliverEvent(w.deps, task as EventTask, w.log);
  const [post] = w.posts;
  assert.equal(post?.url.href, 'https://hooks.example.com/a?sig=CANARY');
  assert.equal(post?.headers['webhook-id'], `${w.record.id}_sent`);
  assert.match(post?.headers['webhook-signature'] ?? '', /^v1,[A-Za-z0-9+/]{43}=$/);
  assert.deepEqual(w.puts, []);
  assert.deepEqual(
    w.lines.map(line => [line.event, line.detail]),
    [['webhook.delivered', 'hooks.example.com: answered 204']],
  );
});

test('anything but 2xx and 410 is put back with the count in the task', async () => {
  const answers: readonly (readonly [WebhookAnswer, number | undefined])[] = [
    [{ kind: 'answered', status: 500 }, 10_000],
    [{ kind: 'answered', status: 302 }, 10_000],
    [{ kind: 'answered', status: 404 }, 10_000],
    [{ kind: 'answered', status: 429, retryAfter: '90' }, 90_000],
    [{ kind: 'failed', reason: 'ECONNREFUSED' }, 10_000],
    [{ kind: 'failed', reason: 'address_not_allowed' }, 10_000],
    [{ kind: 'answered', status: 410 }, undefined],
  ];
  for (const [answer, delayMs] of answers) {
    const w = world();
    w.state.answer = answer;
    const [task] = tasksOf(w.webhooks, eventOf(w.record) as EventRef);
    await deliverEvent(w.deps, task as EventTask, w.log);
    assert.equal(w.puts[0]?.delayMs, delayMs, JSON.stringify(answer));
    if (delayMs !== undefined) assert.equal(w.puts[0]?.task.tries, 1);
    assert.equal(w.lines.at(-1)?.event, delayMs === undefined ? 'webhook.abandoned' : 'webhook.failed');
    assert.doesNotMatch(JSON.stringify(w.lines), /CANARY|whsec_|ada@|billing@/);
  }
});

test('the last try fails: given up, with an error in the log', async () => {
  const w = world();
  w.state.answer = { kind: 'answered', status: 503 };
  const [task] = tasksOf(w.webhooks, eventOf(w.record) as EventRef);
  await deliverEvent(w.deps, { ...(task as EventTask), tries: 10, sinceMs: NOW_MS - 24 * HOUR }, w.log);
  assert.deepEqual(w.puts, []);
  assert.equal(w.lines.at(-1)?.event, 'webhook.abandoned');
});

test('record or webhook gone: dropped; vault away: tried again; storage away: left to the host', async () => {
  const w = world();
  const [task] = tasksOf(w.webhooks, eventOf(w.record) as EventRef) as [EventTask];
  await deliverEvent(w.deps, { ...task, messageId: '01KAK7T0000000000000000001' }, w.log);
  await deliverEvent({ ...w.deps, webhooks: [] }, task, w.log);
  assert.deepEqual(
    w.lines.map(line => line.event),
    ['webhook.dropped', 'webhook.dropped'],
  );
  assert.deepEqual([w.posts, w.puts], [[], []]);

  const vault = world({
    webhooks: [webhook({ url: { kind: 'secret', name: 'hook-url' }, secret: { kind: 'secret', name: 'away' } })],
  });
  const [vaultTask] = tasksOf(vault.webhooks, eventOf(vault.record) as EventRef) as [EventTask];
  await deliverEvent(vault.deps, vaultTask, vault.log);
  assert.equal(vault.puts[0]?.delayMs, 10_000);
  assert.equal(vault.posts.length, 0);

  w.state.answer = { kind: 'answered', status: 500 };
  w.state.isAway = true;
  await assert.rejects(deliverEvent(w.deps, task, w.log), { name: 'ServiceFailure' });
});

test('a receiver that does not answer is rested, uncounted, and then tried by one at a time', async () => {
  const w = world();
  const [task] = tasksOf(w.webhooks, eventOf(w.record) as EventRef) as [EventTask];
  w.state.answer = { kind: 'failed', reason: 'timeout' };
  w.state.answerMs = 10_000;
  for (let tries = 0; tries < 3; tries++) await deliverEvent(w.deps, task, w.log);
  assert.equal(w.posts.length, 3);
  await deliverEvent(w.deps, task, w.log);
  assert.equal(w.posts.length, 3, 'not called');
  assert.deepEqual(w.puts.at(-1), { task: { ...task, sinceMs: w.state.nowMs }, delayMs: 30_000 });
  w.state.nowMs += 31_000;
  w.state.answer = { kind: 'answered', status: 200 };
  w.state.answerMs = 20;
  assert.equal(w.rest.enter(task.webhook), 0);
  assert.ok(w.rest.enter(task.webhook) > 0, 'a second one waits for the first');
  w.rest.leave(task.webhook, undefined);
  await deliverEvent(w.deps, task, w.log);
  assert.equal(w.posts.length, 4);
  assert.equal(w.rest.enter(task.webhook), 0);
  assert.equal(w.rest.enter(task.webhook), 0);
  await deliverEvent(w.deps, task, w.log);
  assert.equal(w.posts.length, 5);
});

test('sweep emits what a crash left, once it is two minutes old, and nothing of last week', async () => {
  const w = world();
  const ref = (name: string, atMs: number): EventRef => ({
    messageId: `01KAK7T000000000000000000${name}`,
    status: 'sent',
    atMs,
  });
  const [left, fresh, stale] = [ref('1', NOW_MS - 121_000), ref('2', NOW_MS - 60_000), ref('3', NOW_MS - 48 * HOUR)];
  for (const event of [left, fresh, stale]) w.notes.set(eventId(event), event);
  assert.equal(await sweepEvents({ ...w.deps, outbox: w.outbox }, w.log), 2);
  assert.deepEqual(
    w.puts.map(put => put.task.messageId),
    [left.messageId],
  );
  assert.deepEqual([...w.notes.values()], [fresh]);
  assert.equal(await sweepEvents(undefined, w.log), 0);
  w.state.isAway = true;
  w.notes.set(eventId(left), left);
  assert.equal(await sweepEvents({ ...w.deps, outbox: w.outbox }, w.log), 0);
  assert.equal(w.lines.at(-1)?.event, 'sweep.failed');
  assert.ok(w.notes.has(eventId(left)));
});

test('what the host gave up goes back with its count raised; what is no event is dropped', async () => {
  const w = world();
  const [task] = tasksOf(w.webhooks, eventOf(w.record) as EventRef) as [EventTask];
  let done = 0;
  const poison = (text: string) => ({
    queue: 'mail-events-poison',
    text,
    insertedAtMs: NOW_MS,
    done: async () => void done++,
  });
  w.poison.push(
    poison(JSON.stringify({ ...task, tries: 2 })),
    poison('{'),
    poison(JSON.stringify({ ...task, tries: 99 })),
  );
  assert.equal(await sweepEvents({ ...w.deps, outbox: w.outbox }, w.log), 3);
  assert.equal(done, 3);
  assert.deepEqual(
    w.puts.map(put => put.task.tries),
    [3],
  );
  assert.deepEqual(
    w.lines.map(line => line.event),
    ['webhook.dropped', 'webhook.dropped', 'webhook.swept'],
  );
});

test('there is an event type for every state that ends or delays a message', () => {
  assert.deepEqual(
    [...EVENT_TYPES].sort(),
    ['cancelled', 'deferred', 'expired', 'failed', 'sent', 'unknown'].map(status => `message.${status}`),
  );
});
