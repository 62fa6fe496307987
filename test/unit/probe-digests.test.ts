import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ProbeRun } from '../../shared/domain/probe-run.ts';
import type { ProbeQuery } from '../../shared/domain/watch-ports.ts';
import { probeDigests } from '../../shared/usecases/probe-digests.ts';
import { NOW_MS } from '../support/requests.ts';

const MAILBOX = 'billing@contoso.com';
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

function run(atMs: number, ok: boolean | null = true, ms = 100): ProbeRun {
  return {
    mailbox: MAILBOX,
    at: new Date(atMs).toISOString(),
    ok,
    ms,
    phases: [
      { phase: 'token', ok: true, ms, detail: '' },
      {
        phase: 'auth',
        ok,
        ms,
        detail: ok === false ? '535' : '',
        ...(ok === false ? { code: 'smtp_auth_refused' } : {}),
      },
    ],
    ...(ok === false ? { code: 'smtp_auth_refused' } : {}),
  };
}

/** A history in memory that hands out pages of `pageSize`, whatever limit is asked for. */
function memoryHistory(runs: ProbeRun[], pageSize = 1000) {
  const queries: ProbeQuery[] = [];
  return {
    runs,
    queries,
    async list(query: ProbeQuery) {
      queries.push(query);
      const found = runs
        .filter(({ at }) => Date.parse(at) >= query.fromMs && Date.parse(at) <= query.toMs)
        .filter(({ at }) => query.continuation === undefined || at < query.continuation)
        .sort((a, b) => (a.at < b.at ? 1 : -1));
      const page = found.slice(0, pageSize);
      const last = page.at(-1);
      return { runs: page, ...(last && found.length > pageSize ? { continuation: last.at } : {}) };
    },
  };
}

const every5Minutes = (count: number, ok: (index: number) => boolean | null = () => true) =>
  Array.from({ length: count }, (_, index) => run(NOW_MS - 1_000 - index * 5 * MINUTE_MS, ok(index)));

async function digest(runs: ProbeRun[], pageSize?: number, nowMs = NOW_MS) {
  const history = memoryHistory(runs, pageSize);
  const digests = probeDigests(history, () => nowMs);
  const latest = runs.slice(0, 1);
  await digests.refresh(latest);
  return { history, digests, latest, view: () => digests.viewOf(MAILBOX) };
}

const total = (steps: readonly (readonly number[])[] | undefined) => (steps ?? []).flat().reduce((a, b) => a + b, 0);

test('a day of runs: uptime by half hours and two hours, percentiles, the latest failures first', async () => {
  const { view } = await digest(every5Minutes(288, index => (index < 3 ? false : index === 3 ? null : true)));
  const found = view();
  assert.equal(found?.day.steps.length, 48);
  assert.equal(found?.week.steps.length, 84);
  assert.equal(total(found?.week.steps), 288);
  assert.equal(found?.week.ratio, 284 / 287);
  assert.equal(found?.failures.length, 3);
  assert.ok((found?.failures[0]?.at ?? '') > (found?.failures[1]?.at ?? ''));
  assert.deepEqual(found?.failures[0]?.phase, 'auth');
  const auth = found?.phases.find(({ phase }) => phase === 'auth');
  assert.equal(auth?.recent.length, 30);
  assert.deepEqual(auth?.recent.slice(-4), [null, null, null, null]);
});

test('p50 and p95 are times that were measured', async () => {
  const { view } = await digest(
    Array.from({ length: 100 }, (_, index) => run(NOW_MS - 1_000 - index * MINUTE_MS, true, index + 1)),
  );
  const token = view()?.phases.find(({ phase }) => phase === 'token');
  assert.deepEqual([token?.p50, token?.p95], [50, 95]);
});

test('while the newest run is known nothing is read; a new one is read alone', async () => {
  const { history, digests, latest, view } = await digest(every5Minutes(10));
  assert.equal(history.queries.length, 1);
  await digests.refresh(latest);
  assert.equal(history.queries.length, 1);
  const next = run(NOW_MS + 1_000);
  history.runs.push(next);
  await Promise.all([digests.refresh([next]), digests.refresh([next])]);
  assert.equal(history.queries.length, 2);
  assert.equal(total(view()?.week.steps), 11);
});

test('the past is read a page at a time, and until then the digest says how far it reaches', async () => {
  const { digests, latest, view } = await digest(every5Minutes(2_000), 1_000);
  assert.ok(Date.parse(view()?.coveredFrom ?? '') > NOW_MS - 4 * DAY_MS);
  await digests.refresh(latest);
  assert.equal(Date.parse(view()?.coveredFrom ?? ''), NOW_MS - 7 * DAY_MS);
  assert.equal(total(view()?.week.steps), 2_000);
});

test('a fault leaves what is known and is made good with the next call', async () => {
  const history = memoryHistory(every5Minutes(5));
  let isAway = true;
  const digests = probeDigests(
    { list: query => (isAway ? Promise.reject(new Error('away')) : history.list(query)) },
    () => NOW_MS,
  );
  await assert.rejects(digests.refresh(history.runs.slice(0, 1)));
  assert.equal(digests.viewOf(MAILBOX), null);
  isAway = false;
  await digests.refresh(history.runs.slice(0, 1));
  assert.equal(total(digests.viewOf(MAILBOX)?.week.steps), 5);
});

test('however the runs come in, each of the last week counts once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 1, max: 7 * 24 * 60 - 60 }), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 10 }),
      async (minutes, pageSize, rounds) => {
        const runs = minutes.map(minute => run(NOW_MS - minute * MINUTE_MS, minute % 3 !== 0));
        runs.sort((a, b) => (a.at < b.at ? -1 : 1));
        const history = memoryHistory([], pageSize);
        const digests = probeDigests(history, () => NOW_MS);
        // They arrive in their order, some between two looks.
        const perRound = Math.ceil(runs.length / rounds);
        for (let at = 0; at < runs.length; at += perRound) {
          history.runs.push(...runs.slice(at, at + perRound));
          const latest = history.runs.at(-1);
          if (latest) await digests.refresh([latest]);
        }
        const latest = history.runs.at(-1);
        const isRead = () => Date.parse(digests.viewOf(MAILBOX)?.coveredFrom ?? '') === NOW_MS - 7 * DAY_MS;
        for (let more = 0; latest && more < 80 && !isRead(); more++) await digests.refresh([latest]);
        const view = digests.viewOf(MAILBOX);
        assert.equal(total(view?.week.steps), runs.length);
        const bad = view?.week.steps.reduce((sum, [, failed]) => sum + failed, 0);
        assert.equal(bad, minutes.filter(minute => minute % 3 === 0).length);
      },
    ),
    { numRuns: 60 },
  );
});
