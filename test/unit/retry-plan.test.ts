import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { retryDelayMs } from '../../shared/domain/retry-plan.ts';

test('the first transient retry comes within 30 s, later ones double to at most 30 min', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.double({ min: 0, max: 0.999_999, noNaN: true }),
      (failures, random) => {
        const delay = retryDelayMs('soon', failures, random) ?? -1;
        assert.ok(delay >= 1000 && delay <= Math.min(1_800_000, 30_000 * 2 ** (failures - 1)), String(delay));
      },
    ),
  );
});

test('a wait that the server names is kept, and never believed beyond a day', () => {
  assert.equal(retryDelayMs('soon', 1, 0.5, 600_000), 600_000);
  assert.equal(retryDelayMs('soon', 1, 0.5, 1e12), 86_400_000);
});

test('never is never, and few tries are few', () => {
  assert.equal(retryDelayMs('never', 1, 0.5), undefined);
  assert.notEqual(retryDelayMs('fewTries', 4, 0.5), undefined);
  assert.equal(retryDelayMs('fewTries', 5, 0.5), undefined);
});
