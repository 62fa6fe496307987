import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OpenRow } from '../../shared/domain/message-ports.ts';
import { NEW_MAILBOX } from '../../shared/domain/pacing.ts';
import type { WatchedCredential } from '../../shared/domain/warning-conditions.ts';
import { memoryIncidents, probeRun, recordingChannel, sender, watchWorld } from '../support/watch-world.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const MAILBOX = 'a@contoso.com';

/** A world whose minutes pass one by one, or in leaps; `told` gives what came since it was last asked. */
function minutes(options: Parameters<typeof watchWorld>[0] = {}) {
  const all = watchWorld(options);
  const watching = all.start();
  let seen = 0;
  const told = () => {
    const taken = all.channels[0]?.taken ?? [];
    const fresh = taken.slice(seen).map(({ type, code, detail }) => `${type} ${code}: ${detail ?? ''}`);
    seen = taken.length;
    return fresh;
  };
  const minute = async (afterMs = MINUTE_MS, counts = {}) => {
    all.clock.ms += afterMs;
    await watching.watchMinute(all.log, counts);
    assert.deepEqual(
      all.lines.filter(({ event }) => event === 'watch.failed'),
      [],
    );
    return told();
  };
  return { ...all, watching, minute, told };
}

const certificate = (expiresAtMs: number, version = 'v1'): WatchedCredential => ({
  key: 'certificate/cert',
  name: 'cert',
  kind: 'certificate',
  version,
  expiresAtMs,
  mailboxes: [MAILBOX],
});

test('expiry is told at 60, 30, 14, 7, 3 and 1 days, once each', async () => {
  const { world, clock, minute } = minutes();
  world.credentials = [certificate(clock.ms + 70 * DAY_MS)];
  const told: string[] = [];
  for (let hour = 0; hour < 72 * 24; hour++) told.push(...(await minute(3_600_000)));
  assert.deepEqual(
    told.map(line => /(\d+) days? left/.exec(line)?.[1]),
    ['60', '30', '14', '7', '3', '1'],
  );
  assert.ok(
    told.every(line =>
      line.startsWith('warning credential_expiring: The certificate cert, version v1, expires on 2027-01-30'),
    ),
  );
});

test('several thresholds crossed at once are one alert', async () => {
  const { world, clock, minute } = minutes();
  world.credentials = [certificate(clock.ms + 5 * DAY_MS)];
  assert.equal((await minute()).length, 1);
  assert.deepEqual(await minute(), []);
  assert.equal((await minute(2 * DAY_MS)).length, 1, 'three days');
});

test('a certificate found expired is the probe’s to tell; a warning that stands goes on until a new version', async () => {
  const found = minutes();
  found.world.credentials = [certificate(found.clock.ms - DAY_MS)];
  assert.deepEqual(await found.minute(), []);
  const pager = recordingChannel('p', 'pagerduty');
  const { world, clock, minute } = minutes({ channels: [pager] });
  world.credentials = [certificate(clock.ms + DAY_MS / 2)];
  await minute();
  await minute(DAY_MS);
  assert.deepEqual(
    pager.taken.map(({ type }) => type),
    ['warning'],
    'not cleared by the expiry itself',
  );
  world.credentials = [{ ...certificate(clock.ms - DAY_MS), key: 'secret/s', name: 's', kind: 'secret' }];
  await minute();
  const told = pager.taken.filter(({ type }) => type === 'warning').map(({ detail }) => detail);
  assert.match(told[1] ?? '', /^The secret s, version v1, expired on /, 'Entra may think otherwise');
});

