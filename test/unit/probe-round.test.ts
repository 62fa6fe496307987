import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CLOSED } from '../../shared/domain/breaker.ts';
import { ServiceFailure } from '../../shared/domain/failure.ts';
import type { ConnectionSlot } from '../../shared/domain/mailbox-ports.ts';
import type { LogFields } from '../../shared/domain/ports.ts';
import { type CanaryNote, judgeCanary } from '../../shared/domain/probe-canary.ts';
import type { ProbeMemory, SmtpFindings, SmtpWalkJob } from '../../shared/domain/probe-ports.ts';
import type { PhaseResult, ProbeRun } from '../../shared/domain/probe-run.ts';
import { EXCHANGE_ONLINE_LIMITS } from '../../shared/domain/sender.ts';
import { probeNow } from '../../shared/usecases/probe-now.ts';
import { type ProbeRoundDeps, probeRound } from '../../shared/usecases/probe-round.ts';

const MAILBOX = 'a@contoso.com';
const good = (phase: PhaseResult['phase']): PhaseResult => ({ phase, ok: true, ms: 1, detail: '' });
const SMTP = ['tcp', 'greeting', 'ehlo', 'tls', 'ehlo2', 'auth', 'envelope'] as const;
const AWAY = new ServiceFailure('table storage: away', { stage: 'storage', errorCode: 'storage_unavailable' });

/** A round over fakes: everything goes well until a test says otherwise. */
function rig(change: Partial<ProbeRoundDeps> = {}) {
  const said: LogFields[] = [];
  const stored: ProbeRun[] = [];
  const notes: CanaryNote[] = [];
  const heard: ProbeRun[] = [];
  const goodOnes: string[] = [];
  const jobs: SmtpWalkJob[] = [];
  const state = {
    nowMs: 1_000_000,
    memory: {} as ProbeMemory,
    findings: { phases: SMTP.map(good), transcript: [], capabilities: ['SIZE 1'] } as SmtpFindings,
    held: 0,
  };
  const slot = (): ConnectionSlot => {
    state.held++;
    return { index: 0, isHeld: () => true, release: async () => void state.held-- };
  };
  const deps: ProbeRoundDeps = {
    senders: [
      {
        mailboxes: [MAILBOX],
        from: [MAILBOX],
        tenantId: 't',
        clientId: 'c',
        credential: { kind: 'secret', name: 's' },
        limits: EXCHANGE_ONLINE_LIMITS,
      },
    ],
    mode: 'live',
    endpoint: { host: 'smtp', port: 587 },
    settingProblems: [],
    clock: {
      now: () => state.nowMs,
      random: () => 0.5,
      randomBytes: count => new Uint8Array(count),
      sleep: async ms => {
        state.nowMs += ms;
      },
    },
    store: { list: async () => ({ records: [] }) },
    slots: { acquire: async () => slot() },
    pacer: { breakerOf: async () => CLOSED, wantSlot: async () => 0 },
    history: {
      add: async (runs, canaries = []) => {
        stored.push(...runs);
        notes.push(...canaries);
      },
      noteCanaries: async () => {},
      recall: async () => new Map([[MAILBOX, state.memory]]),
      latest: async () => stored.slice(-1),
      list: async () => ({ runs: [] }),
      figures: async () => [],
    },
    walks: () => ({
      credentials: async () => ({
        phases: [good('identity'), good('vault'), good('token')],
        token: { token: 'secret token', claims: undefined },
      }),
      server: {
        resolve: async () => good('dns'),
        converse: async job => {
          jobs.push(job);
          return state.findings;
        },
      },
    }),
    onGoodProbe: async mailbox => void goodOnes.push(mailbox),
    onRound: async runs => void heard.push(...runs),
    ...change,
  };
  return {
    deps,
    state,
    said,
    stored,
    notes,
    heard,
    goodOnes,
    jobs,
    log: (_: unknown, line: LogFields) => void said.push(line),
  };
}

