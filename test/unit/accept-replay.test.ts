import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AcceptBody, CallerRules } from '../../shared/domain/accept-input.ts';
import type { ContentStore } from '../../shared/domain/content-ports.ts';
import type { MessageStore } from '../../shared/domain/message-ports.ts';
import { type AcceptDeps, acceptMail } from '../../shared/usecases/accept-mail.ts';
import { callerLimits } from '../../shared/usecases/caller-limits.ts';
import { MAIL_SETTINGS } from '../support/mail-settings.ts';
import { memoryMessages } from '../support/memory-messages.ts';
import { manualClock, memoryUsage } from '../support/memory-usage.ts';
import { mailRequest } from '../support/requests.ts';

const turn = () => new Promise(resolve => setImmediate(resolve));

/** Acceptance on tables in memory, for one caller with limits; `instance` is another process on the same tables. */
function intake(rules: CallerRules) {
  const clock = manualClock();
  const [table, usage] = [memoryMessages(), memoryUsage()];
  const keyEnds = new Map<string, number>();
  let made = 0;
  let lookups = 0;
  let blobs = 0;
  function instance() {
    const deps: AcceptDeps = {
      settings: MAIL_SETTINGS,
      store: {
        async insert(...[record, content, options]: Parameters<MessageStore['insert']>) {
          await turn();
          return table.insert(record, content, options);
        },
        async findKey(row: string) {
          lookups++;
          await turn();
          const [known, expiresAtMs] = [table.findKey(row), keyEnds.get(row)];
          return known && { ...known, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) };
        },
      } as MessageStore,
      contents: {
        async putStream(_id, content) {
          blobs++;
          for await (const _chunk of content);
        },
        delete: async () => {},
      } as Partial<ContentStore> as ContentStore,
      wakeUps: { put: async () => {} },
      clock: { ...clock, now: () => clock.nowMs, randomBytes: count => new Uint8Array(count).fill(++made) },
      compose: async () => Buffer.from('Subject: x\r\n\r\n'),
      inlineBytes: 1000,
      limits: callerLimits(usage, clock),
    };
    const take = (body: AcceptBody, idempotencyKey?: string) =>
      acceptMail(
        deps,
        {
          caller: { id: 'caller:shop', isOperator: false, rules },
          channel: 'http',
          body,
          traceId: '0'.repeat(32),
          ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        },
        () => {},
      );
    return {
      send: (changes: Record<string, unknown> = {}, key?: string) =>
        take({ kind: 'request', value: mailRequest(changes) }, key),
      sendRaw: (body: string, key?: string) => {
        const text = `From: billing@contoso.com\r\nTo: ada@example.com\r\n\r\n${body}\r\n`;
        const chunks = (async function* () {
          for (let at = 0; at < text.length; at += 500) yield Buffer.from(text.slice(at, at + 500));
        })();
        return take({ kind: 'raw', chunks, options: { dryRun: false } }, key);
      },
    };
  }
  return {
    ...instance(),
    instance,
    clock,
    table,
    forgetKeysAt: (atMs: number) => {
      for (const { record } of table.rows.values()) keyEnds.set(record.idempotencyRow ?? '', atMs);
    },
    lookups: () => lookups,
    blobs: () => blobs,
  };
}

type Answer = Awaited<ReturnType<typeof acceptMail>>;
const told = (answer: Answer) => {
  if (!answer.ok) return answer.problem.code;
  return answer.value.kind === 'dryRun' ? 'dryRun' : `${answer.value.replayed ? 'again' : 'new'} ${answer.value.id}`;
};

test('a repeat gets the first answer also when the limit is used up, a new message does not', async () => {
  for (const rules of [{ messagesPerMinute: 2 }, { messagesPerDay: 2 }]) {
    const { send, table } = intake(rules);
    const first = told(await send({}, 'a')).replace('new', 'again');
    await send({ subject: 'Other' }, 'b');
    assert.equal(told(await send({ subject: 'Third' }, 'c')), 'rate_limited');
    for (let times = 0; times < 5; times++) assert.equal(told(await send({}, 'a')), first);
    assert.equal(told(await send({})), 'rate_limited');
    assert.equal(table.rows.size, 2);
  }
});