test('a new version closes the warning; one that expires soon itself is another', async () => {
  const pager = recordingChannel('p', 'pagerduty');
  const { world, clock, minute, lines } = minutes({ channels: [pager] });
  world.credentials = [certificate(clock.ms + 20 * DAY_MS)];
  await minute();
  world.credentials = [certificate(clock.ms + 400 * DAY_MS, 'v2')];
  await minute();
  world.credentials = [certificate(clock.ms + 2 * DAY_MS, 'v3')];
  await minute();
  world.credentials = [certificate(clock.ms + 2 * DAY_MS, 'v4')];
  await minute();
  const [first, , third] = pager.taken.map(({ incidentId }) => incidentId);
  assert.deepEqual(
    pager.taken.map(({ type, incidentId }) => [type, incidentId]),
    [
      ['warning', first],
      ['cleared', first],
      ['warning', third],
      ['cleared', third],
      ['warning', pager.taken.at(-1)?.incidentId],
    ],
  );
  assert.equal(new Set([first, third, pager.taken.at(-1)?.incidentId]).size, 3);
  assert.deepEqual(
    lines.filter(({ event }) => /^alert\./.test(event)).map(({ event, mailbox, code }) => [event, mailbox, code]),
    pager.taken.map(({ type }) => [`alert.${type}`, MAILBOX, 'credential_expiring']),
  );
});

test('that a warning no longer holds is not told to people', async () => {
  const { world, clock, minute } = minutes();
  world.credentials = [certificate(clock.ms + 20 * DAY_MS)];
  assert.equal((await minute()).length, 1);
  world.credentials = [certificate(clock.ms + 400 * DAY_MS, 'v2')];
  assert.deepEqual(await minute(), []);
});

test('a vault that cannot be read takes no warning back', async () => {
  const { world, clock, minute } = minutes();
  world.credentials = [certificate(clock.ms + 20 * DAY_MS)];
  assert.equal((await minute()).length, 1);
  world.credentials = undefined;
  await minute();
  world.credentials = [certificate(clock.ms + 20 * DAY_MS)];
  assert.deepEqual(await minute(), []);
});

test('more than 80 % of the recipients a day, once until it has gone down again', async () => {
  const { world, clock, minute } = minutes({
    senders: [sender([MAILBOX], { limits: { ...sender([]).limits, recipientsPerDay: 100 } })],
  });
  const use = (count: number) =>
    world.states.set(MAILBOX, { ...NEW_MAILBOX, recipients: [[clock.ms - MINUTE_MS, count]] });
  use(80);
  assert.deepEqual(await minute(), []);
  use(81);
  assert.deepEqual(await minute(), ['warning mailbox_quota_near: 81 of 100 recipients in the last 24 hours.']);
  for (const count of [79, 81, 75, 90]) {
    use(count);
    assert.deepEqual(await minute(), []);
  }
  use(70);
  await minute();
  use(85);
  assert.equal((await minute()).length, 1);
  assert.deepEqual(await minute(2 * DAY_MS), []);
});

function openRow(dueAtMs: number, changes: Partial<OpenRow> = {}): OpenRow {
  return {
    id: '01KAK7T0000000000000000000',
    mailbox: MAILBOX,
    status: 'queued',
    priority: 'normal',
    dueAtMs,
    generation: 1,
    etag: '',
    ...changes,
  };
}

test('overdue by more than a quarter of an hour from its due time', async () => {
  const { world, clock, minute } = minutes();
  world.openRows.push(openRow(clock.ms + 10 * MINUTE_MS));
  assert.deepEqual(await minute(24 * MINUTE_MS), [], 'scheduled, and 14 minutes late');
  assert.deepEqual(await minute(2 * MINUTE_MS), [
    'warning message_overdue: 1 overdue, the oldest since 2026-11-21T12:10Z.',
  ]);
  assert.deepEqual(await minute(60 * MINUTE_MS), [], 'said once');
  world.openRows.length = 0;
  await minute();
  world.openRows.push(openRow(clock.ms - 20 * MINUTE_MS));
  assert.equal((await minute()).length, 1);
});

test('a backlog that is sent at the mailbox’s pace is not overdue; what stands still is', async () => {
  const { world, clock, minute } = minutes();
  world.openRows.push(...Array.from({ length: 50 }, () => openRow(clock.ms - 60 * MINUTE_MS)));
  world.states.set(MAILBOX, { ...NEW_MAILBOX, nextTurnMs: clock.ms + MINUTE_MS + 2_000 });
  assert.deepEqual(await minute(), []);
  assert.equal((await minute(2 * MINUTE_MS)).length, 1);
});

