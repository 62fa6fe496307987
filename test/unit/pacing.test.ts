import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  afterFailure,
  afterGoodProbe,
  afterSuccess,
  type Breaker,
  CLOSED,
  passage,
} from '../../shared/domain/breaker.ts';
import {
  type Ask,
  answerAsks,
  giveTurnBack,
  type MailboxState,
  moveTurn,
  NEW_MAILBOX,
  promiseWakeUps,
  recipientsUsed,
  turnMs,
  turnsUsed,
} from '../../shared/domain/pacing.ts';
import { EXCHANGE_ONLINE_LIMITS as LIMITS } from '../../shared/domain/sender.ts';
import { NOW_MS } from '../support/requests.ts';

const one: Ask = { isHigh: false, recipients: 1 };

test('an idle mailbox sends at once', () => {
  const { answers } = answerAsks(NEW_MAILBOX, [one], LIMITS, NOW_MS);
  assert.deepEqual(answers, [{ kind: 'turn', atMs: NOW_MS, isTrial: false }]);
});

test('whatever is asked when, no minute holds more turns than the limit, with half a second to spare each way', () => {
  const limits = fc.integer({ min: 1, max: 600 }).map(messagesPerMinute => ({ ...LIMITS, messagesPerMinute }));
  const steps = fc.array(
    fc.record({
      waitMs: fc.integer({ min: 0, max: 5_000 }),
      asks: fc.array(fc.record({ isHigh: fc.boolean(), recipients: fc.constant(1) }), { maxLength: 12 }),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(limits, steps, (limit, sequence) => {
      const turns: number[] = [];
      let state: MailboxState = NEW_MAILBOX;
      let now = NOW_MS;
      for (const { waitMs, asks } of sequence) {
        now += waitMs;
        const answered = answerAsks(state, asks, limit, now);
        state = answered.state;
        for (const answer of answered.answers) if (answer.kind === 'turn') turns.push(answer.atMs);
      }
      turns.sort((a, b) => a - b);
      for (let i = 0; i + limit.messagesPerMinute < turns.length; i++) {
        const span = (turns[i + limit.messagesPerMinute] as number) - (turns[i] as number);
        assert.ok(span >= 61_000, `${limit.messagesPerMinute + 1} turns within ${span} ms`);
      }
    }),
  );
});

test('a backlog uses the whole rate: n messages take n ÷ rate', () => {
  let state: MailboxState = NEW_MAILBOX;
  let now = NOW_MS;
  let sent = 0;
  const waiting: { atMs: number }[] = Array.from({ length: 300 }, () => ({ atMs: NOW_MS }));
  while (sent < 300) {
    waiting.sort((a, b) => a.atMs - b.atMs);
    const next = waiting.shift();
    assert.ok(next);
    now = Math.max(now, next.atMs);
    const { state: written, answers } = answerAsks(state, [one], LIMITS, now);
    state = written;
    const [answer] = answers;
    if (answer?.kind === 'turn') sent++;
    else if (answer?.kind === 'later') waiting.push({ atMs: answer.atMs });
    else waiting.push({ atMs: now + 60_000 });
  }
  assert.ok(state.nextTurnMs - NOW_MS <= 300 * 2_000 * 1.05, `${(state.nextTurnMs - NOW_MS) / 1000} s`);
});

test('a message of high priority waits for no more than five turns, however many normal ones wait', () => {
  const { state } = answerAsks(
    NEW_MAILBOX,
    Array.from({ length: 5_000 }, () => one),
    LIMITS,
    NOW_MS,
  );
  for (const messagesPerMinute of [30, 300, 3_000]) {
    const limits = { ...LIMITS, messagesPerMinute };
    const crowded = answerAsks(
      NEW_MAILBOX,
      Array.from({ length: 5_000 }, () => one),
      limits,
      NOW_MS,
    ).state;
    const [answer] = answerAsks(crowded, [{ isHigh: true, recipients: 1 }], limits, NOW_MS).answers;
    assert.ok(answer?.kind === 'turn' && answer.atMs - NOW_MS <= 5 * turnMs(limits), JSON.stringify(answer));
  }
  assert.ok(state.promisedMs - NOW_MS <= 125_000);
});

test('parked messages get wake-ups a turn apart, as many as the time holds', () => {
  const { wakeAtMs, state } = promiseWakeUps(NEW_MAILBOX, 1_000, LIMITS, NOW_MS, NOW_MS + 180_000);
  assert.ok(wakeAtMs.length >= 85 && wakeAtMs.length <= 90);
  assert.deepEqual(promiseWakeUps(state, 10, LIMITS, NOW_MS, NOW_MS + 180_000).wakeAtMs, []);
});

test('recipients of any 24 hours stay under the limit', () => {
  const limits = { ...LIMITS, recipientsPerDay: 100 };
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ waitMs: fc.integer({ min: 0, max: 8 * 3_600_000 }), recipients: fc.integer({ min: 1, max: 60 }) }),
        { maxLength: 60 },
      ),
      steps => {
        let state: MailboxState = NEW_MAILBOX;
        let now = NOW_MS;
        const sent: { atMs: number; recipients: number }[] = [];
        for (const { waitMs, recipients } of steps) {
          now += waitMs;
          const answered = answerAsks(state, [{ isHigh: false, recipients }], limits, now);
          state = answered.state;
          const [answer] = answered.answers;
          if (answer?.kind === 'turn') sent.push({ atMs: now, recipients });
          if (answer?.kind === 'quota') assert.ok(answer.untilMs > now && answer.untilMs <= now + 24.6 * 3_600_000);
          const inDay = sent.filter(one => one.atMs > now - 86_400_000).reduce((sum, one) => sum + one.recipients, 0);
          assert.ok(inDay <= 100);
          assert.ok(recipientsUsed(state, now) >= inDay);
        }
      },
    ),
  );
});