test('a key with other content is told as such also when the limit is used up', async () => {
  const { send } = intake({ messagesPerMinute: 1 });
  await send({}, 'a');
  assert.equal(told(await send({ subject: 'Other' }, 'a')), 'idempotency_key_reused');
});

test('repeats use nothing up, not even for another instance while they are under way', async () => {
  const { send, instance } = intake({ messagesPerMinute: 4 });
  const other = instance();
  await send({}, 'a');
  const repeats = Array.from({ length: 20 }, () => send({}, 'a'));
  const fresh = await Promise.all([1, 2, 3].map(number => other.send({ subject: `No. ${number}` })));
  assert.deepEqual(
    fresh.map(told).filter(answer => !answer.startsWith('new')),
    [],
  );
  assert.ok((await Promise.all(repeats)).every(answer => told(answer).startsWith('again')));
  assert.equal(told(await other.send({ subject: 'No. 4' })), 'rate_limited');
});

test('equal requests at once become one message and count one', async () => {
  const { send, table } = intake({ messagesPerMinute: 20 });
  const answers = await Promise.all(Array.from({ length: 20 }, () => send({}, 'a')));
  assert.equal(answers.map(told).filter(answer => answer.startsWith('new')).length, 1);
  assert.equal(answers.map(told).filter(answer => answer.startsWith('again')).length, 19);
  assert.equal(table.rows.size, 1);
  const rest = await Promise.all(Array.from({ length: 20 }, (_, index) => send({ subject: `No. ${index}` })));
  assert.equal(rest.map(told).filter(answer => answer.startsWith('new')).length, 19);
});

test('equal requests at once are not refused for one another', async () => {
  const { send, table } = intake({ messagesPerMinute: 2 });
  const equal = Array.from({ length: 20 }, () => send({}, 'a'));
  assert.match(told(await send({ subject: 'Other' })), /^new/);
  const answers = (await Promise.all(equal)).map(told);
  assert.deepEqual(
    answers.filter(answer => !/^(new|again)/.test(answer)),
    [],
  );
  assert.equal(table.rows.size, 2);
  assert.equal(told(await send({ subject: 'Third' })), 'rate_limited');
});

test('a raw mail that is repeated is compared to its end and stored nowhere', async () => {
  const { sendRaw, blobs } = intake({ messagesPerMinute: 1 });
  const body = 'x'.repeat(70).concat('\r\n').repeat(50);
  const first = told(await sendRaw(body, 'a'));
  assert.match(first, /^new/);
  assert.equal(told(await sendRaw(body, 'a')), first.replace('new', 'again'));
  assert.equal(told(await sendRaw(`${body}y`, 'a')), 'idempotency_key_reused');
  assert.equal(blobs(), 1);
  assert.equal(told(await sendRaw(body, 'b')), 'rate_limited');
});

test('a key whose time is over makes a new message, which counts', async () => {
  const { send, clock, forgetKeysAt } = intake({ messagesPerMinute: 1 });
  await send({}, 'a');
  forgetKeysAt(clock.nowMs);
  assert.equal(told(await send({}, 'a')), 'rate_limited');
});

test('a dry run is one, whatever its key and its times', async () => {
  const { send, clock } = intake({ messagesPerMinute: 1 });
  const soon = { expiresAt: new Date(clock.nowMs + 60_000).toISOString() };
  await send(soon, 'a');
  assert.equal(told(await send({ ...soon, dryRun: true }, 'a')), 'dryRun');
  clock.nowMs += 70_000;
  assert.match(told(await send(soon, 'a')), /^again/);
  assert.equal(told(await send({ ...soon, dryRun: true }, 'a')), 'request_invalid');
});

test('the key is looked for only where messages are counted', async () => {
  const free = intake({});
  await free.send({}, 'a');
  assert.match(told(await free.send({}, 'a')), /^again/);
  assert.equal(free.lookups(), 0);
  const limited = intake({ messagesPerDay: 9 });
  await limited.send({});
  assert.equal(limited.lookups(), 0);
});