describe('A round', () => {
  test('hands its runs on: to the history, to the pacer, to who listens; and gives the connection back', async () => {
    const { deps, state, stored, heard, goodOnes, log } = rig();
    const runs = await probeRound(deps, [MAILBOX], log);
    assert.deepEqual([stored, heard, goodOnes, state.held], [runs, runs, [MAILBOX], 0]);
    assert.deepEqual([runs[0]?.ok, runs[0]?.offered], [true, ['SIZE 1']]);
    assert.doesNotMatch(JSON.stringify(runs), /secret token/);
  });

  test('is not lost when storage or a listener fails: the runs are told all the same, and the trouble is logged', async () => {
    const failing = async () => Promise.reject(AWAY);
    const { deps, said, log } = rig({ onRound: failing, onGoodProbe: failing });
    Object.assign(deps.history, { add: failing, recall: failing });
    const runs = await probeRound(deps, [MAILBOX], log);
    assert.equal(runs[0]?.ok, true);
    const troubles = said.filter(({ event }) => event === 'probe.trouble');
    assert.equal(troubles.length, 4);
    for (const { code } of troubles) assert.equal(code, 'storage_unavailable');
  });

  test('each run leaves one line for the alert rules', async () => {
    const { deps, state, said, log } = rig();
    await probeRound(deps, [MAILBOX], log);
    state.findings = { phases: [{ ...good('tcp'), ok: false, code: 'tcp_refused' }], transcript: ['x'] };
    const [failed] = await probeRound(deps, [MAILBOX], log);
    const lines = said.filter(({ event }) => event === 'probe.run');
    assert.deepEqual(
      lines.map(line => [line.mailbox, line.state, line.phase, line.code]),
      [
        [MAILBOX, 'good', undefined, undefined],
        [MAILBOX, 'failed', 'tcp', 'tcp_refused'],
      ],
    );
    assert.deepEqual(failed?.transcript, ['x']);
  });

  test('without storage to say who may connect, what was found so far is told and the rest is not known', async () => {
    const { deps, log } = rig({ slots: { acquire: async () => Promise.reject(AWAY) } });
    const [run] = await probeRound(deps, [MAILBOX], log);
    assert.equal(run?.ok, null);
    assert.deepEqual(
      run?.phases.filter(({ ok }) => ok === true).map(({ phase }) => phase),
      ['settings', 'identity', 'vault', 'token', 'dns'],
    );
  });

  test('no connection and no send: it asks for one, waits, and is neutral when none comes', async () => {
    let wanted = 0;
    const { deps, goodOnes, log } = rig({
      slots: { acquire: async () => undefined },
      pacer: { breakerOf: async () => CLOSED, wantSlot: async () => wanted++ },
    });
    const [run] = await probeRound(deps, [MAILBOX], log);
    assert.deepEqual([run?.ok, wanted, goodOnes], [null, 1, []]);
    assert.match(run?.phases.find(({ phase }) => phase === 'tcp')?.detail ?? '', /none came free/);
  });

  test('a mailbox that Exchange has shut off is asked for no MAIL while only time ends it', async () => {
    const shutOff = 'smtp_shut_off_send_as';
    const open = {
      state: 'open',
      sinceMs: 0,
      code: shutOff,
      timeOnly: true,
      needsSend: true,
      trialAtMs: 9e9,
      times: 1,
    } as const;
    let asked = 0;
    const breakerOf = async () => {
      asked++;
      return open;
    };
    const { deps, state, jobs, log } = rig({ pacer: { breakerOf, wantSlot: async () => 0 } });
    await probeRound(deps, [MAILBOX], log);
    assert.deepEqual([asked, jobs.at(-1)?.shutOffBy], [0, undefined], 'no call where the last run was not shut off');
    const envelope: PhaseResult = { ...good('envelope'), ok: false, code: shutOff };
    const before = { mailbox: MAILBOX, at: new Date(0).toISOString(), ok: false, ms: 1, phases: [envelope] };
    state.memory = { run: before };
    await probeRound(deps, [MAILBOX], log);
    assert.deepEqual([asked, jobs.at(-1)?.shutOffBy], [1, shutOff]);
  });

  test('a second round while one is under way is not walked', async () => {
    const { deps, state, said, stored, log } = rig({ slots: { acquire: async () => undefined } });
    assert.deepEqual(await probeNow(deps, [MAILBOX], 0, log), { kind: 'busy' });
    const begunMs = state.nowMs;
    assert.deepEqual(await probeNow(deps, [MAILBOX], 10_000, log), { kind: 'busy' });
    assert.ok(state.nowMs - begunMs >= 10_000);
    assert.deepEqual([stored, said.every(({ event }) => event === 'probe.skipped')], [[], true]);
  });
});

describe('A canary', () => {
  const note: CanaryNote = { mailbox: MAILBOX, sentAtMs: 0, state: 'sent', messageId: 'id' };
  const record = (status: string, more: object = {}) => ({ id: 'id', status, events: [], ...more }) as never;
  const MINUTE = 60_000;

  for (const [name, found, atMs, ok, code, state] of [
    ['sent', record('sent', { finalAtMs: 900 }), 1_000, true, undefined, 'good'],
    ['refused', record('failed', { code: 'smtp_send_as_denied' }), 1_000, false, 'smtp_send_as_denied', 'failed'],
    ['under way', record('deferred'), 14 * MINUTE, null, undefined, undefined],
    [
      'expired behind a breaker',
      record('expired', { code: 'message_expired', events: [{ status: 'deferred', code: 'smtp_auth_unsuccessful' }] }),
      16 * MINUTE,
      false,
      'smtp_auth_unsuccessful',
      'failed',
    ],
    ['never moved', record('queued'), 21 * MINUTE, false, 'message_expired', 'failed'],
    ['gone', undefined, 21 * MINUTE, false, 'message_expired', 'failed'],
    ['not stored yet', undefined, 1_000, null, undefined, undefined],
  ] as const) {
    test(`${name}`, () => {
      const outcome = judgeCanary(note, found, atMs);
      assert.deepEqual([outcome.phase.ok, outcome.phase.code, outcome.note?.state], [ok, code, state]);
    });
  }
});
