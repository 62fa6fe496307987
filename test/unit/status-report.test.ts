import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceFailure } from '../../shared/domain/failure.ts';
import type { OpenRow } from '../../shared/domain/message-ports.ts';
import { answerAsks, NEW_MAILBOX } from '../../shared/domain/pacing.ts';
import type { ProbeRun } from '../../shared/domain/probe-run.ts';
import { EXCHANGE_ONLINE_LIMITS, type Sender } from '../../shared/domain/sender.ts';
import type { IncidentView } from '../../shared/domain/watch-ports.ts';
import { reportStatus, type StatusDeps } from '../../shared/usecases/report-status.ts';
import { NOW_MS } from '../support/requests.ts';

const DAY_MS = 86_400_000;
const MAILBOX = 'billing@contoso.com';
const iso = (ms: number) => new Date(ms).toISOString();
const quiet = () => {};

const SENDER: Sender = {
  mailboxes: [MAILBOX],
  from: [MAILBOX],
  tenantId: 't',
  clientId: 'c',
  credential: { kind: 'certificate', name: 'exosend-smtp', sign: 'local' },
  limits: EXCHANGE_ONLINE_LIMITS,
};

/** Everything answers, and nothing has happened yet. */
function deps(changes: Partial<StatusDeps> = {}): StatusDeps {
  return {
    settings: { senders: [SENDER], mode: 'live' },
    store: { openRows: async () => [] },
    mailboxes: { list: async () => [] },
    queues: { list: async () => [{ name: 'mail-requests', length: 0 }] },
    clock: { now: () => NOW_MS },
    history: { latest: async () => [] },
    incidents: { list: async () => [] },
    ...changes,
  };
}

function probe(changes: Partial<ProbeRun> = {}): ProbeRun {
  return {
    mailbox: MAILBOX,
    at: iso(NOW_MS - 60_000),
    ok: true,
    ms: 400,
    phases: [{ phase: 'auth', ok: true, ms: 100, detail: '235' }],
    ...changes,
  };
}

const failed = probe({
  ok: false,
  code: 'smtp_auth_unsuccessful',
  phases: [{ phase: 'auth', ok: false, ms: 100, detail: '535 5.7.3', code: 'smtp_auth_unsuccessful' }],
  transcript: ['S: 535 5.7.3'],
});

const incident: IncidentView = {
  id: 'inc-1',
  mailboxes: ['Billing@Contoso.com'],
  code: 'smtp_auth_unsuccessful',
  cause: 'a cause',
  remedy: 'a remedy',
  since: iso(NOW_MS - 600_000),
  state: 'open',
  acknowledged: false,
};

const latest = (...runs: ProbeRun[]) => ({ history: { latest: async () => runs } });

async function mailboxOf(changes: Partial<StatusDeps>) {
  const { mailboxes } = await reportStatus(deps(changes), quiet);
  const [first] = mailboxes;
  assert.ok(first);
  return first;
}

const openBreaker = {
  ...NEW_MAILBOX,
  breaker: {
    state: 'open' as const,
    sinceMs: NOW_MS - 120_000,
    code: 'smtp_auth_unsuccessful',
    timeOnly: false,
    needsSend: false,
    trialAtMs: NOW_MS + 60_000,
    times: 1,
  },
};
const busyMailbox = (count: number) => ({
  mailboxes: {
    list: async () => [{ mailbox: MAILBOX, state: { ...NEW_MAILBOX, recipients: [[NOW_MS, count]] as const } }],
  },
});
const expiring = (days: number) => ({
  credentials: () => [
    { name: 'exosend-smtp', tenantId: 't', clientId: 'c', version: 'v1', expiresAtMs: NOW_MS + days * DAY_MS },
  ],
});