test('an open breaker lets nobody pass, then one as a trial', () => {
  const open = afterFailure(CLOSED, 'opens', 'smtp_auth_unsuccessful', NOW_MS);
  const shut: MailboxState = { ...NEW_MAILBOX, breaker: open };
  const during = answerAsks(shut, [one, one], LIMITS, NOW_MS + 1_000);
  assert.ok(during.answers.every(answer => answer.kind === 'shut'));
  const due = answerAsks(shut, [one, one, one], LIMITS, NOW_MS + 61_000);
  assert.deepEqual(
    due.answers.map(answer => answer.kind),
    ['turn', 'shut', 'shut'],
  );
  assert.equal(due.state.breaker.state, 'halfOpen');
  const again = afterFailure(due.state.breaker, 'opens', 'smtp_auth_unsuccessful', NOW_MS + 62_000);
  assert.ok(again.state === 'open' && again.trialAtMs - NOW_MS > 120_000, 'the wait doubles');
  assert.deepEqual(afterSuccess(due.state.breaker), CLOSED);
});

test('a failure behind a good sign-in is not closed by one: only by a message that Exchange takes', () => {
  const signIn = afterFailure(CLOSED, 'opens', 'smtp_auth_unsuccessful', NOW_MS, 'auth');
  assert.deepEqual(afterGoodProbe(signIn), CLOSED);
  const full = afterFailure(CLOSED, 'opens', 'smtp_mailbox_full', NOW_MS, 'final');
  assert.deepEqual(afterGoodProbe(full), full);
  const both = afterFailure(signIn, 'opens', 'smtp_mailbox_full', NOW_MS + 1, 'final');
  assert.deepEqual(afterGoodProbe(both), both);
  const trial = passage(full, NOW_MS + 60_000);
  assert.ok(trial.kind === 'trial');
  assert.deepEqual(afterGoodProbe(trial.breaker), trial.breaker, 'nor while a trial is under way');
  assert.deepEqual(afterSuccess(trial.breaker), CLOSED);
});

test('whatever is given back, no minute holds more turns than the limit, and what was given back is used', () => {
  const limits = { ...LIMITS, messagesPerMinute: 60 };
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 100, maxLength: 200 }), isUsed => {
      let state: MailboxState = NEW_MAILBOX;
      const used: number[] = [];
      let now = NOW_MS;
      for (const use of isUsed) {
        const { state: asked, answers } = answerAsks(state, [{ isHigh: true, recipients: 1 }], limits, now);
        state = asked;
        const [answer] = answers;
        if (answer?.kind === 'later') now = answer.atMs;
        if (answer?.kind !== 'turn') continue;
        now = answer.atMs;
        if (use) used.push(answer.atMs);
        else state = giveTurnBack(state, answer.atMs, 1, limits);
      }
      for (let i = 0; i + 60 < used.length; i++) assert.ok((used[i + 60] as number) - (used[i] as number) >= 61_000);
      assert.ok((used.at(-1) ?? 0) - (used[0] ?? 0) <= isUsed.length * turnMs(limits));
      assert.equal(recipientsUsed(state, now), used.length);
    }),
  );
});