test('the overdue messages of one mailbox hide no other', async () => {
  const { world, clock, minute } = minutes({ senders: [sender([MAILBOX, 'b@contoso.com'])] });
  world.openRows.push(...Array.from({ length: 5_000 }, () => openRow(clock.ms - 60 * MINUTE_MS)));
  world.states.set(MAILBOX, { ...NEW_MAILBOX, nextTurnMs: clock.ms + MINUTE_MS + 2_000 });
  world.openRows.push(openRow(clock.ms - 20 * MINUTE_MS, { mailbox: 'b@contoso.com' }));
  assert.deepEqual(await minute(), ['warning message_overdue: 1 overdue, the oldest since 2026-11-21T11:40Z.']);
});

test('what waits behind an open incident or breaker is told with that, and not as overdue', async () => {
  const { world, clock, minute, watching, log } = minutes();
  for (let count = 0; count < 2; count++)
    await watching.noteTraffic({ mailbox: MAILBOX, ok: false, code: 'smtp_auth_unsuccessful' }, log);
  const breaker = {
    state: 'open',
    sinceMs: clock.ms,
    code: 'smtp_auth_unsuccessful',
    timeOnly: false,
    needsSend: false,
    trialAtMs: clock.ms,
    times: 1,
  } as const;
  world.states.set(MAILBOX, { ...NEW_MAILBOX, breaker });
  world.openRows.push(openRow(clock.ms));
  assert.deepEqual(
    (await minute(60 * MINUTE_MS)).map(line => line.split(':')[0]),
    ['incident.opened smtp_auth_unsuccessful'],
  );
});

test('a breaker that is open for long without an incident; one that only time closes at once', async () => {
  const { world, clock, minute } = minutes({ senders: [sender([MAILBOX, 'b@contoso.com'])] });
  const open = (code: string, timeOnly: boolean) =>
    ({
      ...NEW_MAILBOX,
      breaker: { state: 'open', sinceMs: clock.ms, code, timeOnly, needsSend: false, trialAtMs: clock.ms, times: 1 },
    }) as const;
  world.states.set(MAILBOX, open('smtp_auth_unsuccessful', false));
  assert.deepEqual(await minute(14 * MINUTE_MS), []);
  assert.deepEqual(
    (await minute()).map(line => line.split(':')[0]),
    ['warning breaker_open'],
  );
  world.states.set('b@contoso.com', open('smtp_shut_off_licence', true));
  assert.deepEqual(
    (await minute()).map(line => line.split(':')[0]),
    ['warning smtp_shut_off_licence'],
  );
  assert.deepEqual(await minute(60 * MINUTE_MS), []);
});

test('messages in doubt and poison are told, and once an hour at most', async () => {
  const { watching, log, minute, told, clock } = minutes();
  const doubt = () => watching.noteTraffic({ mailbox: MAILBOX, ok: false, code: 'unknown_outcome' }, log);
  await doubt();
  await doubt();
  assert.deepEqual(
    told().map(line => line.split(':')[0]),
    ['warning unknown_outcome'],
  );
  assert.deepEqual(
    (await minute(MINUTE_MS, { poisonRecorded: 3 })).map(line => line.split(' GET')[0]),
    ['warning poison_message: 3 recorded from the poison queues. All of them:'],
  );
  assert.deepEqual(await minute(MINUTE_MS, { poisonRecorded: 1 }), []);
  clock.ms += 90 * MINUTE_MS;
  await minute();
  await doubt();
  assert.equal(told().length, 1);
  assert.equal((await minute(MINUTE_MS, { poisonRecorded: 1 })).length, 1);
});

test('an older version of the certificate in use is told when a run says so, and is over when one does not', async () => {
  const { watching, log, clock, told, lines } = minutes();
  const run = (code?: string) => {
    clock.ms += 5 * MINUTE_MS;
    const good = probeRun(clock.ms - 2_000, 'good');
    const phases = good.phases.map(phase =>
      phase.phase === 'token' && code ? { ...phase, code, detail: 'version b is not registered' } : phase,
    );
    return watching.noteProbeRuns([{ ...good, phases }], log);
  };
  for (let count = 0; count < 3; count++) await run('entra_certificate_not_registered');
  assert.deepEqual(told(), [
    'warning credential_fallback: entra_certificate_not_registered: version b is not registered',
  ]);
  await run();
  assert.ok(lines.some(({ event, code }) => event === 'alert.cleared' && code === 'credential_fallback'));
  await run('entra_certificate_not_registered');
  assert.equal(told().length, 1);
  await run('entra_modes_mixed');
  assert.deepEqual(told(), ['warning entra_modes_mixed: version b is not registered']);
});