const STATES: readonly (readonly [name: string, state: string, changes: Partial<StatusDeps>])[] = [
  ['nothing seen yet', 'unknown', {}],
  ['a good probe', 'healthy', latest(probe())],
  ['a good probe of two days ago', 'unknown', latest(probe({ at: iso(NOW_MS - 2 * DAY_MS) }))],
  ['mail went out, no probe', 'healthy', busyMailbox(1)],
  ['one failed probe', 'degraded', latest(failed)],
  ['a neutral probe', 'degraded', latest(probe({ ok: null }))],
  [
    'a probe with a warning',
    'degraded',
    latest(
      probe({ phases: [{ phase: 'token', ok: true, ms: 1, detail: 'mixed modes', code: 'entra_consent_missing' }] }),
    ),
  ],
  ['80 % of the recipients used', 'degraded', { ...latest(probe()), ...busyMailbox(8_000) }],
  ['a certificate with 14 days left', 'degraded', { ...latest(probe()), ...expiring(14.5) }],
  ['a certificate with 15 days left', 'healthy', { ...latest(probe()), ...expiring(15.5) }],
  ['a certificate that has ended', 'failing', { ...latest(probe()), ...expiring(-1) }],
  [
    'an open incident, in another case of letters',
    'failing',
    { ...latest(probe()), incidents: { list: async () => [incident] } },
  ],
  [
    'a closed incident',
    'healthy',
    { ...latest(probe()), incidents: { list: async () => [{ ...incident, state: 'closed' as const }] } },
  ],
  [
    'an open breaker',
    'failing',
    { ...latest(probe()), mailboxes: { list: async () => [{ mailbox: MAILBOX, state: openBreaker }] } },
  ],
];

for (const [name, state, changes] of STATES) {
  test(`${name}: the mailbox is ${state}`, async () => {
    const mailbox = await mailboxOf(changes);
    assert.equal(mailbox.state, state, JSON.stringify(mailbox.reasons));
    assert.equal(mailbox.reasons.length > 0, state === 'failing' || state === 'degraded');
  });
}

test('the breaker, the last probe and the texts of their codes are told; the transcript is not', async () => {
  const report = await reportStatus(
    deps({ ...latest(failed), mailboxes: { list: async () => [{ mailbox: MAILBOX, state: openBreaker }] } }),
    quiet,
  );
  const [mailbox] = report.mailboxes;
  assert.deepEqual(mailbox?.breaker, {
    state: 'open',
    since: iso(NOW_MS - 120_000),
    code: 'smtp_auth_unsuccessful',
    nextTrialAt: iso(NOW_MS + 60_000),
  });
  assert.equal(mailbox?.lastProbe?.phases[0]?.detail, '535 5.7.3');
  assert.ok(!JSON.stringify(report).includes('S: 535'));
  assert.match(report.diagnoses['smtp_auth_unsuccessful']?.remedy ?? '', /ServicePrincipal/);
});

test('the credential comes from the last probe before this process’s own tokens', async () => {
  const own = await mailboxOf(expiring(40.5));
  assert.deepEqual([own.credential.version, own.credential.daysLeft], ['v1', 40]);
  const credential = { kind: 'certificate' as const, version: 'v2', expiresAt: iso(NOW_MS + 300.5 * DAY_MS) };
  const probed = await mailboxOf({ ...expiring(40.5), ...latest(probe({ credential })) });
  assert.deepEqual([probed.credential.version, probed.credential.daysLeft], ['v2', 300]);
  const nobody = await mailboxOf({});
  assert.deepEqual(nobody.credential, {
    kind: 'certificate',
    name: 'exosend-smtp',
    version: null,
    expiresAt: null,
    daysLeft: null,
  });
});

test('an older certificate that stands in because Entra refuses the newest is a reason to look; a disabled one is not', async () => {
  const standIn = (reason: 'refused' | 'disabled') => ({
    ...latest(probe()),
    credentials: () =>
      expiring(100)
        .credentials()
        .map(state => ({ ...state, fallback: { reason, version: 'v2', sinceMs: NOW_MS } })),
  });
  const refused = await mailboxOf(standIn('refused'));
  assert.equal(refused.state, 'degraded');
  assert.equal(refused.credential.fallback?.version, 'v2');
  assert.equal((await mailboxOf(standIn('disabled'))).state, 'healthy');
});

