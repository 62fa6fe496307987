import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type PhaseResult, PROBE_PHASES, type ProbeRun } from '../../shared/domain/probe-run.ts';
import { isNcrontab, probeSchedules } from '../../shared/domain/probe-schedule.ts';
import { percentile, summarizeRuns } from '../../shared/domain/probe-statistics.ts';
import {
  authCandidates,
  claimsOf,
  isForExchange,
  mixesModes,
  type TokenClaims,
} from '../../shared/domain/probe-token.ts';
import { makeRun, runView, unreached, verdictOf } from '../../shared/domain/probe-verdict.ts';

const phase = (name: PhaseResult['phase'], ok: boolean | null, more: Partial<PhaseResult> = {}): PhaseResult => ({
  phase: name,
  ok,
  ms: 1,
  detail: '',
  ...more,
});
const at = '2026-11-21T10:00:00.000Z';

describe('The verdict of a run', () => {
  test('phases stand in their order, whatever was walked before it stopped', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: PROBE_PHASES.length - 1 }), count => {
        const walked = PROBE_PHASES.slice(0, count).map(name => phase(name, true));
        const all = [...walked, ...unreached(walked, 'x failed')];
        assert.deepEqual(
          all.map(one => one.phase),
          PROBE_PHASES.slice(0, Math.max(count, PROBE_PHASES.indexOf('envelope') + 1)),
        );
        for (const { ok, detail } of all.slice(count)) {
          assert.equal(ok, null);
          assert.match(detail, /^not known whether .*: x failed$/);
        }
      }),
    );
  });

  test('failed where a phase failed, neutral where one was not walked, good otherwise', () => {
    const results = fc.array(fc.constantFrom(true, false, null), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(results, oks => {
        const phases = oks.map((ok, index) => phase(PROBE_PHASES[index] ?? 'settings', ok));
        assert.equal(verdictOf(phases), oks.includes(false) ? false : oks.includes(null) ? null : true);
      }),
    );
  });

  test('a canary under way leaves a good run good, a failed one fails it', () => {
    assert.equal(verdictOf([phase('envelope', true), phase('canary', null)]), true);
    assert.equal(verdictOf([phase('envelope', true), phase('canary', false)]), false);
  });

  test('the transcript is kept for failures alone, and the code is that of the first failure', () => {
    const base = { mailbox: 'a@b.c', at, ms: 5, transcript: ['S: 220'] };
    const failed = makeRun({
      ...base,
      phases: [
        phase('token', true, { code: 'entra_modes_mixed' }),
        phase('auth', false, { code: 'smtp_auth_unsuccessful' }),
      ],
    });
    assert.deepEqual([failed.ok, failed.code, failed.transcript], [false, 'smtp_auth_unsuccessful', ['S: 220']]);
    const good = makeRun({ ...base, phases: [phase('token', true, { code: 'entra_modes_mixed' })] });
    assert.deepEqual([good.ok, good.code, good.transcript], [true, undefined, undefined]);
    assert.deepEqual(Object.keys(runView(failed)), ['mailbox', 'at', 'ok', 'ms', 'code', 'phases', 'transcript']);
  });
});

describe('Uptime and percentiles', () => {
  test('nearest rank: a value of the list, with at least so many not above it', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { minLength: 1 }), fc.integer({ min: 1, max: 100 }), (values, percent) => {
        const found = percentile(values, percent);
        assert.ok(values.includes(found));
        assert.ok(values.filter(value => value <= found).length >= (percent / 100) * values.length);
        assert.ok(values.filter(value => value < found).length < (percent / 100) * values.length);
      }),
    );
  });

  test('neutral runs count neither way, failed phases are not timed, addresses differ in case alone', () => {
    const run = (mailbox: string, ok: boolean | null, ms: number): ProbeRun => ({
      mailbox,
      at,
      ok,
      ms,
      phases: [phase('auth', ok, { ms })],
    });
    const [one, other] = summarizeRuns([
      run('B@x.org', true, 10),
      run('b@x.org', true, 30),
      run('b@x.org', false, 9_000),
      run('b@x.org', null, 0),
      run('a@x.org', null, 0),
    ]);
    assert.deepEqual([one?.mailbox, one?.uptime, one?.neutral], ['a@x.org', null, 1]);
    assert.deepEqual([other?.runs, other?.neutral, other?.uptime], [3, 1, 0.6667]);
    assert.deepEqual(other?.phases, [{ phase: 'auth', p50: 10, p95: 30, count: 2 }]);
  });
});

