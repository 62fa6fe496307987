import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Caller, CallerRules } from '../../shared/domain/accept-input.ts';
import { callerLimits } from '../../shared/usecases/caller-limits.ts';
import { manualClock, memoryUsage } from '../support/memory-usage.ts';

const caller = (rules: CallerRules, name = 'x'): Caller => ({ id: `caller:${name}`, isOperator: false, rules });

async function countOk(limits: ReturnType<typeof callerLimits>, who: Caller, times: number): Promise<number> {
  const results = await Promise.all(Array.from({ length: times }, () => limits.count(who)));
  return results.filter(result => result.ok).length;
}

test('as many a minute as allowed, then 429 with the time to come again', async () => {
  const clock = manualClock();
  const limits = callerLimits(memoryUsage(), clock);
  const who = caller({ messagesPerMinute: 5 });
  assert.equal(await countOk(limits, who, 7), 5);
  const refused = await limits.count(who);
  assert.ok(!refused.ok && refused.problem.code === 'rate_limited' && refused.problem.status === 429);
  const seconds = refused.problem.retryAfterSeconds ?? 0;
  assert.ok(seconds >= 60 && seconds <= 61, String(seconds));
  assert.match(refused.problem.detail, /5 messages a minute/);
  clock.nowMs += (seconds - 2) * 1000;
  assert.equal(await countOk(limits, who, 1), 0);
  clock.nowMs += 2_000;
  assert.equal(await countOk(limits, who, 9), 5);
});

test('as many in 24 hours as allowed; the later of two limits names the time', async () => {
  const clock = manualClock();
  const limits = callerLimits(memoryUsage(), clock);
  const who = caller({ messagesPerMinute: 3, messagesPerDay: 4 });
  assert.equal(await countOk(limits, who, 5), 3);
  clock.nowMs += 70_000;
  assert.equal(await countOk(limits, who, 5), 1);
  const refused = await limits.count(who);
  assert.ok(!refused.ok);
  assert.match(refused.problem.detail, /4 messages a day/);
  const hours = (refused.problem.retryAfterSeconds ?? 0) / 3600;
  assert.ok(hours > 23.9 && hours < 24.2, String(hours));
});

test('callers do not count against each other, and one without limits costs no storage', async () => {
  const store = memoryUsage();
  const limits = callerLimits(store, manualClock());
  assert.equal(await countOk(limits, caller({ messagesPerMinute: 1 }, 'a'), 2), 1);
  assert.equal(await countOk(limits, caller({ messagesPerMinute: 1 }, 'b'), 2), 1);
  const calls = store.writes + store.reads;
  assert.equal(await countOk(limits, caller({}), 50), 50);
  assert.equal(await countOk(limits, { id: 'queue', isOperator: false }, 50), 50);
  assert.equal(store.writes + store.reads, calls);
});

test('one write for a message at most, and far fewer in a burst', async () => {
  const clock = manualClock();
  const store = memoryUsage();
  const limits = callerLimits(store, clock);
  const who = caller({ messagesPerMinute: 10_000 });
  for (let i = 0; i < 10; i++) {
    assert.equal(await countOk(limits, who, 1), 1);
    clock.nowMs += 1_500;
  }
  assert.equal(store.writes, 10);
  const before = store.writes;
  for (let i = 0; i < 300; i++) assert.equal(await countOk(limits, who, 1), 1);
  assert.ok(store.writes - before <= 15, `${store.writes - before} writes for 300 messages one by one`);
  const again = store.writes;
  assert.equal(await countOk(limits, who, 300), 300);
  assert.ok(store.writes - again <= 3, `${store.writes - again} writes for 300 messages at once`);
});

test('what was not accepted counts nothing', async () => {
  const clock = manualClock();
  const limits = callerLimits(memoryUsage(), clock);
  const who = caller({ messagesPerMinute: 2 });
  for (let i = 0; i < 10; i++) {
    const counted = await limits.count(who);
    assert.ok(counted.ok, String(i));
    counted.value.settle(false);
    if (i % 2 === 1) clock.nowMs += 1_100;
  }
  assert.equal(await countOk(limits, who, 3), 2);
});

test('a refused request writes nothing, however many come', async () => {
  const clock = manualClock();
  const store = memoryUsage();
  const limits = callerLimits(store, clock);
  const who = caller({ messagesPerMinute: 3 });
  assert.equal(await countOk(limits, who, 3), 3);
  const { writes, reads } = store;
  for (let i = 0; i < 100; i++) assert.equal(await countOk(limits, who, 10), 0);
  assert.equal(store.writes, writes);
  assert.equal(store.reads, reads);
});

test('storage that is away is thrown, and the counter works again afterwards', async () => {
  const store = memoryUsage();
  const limits = callerLimits(store, manualClock());
  const who = caller({ messagesPerMinute: 2 });
  store.fail = true;
  await assert.rejects(limits.count(who), /storage is away/);
  store.fail = false;
  assert.equal(await countOk(limits, who, 3), 2);
});

test('over several instances with clocks apart: never over the limit in any minute, and nobody starves', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 60 }),
      fc.array(
        fc.record({
          instance: fc.nat(3),
          burst: fc.integer({ min: 1, max: 12 }),
          aheadMs: fc.integer({ min: 0, max: 9_000 }),
          fails: fc.boolean(),
        }),
        { minLength: 1, maxLength: 40 },
      ),
      async (limit, steps) => {
        const clock = manualClock();
        const store = memoryUsage();
        const instances = Array.from({ length: 4 }, () => callerLimits(store, clock));
        const who = caller({ messagesPerMinute: limit });
        const takenAt: number[] = [];
        for (const { instance, burst, aheadMs, fails } of steps) {
          const others = instances.map((one, index) => one.count(who).then(result => ({ result, index })));
          const own = Array.from({ length: burst }, () =>
            (instances[instance] as ReturnType<typeof callerLimits>).count(who).then(result => ({ result, index: -1 })),
          );
          for (const { result } of await Promise.all([...others, ...own])) {
            if (!result.ok) continue;
            result.value.settle(!fails);
            if (!fails) takenAt.push(clock.nowMs);
          }
          clock.nowMs += aheadMs;
        }
        for (const start of takenAt) {
          const within = takenAt.filter(at => at >= start && at < start + 60_000).length;
          assert.ok(within <= limit, `${within} of ${limit}`);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('two instances together give out exactly what a small limit allows', async () => {
  const clock = manualClock();
  const store = memoryUsage();
  const [one, two] = [callerLimits(store, clock), callerLimits(store, clock)];
  const who = caller({ messagesPerMinute: 16 });
  const counts = await Promise.all([countOk(one, who, 20), countOk(two, who, 20)]);
  assert.equal(counts[0] + counts[1], 16);
});

test('requests with one key count as one while they are under way, and nothing when none was accepted', async () => {
  const limits = callerLimits(memoryUsage(), manualClock());
  const who = caller({ messagesPerMinute: 2 });
  const together = () => Promise.all(Array.from({ length: 10 }, () => limits.count(who, 'a')));
  const settle = (counts: Awaited<ReturnType<typeof together>>, taken: number) => {
    assert.ok(counts.every(count => count.ok));
    for (const [index, count] of counts.entries()) if (count.ok) count.value.settle(index === taken);
  };
  settle(await together(), -1);
  settle(await together(), 4);
  assert.equal(await countOk(limits, who, 2), 1);
  const late = await limits.count(who, 'a');
  assert.ok(!late.ok, 'no share outlives its requests');
});
