import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterRefusedFrom, afterSentFrom, type HeldFrom, heldUntilMs } from '../../shared/domain/held-from.ts';
import { answerAsks, type MailboxState, NEW_MAILBOX } from '../../shared/domain/pacing.ts';
import { EXCHANGE_ONLINE_LIMITS } from '../../shared/domain/sender.ts';
import { NOW_MS } from '../support/requests.ts';

const MINUTE_MS = 60_000;
const FROM = 'sales@contoso.com';

function refused(times: number, held: HeldFrom = []): HeldFrom {
  let now = held;
  for (let time = 0; time < times; time++) now = afterRefusedFrom(now, FROM, NOW_MS);
  return now;
}

test('two refusals hold nothing back, the third a quarter of an hour, each further one twice as long, four hours at most', () => {
  assert.equal(heldUntilMs(refused(2), FROM, NOW_MS), undefined);
  for (const [times, minutes] of [
    [3, 15],
    [4, 30],
    [5, 60],
    [12, 240],
  ] as const)
    assert.equal(heldUntilMs(refused(times), FROM, NOW_MS), NOW_MS + minutes * MINUTE_MS, `${times} refusals`);
  assert.equal(heldUntilMs(refused(3), 'SALES@contoso.com', NOW_MS), NOW_MS + 15 * MINUTE_MS, 'in any case of letters');
});

test('another From of the same mailbox goes on; the held one waits, then has one trial, and is free after a message that went', () => {
  const ask = (state: MailboxState, from: string, nowMs: number) => {
    const answered = answerAsks(state, [{ isHigh: true, recipients: 1, from }], EXCHANGE_ONLINE_LIMITS, nowMs);
    return { state: answered.state, answer: answered.answers[0] };
  };
  let state: MailboxState = { ...NEW_MAILBOX, heldFrom: refused(3) };
  assert.equal(ask(state, FROM, NOW_MS).answer?.kind, 'held');
  assert.equal(ask(state, 'info@contoso.com', NOW_MS).answer?.kind, 'turn');
  const trial = ask(state, FROM, NOW_MS + 15 * MINUTE_MS);
  assert.equal(trial.answer?.kind, 'turn');
  assert.equal(ask(trial.state, FROM, NOW_MS + 15 * MINUTE_MS + 1_000).answer?.kind, 'held', 'one trial at a time');
  state = { ...trial.state, heldFrom: afterSentFrom(trial.state.heldFrom ?? [], FROM) };
  assert.equal(ask(state, FROM, NOW_MS + 15 * MINUTE_MS + 3_000).answer?.kind, 'turn');
});

test('no more than fifty addresses are remembered, and none for longer than a day after its last refusal', () => {
  let held: HeldFrom = [];
  for (let index = 0; index < 80; index++) held = afterRefusedFrom(held, `a${index}@contoso.com`, NOW_MS);
  assert.equal(held.length, 50);
  held = afterRefusedFrom(held, FROM, NOW_MS + 25 * 60 * MINUTE_MS);
  assert.equal(held.length, 1);
});