describe('Schedules', () => {
  for (const good of [
    '0 */5 * * * *',
    '*/5 * * * *',
    '0 0 9-17/2 * * mon-fri',
    '15,45 0 0 1 jan,JULY *',
    '0 0 0 29 2 *',
  ])
    test(`${good} is taken`, () => assert.ok(isNcrontab(good)));
  for (const bad of [
    '',
    'every five minutes',
    '%PROBE_SCHEDULE%',
    '00:05:00',
    '* * * *',
    '0 61 * * * *',
    '0 */0 * * * *',
    '0 0 0 30 2 *',
    '0 0 0 31 4,6 *',
    '0 0 0 * * 7',
    '*-5 * * * * *',
    '0 0 0 1 13 *',
    '0 0 0 1 ja *',
  ])
    test(`'${bad}' is not`, () => assert.ok(!isNcrontab(bad)));

  test('one that cannot be read gives way to the default, and is named without its value', () => {
    const { probe, canary, problems } = probeSchedules({ PROBE_SCHEDULE: 'secret-value', PROBE_CANARY_SCHEDULE: ' ' });
    assert.deepEqual([probe, canary], ['0 */5 * * * *', '0 0 */6 * * *']);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', /^PROBE_SCHEDULE /);
    assert.doesNotMatch(problems.join(), /secret-value/);
  });
});

describe('What a token shows', () => {
  const claims: TokenClaims = {
    audience: 'https://outlook.office365.com',
    appId: 'app',
    tenantId: 't',
    objectId: 'object',
    roles: [],
  };
  const sender = { clientId: 'app' };

  test('claims are read, and what is no token gives none', () => {
    const body = Buffer.from(JSON.stringify({ aud: 'x', azp: 'app', oid: 'o', roles: ['R', 7], exp: 2 })).toString(
      'base64url',
    );
    assert.deepEqual(claimsOf(`h.${body}.s`), {
      audience: 'x',
      appId: 'app',
      tenantId: '',
      objectId: 'o',
      roles: ['R'],
      expiresAtMs: 2000,
    });
    fc.assert(fc.property(fc.string(), text => void claimsOf(text)));
    assert.equal(claimsOf('no token'), undefined);
  });

  test('an audience is Exchange’s in every cloud, and Graph is not', () => {
    for (const audience of [
      'https://outlook.office365.com',
      'https://outlook.office.com/',
      'https://outlook.office365.us',
      'https://partner.outlook.cn',
      '00000002-0000-0ff1-ce00-000000000000',
    ])
      assert.ok(isForExchange({ ...claims, audience }), audience);
    assert.ok(!isForExchange({ ...claims, audience: 'https://graph.microsoft.com' }));
  });

  test('modes are mixed only where App RBAC is stated and the claim is there', () => {
    const withRole = { ...claims, roles: ['SMTP.SendAsApp'] };
    assert.ok(mixesModes({ authorization: 'appRbac' }, withRole));
    assert.ok(!mixesModes({ authorization: 'claim' }, withRole));
    assert.ok(!mixesModes({}, withRole));
    assert.ok(!mixesModes({ authorization: 'appRbac' }, claims));
  });

  for (const [name, from, token, first] of [
    ['no roles, nothing stated', {}, claims, /no App RBAC assignment/],
    ['no roles, App RBAC', { authorization: 'appRbac' }, claims, /no App RBAC assignment/],
    ['no roles, claim mode', { authorization: 'claim' }, claims, /admin consent is missing/],
    ['the role, nothing stated', {}, { ...claims, roles: ['SMTP.SendAsApp'] }, /no FullAccess/],
    [
      'the role, App RBAC',
      { authorization: 'appRbac' },
      { ...claims, roles: ['SMTP.SendAsApp'] },
      /App RBAC is stated/,
    ],
    ['another audience', {}, { ...claims, audience: 'https://graph.microsoft.com' }, /is for https:\/\/graph/],
  ] as const) {
    test(`535 5.7.3 with ${name}: the likeliest cause first, each with its check`, () => {
      const candidates = authCandidates({ ...sender, ...from }, 'a@b.c', token);
      assert.match(candidates[0]?.cause ?? '', first);
      assert.ok(candidates.length >= 3);
      for (const { check } of candidates) assert.ok(check.length > 10);
      assert.equal(new Set(candidates.map(({ cause }) => cause)).size, candidates.length);
    });
  }
});