test('good mails cost one look a minute, a quiet minute and a good round one each', async () => {
  const store = memoryIncidents();
  const { watching, log, clock } = minutes({ store });
  for (let count = 0; count < 1000; count++) {
    clock.ms += 10;
    await watching.noteTraffic({ mailbox: MAILBOX, ok: true }, log);
  }
  assert.equal(store.calls, 1);
  clock.ms += 61_000;
  for (let count = 0; count < 1000; count++) await watching.noteTraffic({ mailbox: MAILBOX, ok: true }, log);
  assert.equal(store.calls, 2);
  await watching.watchMinute(log);
  assert.equal(store.calls, 3);
  await watching.noteProbeRuns([probeRun(clock.ms, 'good')], log);
  assert.equal(store.calls, 4);
  assert.deepEqual(await store.list(), []);
});

test('failures that change nothing any more cost no storage call either', async () => {
  const store = memoryIncidents();
  const { watching, log } = minutes({ store });
  const fail = () => watching.noteTraffic({ mailbox: MAILBOX, ok: false, code: 'smtp_auth_unsuccessful' }, log);
  await fail();
  await fail();
  const { calls } = store;
  for (let count = 0; count < 100; count++) await fail();
  assert.equal(store.calls, calls);
});

test('another instance learns of an incident within a minute, and its good mails close it', async () => {
  const { start, log, clock, channels } = watchWorld();
  const [one, other] = [start(), start()];
  await other.noteTraffic({ mailbox: MAILBOX, ok: true }, log);
  for (let count = 0; count < 2; count++)
    await one.noteTraffic({ mailbox: MAILBOX, ok: false, code: 'smtp_auth_unsuccessful' }, log);
  for (let second = 0; second < 70; second++) {
    clock.ms += 1_000;
    await other.noteTraffic({ mailbox: MAILBOX, ok: true }, log);
  }
  assert.deepEqual(
    channels[0]?.taken.map(({ type }) => type),
    ['incident.opened', 'incident.closed'],
  );
});

test('the heartbeat: start, good, bad; neutral runs are a sign of life, a round without runs is none', async () => {
  const { watching, log, pulses, clock } = minutes();
  await watching.noteProbeStart(log);
  await watching.noteProbeRuns([probeRun(clock.ms, 'good')], log);
  await watching.noteProbeRuns(
    [probeRun(clock.ms, 'good'), probeRun(clock.ms, { phase: 'tcp', code: 'tcp_timeout' })],
    log,
  );
  await watching.noteProbeRuns([probeRun(clock.ms, 'neutral')], log);
  await watching.noteProbeRuns([], log);
  assert.deepEqual(pulses, ['start', 'good', 'bad', 'good']);
});

test('what channels need from the vault is read with good rounds, and harms nothing where it cannot be', async () => {
  const { start, log, lines, clock, channels } = watchWorld();
  let reads = 0;
  const watching = start({
    async prepareChannels() {
      reads++;
      throw new Error('hook-secret is not there');
    },
  });
  const failed = { phase: 'token', code: 'entra_app_disabled' } as const;
  for (const outcome of ['good', failed, failed] as const) {
    clock.ms += MINUTE_MS;
    await watching.noteProbeRuns([probeRun(clock.ms, outcome)], log);
  }
  assert.equal(reads, 1);
  assert.match(lines.find(({ event }) => event === 'watch.failed')?.detail ?? '', /hook-secret is not there/);
  assert.deepEqual(
    channels[0]?.taken.map(({ type }) => type),
    ['incident.opened'],
  );
});

