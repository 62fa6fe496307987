import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContentStore } from '../../shared/domain/content-ports.ts';
import type { MailSettings } from '../../shared/domain/mail-settings.ts';
import type { MessageStore } from '../../shared/domain/message-ports.ts';
import type { MessageRecord, MessageStatus } from '../../shared/domain/message-record.ts';
import type { LogFields } from '../../shared/domain/ports.ts';
import type { WakeUp } from '../../shared/domain/queue-ports.ts';
import { type ChangeDeps, cancelMessage, retryMessage } from '../../shared/usecases/change-message.ts';
import { memoryMessages } from '../support/memory-messages.ts';
import { messageRecord } from '../support/records.ts';
import { NOW_MS } from '../support/requests.ts';
import { storageAway } from '../support/virtual-exchange.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const OPERATOR = { id: 'test', isOperator: true };

/** One message as it stands in the table, and what may be done to it. */
function standing(changes: Partial<MessageRecord>) {
  const { claim: _claim, ...record } = messageRecord(['ada@example.com', 'bo@example.com'], changes);
  const table = memoryMessages();
  table.insert(record, Buffer.from('content'), { wakeAtMs: NOW_MS });
  const woken: WakeUp[] = [];
  const lines: LogFields[] = [];
  const state = { nowMs: NOW_MS, isQueueAway: false, isBusy: false };
  const deps: ChangeDeps = {
    settings: {
      deadlineMs: 24 * HOUR,
      retention: { afterSentMs: 0, afterFailureMs: 72 * HOUR },
    } as Partial<MailSettings> as MailSettings,
    store: {
      peek: async id => table.peek(id),
      write: async (next, etag, change) =>
        state.isBusy ? { ok: false, reason: 'conflict' } : table.write(next, etag, change),
    } as Partial<MessageStore> as MessageStore,
    contents: { delete: async () => {} } as Partial<ContentStore> as ContentStore,
    wakeUps: {
      async put(wakeUp) {
        if (state.isQueueAway) throw storageAway();
        woken.push(wakeUp);
      },
    },
    clock: {
      now: () => state.nowMs,
      random: () => 0,
      randomBytes: count => new Uint8Array(count),
      sleep: async () => {},
    },
  };
  const log = (_level: string, fields: LogFields) => void lines.push(fields);
  return {
    state,
    woken,
    lines,
    now: () => table.peek(record.id)?.record as MessageRecord,
    openRow: () => table.open.get(record.id),
    retry: () => retryMessage(deps, OPERATOR, record.id, log),
    cancel: () => cancelMessage(deps, OPERATOR, record.id, log),
  };
}

const ended = (status: MessageStatus, expiresAtMs?: number): Partial<MessageRecord> => ({
  status,
  finalAtMs: NOW_MS - MINUTE,
  deadlineAtMs: NOW_MS - MINUTE,
  ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
});

test('a message put back has a new deadline and keeps its expiresAt', async () => {
  for (const status of ['failed', 'unknown'] as const) {
    const { retry, now } = standing(ended(status, NOW_MS + MINUTE));
    assert.ok((await retry()).ok, status);
    assert.equal(now().status, 'queued');
    assert.equal(now().deadlineAtMs, NOW_MS + 24 * HOUR);
    assert.equal(now().expiresAtMs, NOW_MS + MINUTE);
  }
});

test('once its expiresAt has passed a message is not put back, and the refusal says when that was and what to do', async () => {
  for (const changes of [
    ended('failed', NOW_MS),
    ended('unknown', NOW_MS - HOUR),
    ended('expired', NOW_MS - HOUR),
    { ...ended('failed', NOW_MS - HOUR), content: { kind: 'inline', bytes: 7, eightBit: false, isDeleted: true } },
  ] satisfies Partial<MessageRecord>[]) {
    const { retry, now, woken } = standing(changes);
    const before = now();
    const answer = await retry();
    assert.ok(!answer.ok);
    assert.equal(answer.problem.status, 409);
    assert.equal(answer.problem.code, 'not_retryable');
    assert.equal(answer.problem.retryable, false);
    assert.ok(answer.problem.detail.includes(new Date(changes.expiresAtMs ?? 0).toISOString()), answer.problem.detail);
    assert.match(answer.problem.detail, /send it anew: POST \/api\/messages with a later expiresAt/);
    assert.deepEqual(now(), before);
    assert.deepEqual(woken, []);
  }
});

test('a message in another state is not put back because of its state, whatever its expiresAt', async () => {
  for (const status of ['queued', 'sending', 'deferred', 'sent', 'cancelled'] as const) {
    const answer = await standing({ status, expiresAtMs: NOW_MS - 1 }).retry();
    assert.ok(!answer.ok && answer.problem.code === 'not_retryable');
    assert.match(answer.problem.detail, new RegExp(`is ${status}`));
  }
});

test('a message is put back also while the queue is away: sweep wakes it', async () => {
  const { retry, state, openRow, lines } = standing(ended('failed'));
  state.isQueueAway = true;
  const answer = await retry();
  assert.ok(answer.ok);
  assert.equal(openRow()?.wakeAtMs, NOW_MS);
  assert.ok(lines.some(({ event }) => event === 'wakeup.failed'));
});

test('what nobody can have got is cancelled, once and again', async () => {
  for (const status of ['queued', 'deferred'] as const) {
    const { cancel, now } = standing({ status });
    for (let times = 0; times < 2; times++) {
      const answer = await cancel();
      assert.ok(answer.ok && answer.value.status === 'cancelled', status);
    }
    assert.equal(now().events.filter(event => event.status === 'cancelled').length, 1);
  }
});

test('what somebody may have got is not cancelled', async () => {
  const partly: Partial<MessageRecord> = {
    recipients: [
      { address: 'ada@example.com', outcome: 'accepted' },
      { address: 'bo@example.com', outcome: 'deferred' },
    ],
  };
  for (const changes of [partly, { resends: 1 }]) {
    const { cancel, now } = standing({ status: 'deferred', ...changes });
    const answer = await cancel();
    assert.ok(!answer.ok && answer.problem.code === 'not_cancellable' && !answer.problem.retryable);
    assert.match(answer.problem.detail, /may have reached some of its recipients/);
    assert.equal(now().status, 'deferred');
  }
});

test('a message that changes all the time: come again, with the time to wait', async () => {
  const queued = standing({ status: 'queued' });
  const failed = standing(ended('failed'));
  for (const { state } of [queued, failed]) state.isBusy = true;
  for (const answer of [await queued.cancel(), await failed.retry()]) {
    assert.ok(!answer.ok);
    assert.equal(answer.problem.status, 409);
    assert.equal(answer.problem.retryable, true);
    assert.ok((answer.problem.retryAfterSeconds ?? 0) > 0);
  }
});