test('newcomers do not go before those who have a place in line; an idle mailbox is for anyone', () => {
  const crowd = answerAsks(
    NEW_MAILBOX,
    Array.from({ length: 20 }, () => one),
    LIMITS,
    NOW_MS,
  );
  const places = crowd.answers.flatMap(answer => (answer.kind === 'later' ? [answer.atMs] : []));
  assert.ok(places.length > 10);
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
  const [first = 0] = places;
  const newcomer = answerAsks(crowd.state, [one], LIMITS, first).answers[0];
  assert.ok(newcomer?.kind === 'later' && newcomer.atMs > (places.at(-1) ?? 0));
  assert.equal(answerAsks(crowd.state, [{ ...one, promisedMs: first }], LIMITS, first).answers[0]?.kind, 'turn');
  assert.equal(answerAsks(crowd.state, [one], LIMITS, first + 30_000).answers[0]?.kind, 'turn');
});

test('after a shut-off only time counts: a probe does not close it, one hour does, then two', () => {
  const shut = afterFailure(CLOSED, 'timeOnly', 'smtp_shut_off_send_as', NOW_MS);
  assert.deepEqual(afterGoodProbe(shut), shut);
  assert.equal(passage(shut, NOW_MS + 3_599_000).kind, 'shut');
  const trial = passage(shut, NOW_MS + 3_600_000);
  assert.equal(trial.kind, 'trial');
  const again = afterFailure(
    (trial as { breaker: Breaker }).breaker,
    'timeOnly',
    'smtp_shut_off_send_as',
    NOW_MS + 3_600_000,
  );
  assert.equal(passage(again, NOW_MS + 3_600_000 + 7_199_000).kind, 'shut');
  assert.deepEqual(afterGoodProbe(afterFailure(CLOSED, 'opens', 'x', NOW_MS)), CLOSED);
});

test('turns of the last minute are counted, whatever the pace, and forgotten after it', () => {
  for (const messagesPerMinute of [1, 30, 600]) {
    const limits = { ...LIMITS, messagesPerMinute };
    let state = NEW_MAILBOX;
    // Each comes at the time that it was promised: who only asks would hold a place in the line and leave it empty.
    for (let at = NOW_MS; at < NOW_MS + 180_000; at += 50)
      state = answerAsks(state, [{ ...one, promisedMs: at }], limits, at).state;
    const used = turnsUsed(state, NOW_MS + 180_000);
    const slack = Math.max(1, messagesPerMinute * 0.1);
    assert.ok(Math.abs(used - messagesPerMinute) <= slack, `${used} of ${messagesPerMinute}`);
    assert.ok(state.turns.counts.length <= 450, 'a bounded number of ticks');
    assert.equal(turnsUsed(state, NOW_MS + 180_000 + 76_000), 0);
  }
});

test('turns used late count when they are used: no minute at Exchange holds more than the limit', () => {
  const limits = { ...LIMITS, messagesPerMinute: 60 };
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 100, maxLength: 200 }), halts => {
      let state: MailboxState = NEW_MAILBOX;
      let now = NOW_MS;
      const used: number[] = [];
      for (const halt of halts) {
        const { state: asked, answers } = answerAsks(state, [{ isHigh: true, recipients: 1 }], limits, now);
        state = asked;
        const [answer] = answers;
        if (answer?.kind === 'later') now = answer.atMs;
        if (answer?.kind !== 'turn') continue;
        // One in ten messages meets a halt of four seconds.
        now = answer.atMs + (halt === 0 ? 4_000 : 0);
        if (now > answer.atMs) state = moveTurn(state, answer.atMs, now);
        used.push(now);
      }
      for (let i = 0; i + 60 < used.length; i++) assert.ok((used[i + 60] as number) - (used[i] as number) >= 60_000);
    }),
  );
});
