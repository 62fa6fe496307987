import type { TransactionAction } from '@azure/data-tables';
import type { CanaryNote } from '../../domain/probe-canary.ts';
import type { ProbeArchive, ProbeMemory } from '../../domain/probe-ports.ts';
import type { ProbeRun } from '../../domain/probe-run.ts';
import { packPhases } from '../../domain/probe-statistics.ts';
import { allLatest, latestRow, PROBES_PARTITION, parsed, read, runPrefix, runRow } from './probe-rows.ts';
import type { StorageClients } from './storage-clients.ts';
import { failedWith, type Row, type TableAccess, tableAccess } from './table-access.ts';
import { listRuns, runFigures } from './table-probe-list.ts';

export const PROBES_TABLE = 'probes';

const DAY_MS = 86_400_000;
const KEPT_MS = 30 * DAY_MS;
const FAILED_KEPT_MS = 90 * DAY_MS;
/** Two rows each; a transaction holds 100 operations and 4 MiB. */
const RUNS_AT_ONCE = 50;
/** A row's text is 64 KiB at most, of two bytes each; a transcript is what can be long. */
const MAX_DOC_CHARS = 30_000;
/** Each mailbox is looked through for old runs about once in so many rounds: several times a day. */
const ROUNDS_PER_CLEANING = 96;

/**
 * Runs of the probe. Rows: `l-<mailbox>` is the newest run; `r-<mailbox>~<time>` all of them, the time inverted so that
 * newer ones come first. The note of a mailbox's last canary is a column of its newest run's row. Good and neutral runs go after 30 days, failed ones after 90, a few with each write.
 */
export function tableProbes(
  clients: StorageClients,
  now: () => number = () => Date.now(),
  random: () => number = () => Math.random(),
): ProbeArchive {
  const table = tableAccess(clients, PROBES_TABLE);
  return {
    async add(runs, canaries = []) {
      const notes = new Map(canaries.map(note => [note.mailbox.toLowerCase(), note]));
      for (let at = 0; at < runs.length; at += RUNS_AT_ONCE) {
        const some = runs.slice(at, at + RUNS_AT_ONCE);
        const actions = some.flatMap(run => rowsOf(run, notes.get(run.mailbox.toLowerCase())));
        await table.submit('write probe runs', actions);
      }
      for (const run of runs) if (random() < 1 / ROUNDS_PER_CLEANING) await clean(table, run.mailbox, now());
    },
    async noteCanaries(notes) {
      for (let at = 0; at < notes.length; at += 2 * RUNS_AT_ONCE) {
        const actions = notes.slice(at, at + 2 * RUNS_AT_ONCE).map((note): TransactionAction => {
          const row = { partitionKey: PROBES_PARTITION, rowKey: latestRow(note.mailbox), canary: JSON.stringify(note) };
          return ['upsert', row, 'Merge'];
        });
        await table.submit('note canaries', actions);
      }
    },
    async recall(mailboxes) {
      const rows = await latestRows(table, mailboxes);
      return new Map(
        mailboxes.map((mailbox): [string, ProbeMemory] => {
          const row = rows.get(latestRow(mailbox));
          const [run] = row ? parsed<ProbeRun>(row, 'doc') : [];
          const [canary] = row ? parsed<CanaryNote>(row, 'canary') : [];
          return [mailbox.toLowerCase(), { ...(run ? { run } : {}), ...(canary ? { canary } : {}) }];
        }),
      );
    },
    async latest(mailboxes) {
      const rows = await latestRows(table, mailboxes);
      return mailboxes.flatMap(mailbox => parsed<ProbeRun>(rows.get(latestRow(mailbox)) ?? {}, 'doc'));
    },
    list: query => listRuns(table, query),
    figures: query => runFigures(table, query),
  };
}

function rowsOf(run: ProbeRun, canary: CanaryNote | undefined): TransactionAction[] {
  const { transcript: _long, ...short } = run;
  const common = { partitionKey: PROBES_PARTITION, failed: run.ok === false };
  const bare = {
    mailbox: run.mailbox,
    at: run.at,
    phases: packPhases(run.phases),
    // A neutral run has none: a row has no null.
    ...(run.ok === null ? {} : { ok: run.ok }),
  };
  const noted = canary ? { canary: JSON.stringify(canary) } : {};
  return [
    ['upsert', { ...common, ...bare, rowKey: runRow(run.mailbox, Date.parse(run.at)), doc: docOf(run) }, 'Replace'],
    ['upsert', { ...common, ...noted, rowKey: latestRow(run.mailbox), doc: docOf(short) }, 'Merge'],
  ];
}

function docOf(run: ProbeRun): string {
  const whole = JSON.stringify(run);
  if (whole.length <= MAX_DOC_CHARS) return whole;
  const { transcript: _long, ...short } = run;
  const phases = run.phases.map(phase => ({ ...phase, detail: phase.detail.slice(0, 500) }));
  return JSON.stringify({ ...short, phases });
}

/** By row key. One call, whether for one mailbox or for all. */
async function latestRows(table: TableAccess, mailboxes: readonly string[]): Promise<ReadonlyMap<string, Row>> {
  const [only] = mailboxes;
  if (only === undefined) return new Map();
  if (mailboxes.length > 1) return new Map((await allLatest(table)).map(row => [String(row['rowKey']), row]));
  const row = await table.get('read the last probe run', latestRow(only), undefined, PROBES_PARTITION);
  return new Map(row ? [[latestRow(only), row]] : []);
}

/** Deletes old runs of a mailbox, at most one transaction; what is gone already is fine. */
async function clean(table: TableAccess, mailbox: string, nowMs: number): Promise<void> {
  const old = runRow(mailbox, nowMs - KEPT_MS);
  const older = runRow(mailbox, nowMs - FAILED_KEPT_MS);
  const more = `(failed eq false or RowKey ge '${older}')`;
  const rows = await read(table, 'read old probe runs', old, `${runPrefix(mailbox)}~`, 100, { more, pages: 2 });
  if (rows.length === 0) return;
  const deletes = rows.map(
    (row): TransactionAction => ['delete', { partitionKey: PROBES_PARTITION, rowKey: String(row['rowKey']) }],
  );
  await table.submit('delete old probe runs', deletes).catch((error: unknown) => {
    // Another instance was quicker.
    if (failedWith(error) !== 404) throw error;
  });
}
