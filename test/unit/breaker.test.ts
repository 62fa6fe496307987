import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterFailure, afterGoodProbe, type Breaker, CLOSED, passage } from '../../shared/domain/breaker.ts';
import { NOW_MS } from '../support/requests.ts';

const HOUR_MS = 3_600_000;
const SHUT_OFF = 'smtp_shut_off_send_as';

/** The trial that is due, as the breaker is while it is under way. */
function onTrial(breaker: Breaker): { readonly breaker: Breaker; readonly atMs: number } {
  assert.equal(breaker.state, 'open');
  const atMs = breaker.state === 'open' ? breaker.trialAtMs : 0;
  const passed = passage(breaker, atMs);
  assert.equal(passed.kind, 'trial');
  return { breaker: passed.kind === 'trial' ? passed.breaker : breaker, atMs };
}

const waitOf = (breaker: Breaker, nowMs: number) => (breaker.state === 'open' ? breaker.trialAtMs - nowMs : 0);

test('a first shut-off lasts an hour, however often the sign-in failed before', () => {
  let shut = afterFailure(CLOSED, 'opens', 'smtp_auth_unsuccessful', NOW_MS);
  for (let trial = 0; trial < 5; trial++) {
    const { breaker, atMs } = onTrial(shut);
    shut = afterFailure(breaker, 'opens', 'smtp_auth_unsuccessful', atMs);
  }
  const { breaker, atMs } = onTrial(shut);
  const first = afterFailure(breaker, 'timeOnly', SHUT_OFF, atMs, 'mail');
  assert.equal(waitOf(first, atMs), HOUR_MS);
  const second = onTrial(first);
  assert.equal(
    waitOf(afterFailure(second.breaker, 'timeOnly', SHUT_OFF, second.atMs, 'mail'), second.atMs),
    2 * HOUR_MS,
  );
});

test('a trial after a shut-off that does not get to Exchange leaves it shut off, and comes again soon', () => {
  const shut = afterFailure(CLOSED, 'timeOnly', SHUT_OFF, NOW_MS, 'mail');
  const { breaker, atMs } = onTrial(shut);
  const after = afterFailure(breaker, 'opens', 'vault_unreachable', atMs, 'vault');
  assert.deepEqual(afterGoodProbe(after), after, 'a sign-in proves nothing about it');
  assert.ok(after.state === 'open' && after.timeOnly && after.code === SHUT_OFF);
  assert.ok(waitOf(after, atMs) <= 300_000, 'nothing was submitted, so nothing prolongs it');
  const next = onTrial(after);
  const again = afterFailure(next.breaker, 'timeOnly', SHUT_OFF, next.atMs, 'mail');
  assert.equal(waitOf(again, next.atMs), 2 * HOUR_MS, 'the second of its kind');
});

test('what only a mail can disprove stays so when the trial fails at the sign-in', () => {
  const full = afterFailure(CLOSED, 'opens', 'exchange_mailbox_full', NOW_MS, 'final');
  const { breaker, atMs } = onTrial(full);
  const after = afterFailure(breaker, 'opens', 'smtp_auth_unsuccessful', atMs, 'auth');
  assert.equal(afterGoodProbe(after).state, 'open');
});