test('a channel that is dead for days: bounded tries, bounded rows, and the end is told when it is back', async () => {
  const [dead, alive] = [recordingChannel('dead'), recordingChannel('alive')];
  const { watching, log, clock, store } = watchWorldOf([alive, dead]);
  dead.isDown = true;
  let sizes = 0;
  for (let round = 0; round < 3 * 24 * 12; round++) {
    clock.ms += 5 * MINUTE_MS;
    const isBad = round % 24 < 6;
    await watching.noteProbeRuns(
      [probeRun(clock.ms - 2_000, isBad ? { phase: 'auth', code: 'smtp_auth_unsuccessful' } : 'good')],
      log,
    );
    sizes = Math.max(sizes, JSON.stringify(await store.list()).length);
  }
  assert.ok(dead.asked < 3 * 24 * 12, `asked ${dead.asked} times`);
  assert.ok(sizes < 30_000, `a row of ${sizes} characters`);
  const ends = alive.taken.filter(({ type }) => type === 'incident.closed').length;
  assert.equal(ends, alive.taken.filter(({ type }) => type === 'incident.opened').length);
  dead.isDown = false;
  for (let count = 0; count < 4; count++) {
    clock.ms += 20 * MINUTE_MS;
    await watching.watchMinute(log);
  }
  assert.ok(dead.taken.length > 0 && dead.taken.every(({ type }) => type === 'incident.closed'));
  assert.ok((await store.list()).every(({ row }) => row.notices.length === 0));
});

function watchWorldOf(channels: readonly ReturnType<typeof recordingChannel>[]) {
  const all = watchWorld({ channels });
  return { ...all, watching: all.start() };
}

test('the log gets one line for each alert, with the names that alert rules query', async () => {
  const { watching, log, clock, lines } = minutes();
  for (const outcome of [1, 2, 3, 4].map(count =>
    count < 3 ? ({ phase: 'auth', code: 'smtp_auth_unsuccessful' } as const) : 'good',
  )) {
    clock.ms += 5 * MINUTE_MS;
    await watching.noteProbeRuns([probeRun(clock.ms - 2_000, outcome)], log);
  }
  assert.deepEqual(
    lines.map(({ event, mailbox, code, phase, state }) => ({ event, mailbox, code, phase, state })),
    (['opened', 'closed'] as const).map(what => ({
      event: `incident.${what}`,
      mailbox: MAILBOX,
      code: 'smtp_auth_unsuccessful',
      phase: 'auth',
      state: what === 'opened' ? 'open' : 'closed',
    })),
  );
});

test('when it last worked comes from the history where this process has not seen it', async () => {
  const { world, watching, log, clock, channels } = minutes();
  world.history = clock.ms - DAY_MS;
  for (let count = 0; count < 2; count++) {
    clock.ms += 5 * MINUTE_MS;
    await watching.noteProbeRuns([probeRun(clock.ms - 2_000, { phase: 'auth', code: 'smtp_auth_unsuccessful' })], log);
  }
  assert.equal(channels[0]?.taken[0]?.lastGoodMs, world.history);
  assert.equal(channels[0]?.taken[0]?.sinceMs, clock.ms - 2_000 - 5 * MINUTE_MS);
});

test('an incident of a mailbox that the settings no longer have is closed', async () => {
  const store = memoryIncidents();
  const before = watchWorld({ store });
  for (let count = 0; count < 2; count++)
    await before.start().noteTraffic({ mailbox: MAILBOX, ok: false, code: 'smtp_auth_unsuccessful' }, before.log);
  const after = watchWorld({
    store,
    clock: before.clock,
    senders: [sender(['new@contoso.com'])],
    channels: before.channels,
  });
  await after.start().watchMinute(after.log);
  assert.deepEqual(
    before.channels[0]?.taken.map(({ type }) => type),
    ['incident.opened', 'incident.closed'],
  );
});

test('what ended more than 30 days ago is forgotten, and quiet rows go', async () => {
  const store = memoryIncidents();
  const { watching, log, clock, minute } = minutes({ store });
  for (let count = 0; count < 2; count++)
    await watching.noteTraffic({ mailbox: MAILBOX, ok: false, code: 'smtp_auth_unsuccessful' }, log);
  for (let count = 0; count < 2; count++) await watching.noteTraffic({ mailbox: MAILBOX, ok: true }, log);
  assert.equal(store.ended.length, 1);
  clock.ms = Date.parse('2026-11-25T12:16:00Z');
  await minute();
  assert.equal(store.ended.length, 1);
  assert.deepEqual(await store.list(), []);
  clock.ms = Date.parse('2026-12-25T12:16:00Z');
  await minute();
  assert.equal(store.ended.length, 0);
});
