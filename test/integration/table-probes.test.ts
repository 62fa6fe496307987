import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Azurite, startAzurite } from '../../local/cloud/start-azurite.ts';
import { storageClients } from '../../shared/adapters/storage/storage-clients.ts';
import { tableProbes } from '../../shared/adapters/storage/table-probes.ts';
import type { ProbeRun } from '../../shared/domain/probe-run.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse('2026-11-21T10:00:00.000Z');

let azurite: Azurite;
before(async () => {
  azurite = await startAzurite();
});
after(() => azurite.close());

/** `random` 0 cleans with each write, 1 never. */
const archive = (random: number) =>
  tableProbes(
    storageClients({ kind: 'connectionString', connectionString: azurite.connectionString }),
    () => NOW_MS,
    () => random,
  );

const run = (mailbox: string, atMs: number, ok: boolean | null, more: Partial<ProbeRun> = {}): ProbeRun => ({
  mailbox,
  at: new Date(atMs).toISOString(),
  ok,
  ms: 10,
  phases: [
    { phase: 'settings', ok: true, ms: 0, detail: 'ø' },
    { phase: 'auth', ok, ms: 7, detail: 'x' },
  ],
  ...more,
});

test('a round of many mailboxes: the newest of each, the range of one and of all, page by page', async () => {
  const history = archive(1);
  const mailboxes = Array.from({ length: 120 }, (_, index) => `m${index}@many.org`);
  await history.add(mailboxes.map((mailbox, index) => run(mailbox, NOW_MS + index, true)));
  await history.add(mailboxes.map((mailbox, index) => run(mailbox, NOW_MS + 1_000 + index, index > 0)));
  const latest = await history.latest([...mailboxes, 'unknown@many.org']);
  assert.deepEqual(
    latest.map(({ mailbox, at }) => [mailbox, at]),
    mailboxes.map((mailbox, index) => [mailbox, new Date(NOW_MS + 1_000 + index).toISOString()]),
  );
  assert.deepEqual(await history.latest(['M7@MANY.org']), [run('m7@many.org', NOW_MS + 1_007, true)]);
  const range = { fromMs: NOW_MS, toMs: NOW_MS + 1_050 };
  const seen: string[] = [];
  let continuation: string | undefined;
  do {
    const page = await history.list({ ...range, limit: 50, ...(continuation === undefined ? {} : { continuation }) });
    seen.push(...page.runs.map(({ at }) => at));
    continuation = page.continuation;
  } while (continuation !== undefined);
  const wanted = [
    ...Array.from({ length: 51 }, (_, i) => 1_050 - i),
    ...Array.from({ length: 120 }, (_, i) => 119 - i),
  ];
  assert.deepEqual(
    seen,
    wanted.map(ms => new Date(NOW_MS + ms).toISOString()),
  );
  const figures = await history.figures({ mailbox: 'm0@many.org', ...range });
  assert.deepEqual(
    figures.map(({ ok, phases }) => [ok, phases]),
    [
      [
        false,
        [
          { phase: 'settings', ok: true, ms: 0 },
          { phase: 'auth', ok: false, ms: 7 },
        ],
      ],
      [
        true,
        [
          { phase: 'settings', ok: true, ms: 0 },
          { phase: 'auth', ok: true, ms: 7 },
        ],
      ],
    ],
  );
  assert.equal((await history.figures(range)).length, 171);
});

test('good and neutral runs are kept 30 days, failed ones 90, with their transcript', async () => {
  const mailbox = 'old@contoso.com';
  const ages = [1, 29, 31, 60, 89, 91, 200];
  const history = archive(1);
  const transcript = ['S: 220 hello', 'C: EHLO x'];
  for (const days of ages) {
    const atMs = NOW_MS - days * DAY_MS;
    await history.add([run(mailbox, atMs, true)]);
    await history.add([run(mailbox, atMs + 1, null)]);
    await history.add([run(mailbox, atMs + 2, false, { transcript })]);
  }
  await archive(0).add([run(mailbox, NOW_MS, true)]);
  const { runs } = await history.list({ mailbox, fromMs: 0, toMs: NOW_MS, limit: 100 });
  const kept = runs.map(({ at, ok }) => [Math.round((NOW_MS - Date.parse(at)) / DAY_MS), ok]);
  assert.deepEqual(kept, [
    [0, true],
    [1, false],
    [1, null],
    [1, true],
    [29, false],
    [29, null],
    [29, true],
    [31, false],
    [60, false],
    [89, false],
  ]);
  assert.deepEqual(runs.find(({ ok }) => ok === false)?.transcript, transcript);
  assert.equal((await history.latest([mailbox]))[0]?.transcript, undefined, 'the newest row is kept short');
});

test('a canary’s note and the newest run share a row and leave each other alone', async () => {
  const mailbox = 'bird@contoso.com';
  const history = archive(1);
  const note = { mailbox, sentAtMs: NOW_MS, state: 'sent', messageId: 'id' } as const;
  await history.noteCanaries([note]);
  assert.deepEqual(await history.latest([mailbox]), []);
  await history.add([run(mailbox, NOW_MS, true)]);
  const known = await history.recall([mailbox, 'nobody@contoso.com']);
  assert.deepEqual(known.get(mailbox), { run: run(mailbox, NOW_MS, true), canary: note });
  assert.deepEqual(known.get('nobody@contoso.com'), {});
  await history.add([run(mailbox, NOW_MS + 1, true)], [{ ...note, state: 'good' }]);
  assert.equal((await history.recall([mailbox])).get(mailbox)?.canary?.state, 'good');
});

test('a run too long for a row loses its transcript, not itself', async () => {
  const mailbox = 'long@contoso.com';
  const history = archive(1);
  await history.add([run(mailbox, NOW_MS, false, { transcript: Array.from({ length: 200 }, () => 'x'.repeat(300)) })]);
  const { runs } = await history.list({ mailbox, fromMs: 0, toMs: NOW_MS, limit: 1 });
  assert.deepEqual([runs[0]?.ok, runs[0]?.transcript], [false, undefined]);
});