test('the rate used is the turns of the last minute', async () => {
  let state = NEW_MAILBOX;
  let given = 0;
  for (let atMs = NOW_MS - 300_000; atMs <= NOW_MS; atMs += 500) {
    const answered = answerAsks(
      state,
      [{ isHigh: false, recipients: 1, promisedMs: atMs }],
      EXCHANGE_ONLINE_LIMITS,
      atMs,
    );
    state = answered.state;
    given += answered.answers.filter(answer => answer.kind === 'turn').length;
  }
  const { quota } = await mailboxOf({ mailboxes: { list: async () => [{ mailbox: MAILBOX, state }] } });
  const used = quota.messagesPerMinute.used ?? 0;
  assert.ok(used >= 27 && used <= 31, `${used} of ${given} in 5 min`);
  assert.equal(quota.recipientsPerDay.used, given);
  assert.ok(state.turns.counts.length <= 450, String(state.turns.counts.length));
  const later = await mailboxOf({
    clock: { now: () => NOW_MS + 80_000 },
    mailboxes: { list: async () => [{ mailbox: MAILBOX, state }] },
  });
  assert.equal(later.quota.messagesPerMinute.used, 0);
});

function openRow(changes: Partial<OpenRow>): OpenRow {
  return {
    id: 'x',
    mailbox: MAILBOX,
    status: 'queued',
    priority: 'normal',
    dueAtMs: NOW_MS,
    generation: 1,
    etag: 'e',
    ...changes,
  };
}

test('open mail is counted by what it waits for, overdue from its due time', async () => {
  const rows = [
    openRow({ dueAtMs: NOW_MS - 90_500 }),
    openRow({ dueAtMs: NOW_MS + 3_600_000 }),
    openRow({ status: 'deferred', dueAtMs: NOW_MS + 60_000 }),
    openRow({ status: 'sending', dueAtMs: NOW_MS - 1_000 }),
  ];
  const { open } = await reportStatus(deps({ store: { openRows: async () => rows } }), quiet);
  assert.deepEqual(open, { queued: 1, sending: 1, deferred: 1, scheduled: 1, oldestOverdueSeconds: 90 });
});

test('a reading that is cut short says so', async () => {
  const store: StatusDeps['store'] = { openRows: async (_due, max) => Array.from({ length: max }, () => openRow({})) };
  const { open } = await reportStatus(deps({ store }), quiet);
  assert.equal(open?.truncated, true);
  assert.equal(open?.queued, 5_000);
});

test('any source may fail: the rest stands, and it is named', async () => {
  const fault = async (): Promise<never> => {
    throw new ServiceFailure('table storage: list failed with 503', { stage: 'storage', httpStatus: 503 });
  };
  const broken: Readonly<Record<string, Partial<StatusDeps>>> = {
    incidents: { incidents: { list: fault } },
    probes: { history: { latest: fault } },
    mailboxes: { mailboxes: { list: fault } },
    queues: { queues: { list: fault } },
    messages: { store: { openRows: fault } },
  };
  for (const [source, changes] of Object.entries(broken)) {
    const report = await reportStatus(deps({ ...latest(probe()), ...changes }), quiet);
    assert.deepEqual(
      report.missing.map(one => [one.source, one.code]),
      [[source, 'storage_unavailable']],
    );
    assert.equal(report.mailboxes.length, 1);
  }
  const all = await reportStatus(deps(Object.assign({}, ...Object.values(broken))), quiet);
  assert.equal(all.missing.length, 5);
  const [mailbox] = all.mailboxes;
  assert.equal(mailbox?.state, 'unknown');
  assert.deepEqual([mailbox?.breaker, mailbox?.quota.messagesPerMinute.used, all.open], [null, null, null]);
});

test('a source that hangs is named after a while; what a bug says is kept to the log', async () => {
  const hanging = { queues: { list: () => new Promise<never>(() => {}) } };
  const report = await reportStatus(deps(hanging), quiet, 20);
  assert.deepEqual(report.missing, [
    { source: 'queues', code: 'storage_unavailable', detail: 'no answer within 0.02 s' },
  ]);
  const bug = { queues: { list: () => Promise.reject(new TypeError('secret of line 42')) } };
  const { missing } = await reportStatus(deps(bug), quiet);
  assert.equal(missing[0]?.code, 'internal_error');
  assert.ok(!JSON.stringify(missing).includes('secret'));
});

test('without probe and incidents the status stands', async () => {
  const { history: _history, incidents: _incidents, ...bare } = deps();
  const report = await reportStatus(bare, quiet);
  assert.deepEqual([report.incidents, report.missing, report.mailboxes[0]?.lastProbe], [[], [], null]);
});
