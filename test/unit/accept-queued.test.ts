import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContentStore } from '../../shared/domain/content-ports.ts';
import { ServiceFailure } from '../../shared/domain/failure.ts';
import type { MessageStore } from '../../shared/domain/message-ports.ts';
import type { RequestQueues } from '../../shared/domain/queue-ports.ts';
import type { AcceptDeps } from '../../shared/usecases/accept-mail.ts';
import { acceptQueued, PUT_BACK_FROM_DEQUEUE } from '../../shared/usecases/accept-queued.ts';
import { MAIL_SETTINGS } from '../support/mail-settings.ts';
import { memoryMessages } from '../support/memory-messages.ts';
import { mailRequest, NOW_MS } from '../support/requests.ts';
import { storageAway } from '../support/virtual-exchange.ts';

function depsOf(store: MessageStore, requests: RequestQueues): AcceptDeps & { readonly requests: RequestQueues } {
  let made = 0;
  return {
    settings: MAIL_SETTINGS,
    store,
    requests,
    contents: {} as ContentStore,
    wakeUps: { put: async () => {} },
    clock: {
      now: () => NOW_MS,
      random: () => 0,
      randomBytes: count => new Uint8Array(count).fill(++made),
      sleep: async () => {},
    },
    compose: async () => Buffer.from('Subject: x\r\n\r\n'),
    inlineBytes: 1000,
  };
}

test('a request that waits outside the queue keeps its key: taken again it is the same message', async () => {
  const table = memoryMessages();
  const waiting: string[] = [];
  let isAway = true;
  const requests: RequestQueues = {
    poisonRequest: async () => assert.fail('nothing is wrong with the request'),
    retryRequest: async text => void waiting.push(text),
    // As a request that is too large for its queue comes back: by name.
    unwrapRequest: async value => {
      const name = (value as { requestBlob?: unknown }).requestBlob;
      return typeof name === 'string' ? JSON.parse(waiting[Number(name)] ?? '') : value;
    },
    receivePoison: async () => [],
  };
  const store = {
    insert: async (...[record, content, options]: Parameters<MessageStore['insert']>) => {
      if (isAway) throw storageAway();
      return table.insert(record, content, options);
    },
  } as MessageStore;
  const deps = depsOf(store, requests);
  const take = (value: unknown, queueMessageId: string, dequeueCount: number) =>
    acceptQueued(
      deps,
      { value, text: JSON.stringify(value), queueMessageId, insertedAtMs: NOW_MS, dequeueCount },
      () => {},
    );
  const request = mailRequest();
  await assert.rejects(take(request, 'first', PUT_BACK_FROM_DEQUEUE - 1), ServiceFailure);
  await take(request, 'first', PUT_BACK_FROM_DEQUEUE);
  assert.deepEqual(waiting, [JSON.stringify({ idempotencyKey: 'first', ...request })]);
  await take({ requestBlob: '0' }, 'second', PUT_BACK_FROM_DEQUEUE);
  assert.equal(waiting[1], waiting[0], 'put back again it is the same text');
  isAway = false;
  await take({ requestBlob: '1' }, 'third', 1);
  await take({ requestBlob: '0' }, 'fourth', 1);
  await take(request, 'first', PUT_BACK_FROM_DEQUEUE + 1);
  assert.equal(table.rows.size, 1);
});

test('what is no request waits word for word while storage is away, and is refused under its own text', async () => {
  const table = memoryMessages();
  const waiting: string[] = [];
  const poison: string[] = [];
  let isAway = true;
  const store = {
    insert: async (...[record, content, options]: Parameters<MessageStore['insert']>) => {
      if (isAway) throw storageAway();
      return table.insert(record, content, options);
    },
    noteKey: async () => {},
  } as unknown as MessageStore;
  const deps = depsOf(store, {
    poisonRequest: async text => void poison.push(text),
    retryRequest: async text => void waiting.push(text),
    unwrapRequest: async value => value,
    receivePoison: async () => [],
  });
  const take = (value: unknown, text: string, queueMessageId: string, dequeueCount: number) =>
    acceptQueued(deps, { value, text, queueMessageId, insertedAtMs: NOW_MS, dequeueCount }, () => {});
  const texts = ['{"to": broken', '[1,2]', '5', 'null'];
  const bodyOf = (text: string): unknown => (text.endsWith('broken') ? text : JSON.parse(text));
  for (const text of texts) await take(bodyOf(text), text, `first of ${text}`, PUT_BACK_FROM_DEQUEUE);
  assert.deepEqual(waiting, texts);
  isAway = false;
  for (const text of waiting) await take(bodyOf(text), text, `second of ${text}`, 1);
  assert.deepEqual(poison, texts);
  assert.deepEqual(
    [...table.rows.values()].map(row => row.record.code),
    texts.map(() => 'request_not_json'),
  );
});
