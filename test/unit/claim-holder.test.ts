import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceFailure } from '../../shared/domain/failure.ts';
import type { MessageStore } from '../../shared/domain/message-ports.ts';
import { RENEW_EVERY_MS } from '../../shared/domain/schedule.ts';
import { ClaimLostError, holdClaim } from '../../shared/usecases/claim-holder.ts';
import { memoryMessages } from '../support/memory-messages.ts';
import { messageRecord } from '../support/records.ts';
import { NOW_MS } from '../support/requests.ts';
import { storageAway } from '../support/virtual-exchange.ts';

/** A claimed message, its holder, and a store that loses the answers of as many writes as it is told. */
function held(onLost = () => {}) {
  const table = memoryMessages();
  const record = messageRecord(['ada@example.com'], {
    claim: { token: 'mine', untilMs: NOW_MS + 120_000, phase: 'content' },
  });
  table.insert(record, undefined, { wakeAtMs: NOW_MS });
  const told = { lostAnswers: 0, writes: 0 };
  const store = {
    peek: async (id: string) => table.peek(id),
    async write(...[changed, etag, open]: Parameters<MessageStore['write']>) {
      told.writes++;
      const written = table.write(changed, etag, open);
      if (told.lostAnswers-- > 0) throw storageAway();
      return written;
    },
  } as MessageStore;
  const clock = {
    now: () => NOW_MS + 1000 * told.writes,
    random: () => 0,
    randomBytes: () => new Uint8Array(),
    sleep: async () => {},
  };
  const holder = holdClaim(store, clock, record, table.peek(record.id)?.etag ?? '', onLost);
  const now = () => table.peek(record.id)?.record;
  return { table, holder, told, now, id: record.id };
}

test('a renewal whose answer is lost was made all the same, and the next write finds its way', async () => {
  const { holder, told, now } = held();
  try {
    told.lostAnswers = 1;
    await assert.rejects(holder.enter('content'), ServiceFailure);
    await holder.enter('final');
    assert.equal(now()?.claim?.phase, 'final');
    assert.equal(now()?.claim?.token, 'mine');
  } finally {
    holder.stop();
  }
});

test('who finds another token in the record has lost the claim', async () => {
  const { table, holder, now, id } = held();
  try {
    const stored = table.peek(id);
    assert.ok(stored);
    const theirs = { token: 'theirs', untilMs: NOW_MS + 1e6, phase: 'content' as const };
    assert.ok(table.write({ ...stored.record, claim: theirs }, stored.etag, { kind: 'untouched' }).ok);
    await assert.rejects(holder.enter('final'), ClaimLostError);
    assert.deepEqual(now()?.claim, theirs);
  } finally {
    holder.stop();
  }
});

test('a generation that sweep has raised is not taken back by any later write', async () => {
  const { table, holder, now, id } = held();
  try {
    const row = table.open.get(id);
    assert.ok(row);
    assert.equal(table.release([{ row, wakeAtMs: NOW_MS }], NOW_MS).length, 1);
    await holder.enter('content');
    await holder.enter('final');
    assert.equal(now()?.generation, 2);
    const { claim: _claim, ...settled } = holder.current();
    assert.ok((await holder.settle({ ...settled, status: 'deferred', generation: 1 }, { kind: 'put' })).ok);
    assert.equal(now()?.generation, 2);
    assert.equal(table.open.get(id)?.generation, 2);
  } finally {
    holder.stop();
  }
});

test('a renewal that is due when the outcome has been written writes nothing', async t => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let losses = 0;
  const { holder, told, now } = held(() => losses++);
  t.mock.timers.tick(RENEW_EVERY_MS);
  const { claim: _claim, ...settled } = holder.current();
  const outcome = holder.settle({ ...settled, status: 'sent', finalAtMs: NOW_MS }, { kind: 'remove' });
  t.mock.timers.tick(RENEW_EVERY_MS);
  assert.ok((await outcome).ok);
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(told.writes, 2, 'one renewal, then the outcome');
  assert.equal(now()?.status, 'sent');
  assert.equal(now()?.claim, undefined);
  assert.equal(losses, 0);
  holder.stop();
});
