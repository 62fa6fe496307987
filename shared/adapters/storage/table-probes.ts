import type { TransactionAction } from '@azure/data-tables';
import type { ProbeArchive } from '../../domain/probe-ports.ts';
import type { ProbeRun } from '../../domain/probe-run.ts';
import { packPhases, type RunFigures, unpackPhases } from '../../domain/probe-statistics.ts';
import type { ProbeQuery } from '../../domain/watch-ports.ts';
import type { StorageClients } from './storage-clients.ts';
import { failedWith, type Row, type TableAccess, tableAccess } from './table-access.ts';

export const PROBES_TABLE = 'probes';

/** All in one partition, so that runs and the newest of each mailbox are written together, 50 mailboxes at once. */
const PARTITION = 'p';
const DAY_MS = 86_400_000;
const KEPT_MS = 30 * DAY_MS;
const FAILED_KEPT_MS = 90 * DAY_MS;
/** Two rows each; a transaction holds 100 operations and 4 MiB. */
const RUNS_AT_ONCE = 50;
/** A row's text is 64 KiB at most, of two bytes each; a transcript is what can be long. */
const MAX_DOC_CHARS = 30_000;
/** Pages of a thousand runs that one question for figures may cost; with five minutes between them one is three days and a half. */
const FIGURE_PAGES = 64;
const FIGURE_COLUMNS = ['rowKey', 'mailbox', 'at', 'ok', 'phases'];
/** Each mailbox is looked through for old runs about once in so many rounds: several times a day. */
const ROUNDS_PER_CLEANING = 96;

/**
 * Runs of the probe. Rows: `l-<mailbox>` is the newest run; `r-<mailbox>~<time>` all of them, the time inverted so that
 * newer ones come first. Good and neutral runs go after 30 days, failed ones after 90, a few with each write.
 */
export function tableProbes(
  clients: StorageClients,
  now: () => number = () => Date.now(),
  random: () => number = () => Math.random(),
): ProbeArchive {
  const table = tableAccess(clients, PROBES_TABLE);
  return {
    async add(runs) {
      for (let at = 0; at < runs.length; at += RUNS_AT_ONCE) {
        const actions = runs.slice(at, at + RUNS_AT_ONCE).flatMap(run => rowsOf(run));
        await table.submit('write probe runs', actions);
      }
      for (const run of runs) if (random() < 1 / ROUNDS_PER_CLEANING) await clean(table, run.mailbox, now());
    },
    async latest(mailboxes) {
      const [only] = mailboxes;
      if (only === undefined) return [];
      if (mailboxes.length === 1) {
        const row = await table.get('read the last probe run', latestRow(only), undefined, PARTITION);
        return row ? readable(row) : [];
      }
      const wanted = new Set(mailboxes.map(latestRow));
      const rows = await allLatest(table);
      return rows.filter(row => wanted.has(String(row['rowKey']))).flatMap(readable);
    },
    list: query => (query.mailbox === undefined ? listAll(table, query) : listOne(table, query, query.mailbox)),
    figures: query => figures(table, query),
  };
}

function rowsOf(run: ProbeRun): TransactionAction[] {
  const { transcript: _long, ...short } = run;
  const common = { partitionKey: PARTITION, failed: run.ok === false };
  const bare = {
    mailbox: run.mailbox,
    at: run.at,
    phases: packPhases(run.phases),
    // A neutral run has none: a row has no null.
    ...(run.ok === null ? {} : { ok: run.ok }),
  };
  return [
    ['upsert', { ...common, ...bare, rowKey: runRow(run.mailbox, Date.parse(run.at)), doc: docOf(run) }, 'Replace'],
    ['upsert', { ...common, rowKey: latestRow(run.mailbox), doc: docOf(short) }, 'Replace'],
  ];
}

function docOf(run: ProbeRun): string {
  const whole = JSON.stringify(run);
  if (whole.length <= MAX_DOC_CHARS) return whole;
  const { transcript: _long, ...short } = run;
  const phases = run.phases.map(phase => ({ ...phase, detail: phase.detail.slice(0, 500) }));
  return JSON.stringify({ ...short, phases });
}

function allLatest(table: TableAccess): Promise<readonly Row[]> {
  return read(table, 'read the last probe runs', 'l-', 'l.', Number.POSITIVE_INFINITY);
}

async function listOne(table: TableAccess, query: ProbeQuery, mailbox: string) {
  // A continuation is the row after which to go on.
  const first = query.continuation === undefined ? runRow(mailbox, query.toMs) : `${query.continuation}!`;
  const [low, high] = [runRow(mailbox, query.toMs), runRow(mailbox, query.fromMs)];
  const from = first > low && first.startsWith(runPrefix(mailbox)) ? first : low;
  const rows = await read(table, 'list probe runs', from, `${high}!`, query.limit + 1);
  return pageOf(rows, query.limit);
}

/** Newest first over all mailboxes: the newest of each, merged. One query for each mailbox that ever had a run. */
async function listAll(table: TableAccess, query: ProbeQuery) {
  const mailboxes = (await allLatest(table)).map(row => String(row['rowKey']).slice(2));
  const toMs = query.continuation === undefined ? query.toMs : Math.min(query.toMs, timeOf(query.continuation));
  const pages: Row[] = [];
  for (let at = 0; at < mailboxes.length; at += 16) {
    const some = mailboxes.slice(at, at + 16).map(key => {
      const prefix = `r-${key}~`;
      return read(
        table,
        'list probe runs',
        `${prefix}${inverted(toMs)}`,
        `${prefix}${inverted(query.fromMs)}!`,
        query.limit + 1,
      );
    });
    pages.push(...(await Promise.all(some)).flat());
  }
  const order = (row: Row) => `${String(row['rowKey']).split('~')[1]} ${String(row['rowKey'])}`;
  const sorted = pages.toSorted((one, other) => (order(one) < order(other) ? -1 : 1));
  const after = query.continuation;
  const last = after === undefined ? undefined : `${after.split('~')[1]} ${after}`;
  return pageOf(
    sorted.filter(row => last === undefined || order(row) > last),
    query.limit,
  );
}

function pageOf(rows: readonly Row[], limit: number) {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    runs: page.flatMap(readable),
    ...(rows.length > limit && last ? { continuation: String(last['rowKey']) } : {}),
  };
}

async function figures(table: TableAccess, query: Pick<ProbeQuery, 'mailbox' | 'fromMs' | 'toMs'>) {
  const keys =
    query.mailbox === undefined
      ? (await allLatest(table)).map(row => String(row['rowKey']).slice(2))
      : [keyOf(query.mailbox)];
  const pages = Math.max(1, Math.floor(FIGURE_PAGES / Math.max(1, keys.length)));
  const found: Row[] = [];
  for (let at = 0; at < keys.length; at += 16) {
    const some = keys.slice(at, at + 16).map(key => {
      const [first, last] = [`r-${key}~${inverted(query.toMs)}`, `r-${key}~${inverted(query.fromMs)}!`];
      return read(table, 'read figures of the probe', first, last, pages * 1000, { pages, select: FIGURE_COLUMNS });
    });
    found.push(...(await Promise.all(some)).flat());
  }
  return found.map((row): RunFigures => {
    const { mailbox, at, ok, phases } = row;
    return {
      mailbox: String(mailbox),
      at: String(at),
      ok: typeof ok === 'boolean' ? ok : null,
      phases: unpackPhases(String(phases)),
    };
  });
}

/** Deletes old runs of a mailbox, at most one transaction; what is gone already is fine. */
async function clean(table: TableAccess, mailbox: string, nowMs: number): Promise<void> {
  const old = runRow(mailbox, nowMs - KEPT_MS);
  const older = runRow(mailbox, nowMs - FAILED_KEPT_MS);
  const more = `(failed eq false or RowKey ge '${older}')`;
  const rows = await read(table, 'read old probe runs', old, `${runPrefix(mailbox)}~`, 100, { more, pages: 2 });
  if (rows.length === 0) return;
  const deletes = rows.map(
    (row): TransactionAction => ['delete', { partitionKey: PARTITION, rowKey: String(row['rowKey']) }],
  );
  await table.submit('delete old probe runs', deletes).catch((error: unknown) => {
    // Another instance was quicker.
    if (failedWith(error) !== 404) throw error;
  });
}

/** Rows with `first` ≤ key < `last`, at most `max`, from so many pages. */
function read(
  table: TableAccess,
  operation: string,
  first: string,
  last: string,
  max: number,
  { more, pages = Number.POSITIVE_INFINITY, select }: { more?: string; pages?: number; select?: string[] } = {},
) {
  const range = `PartitionKey eq '${PARTITION}' and RowKey ge '${first}' and RowKey lt '${last}'`;
  const filter = more === undefined ? range : `${range} and ${more}`;
  return table.run(operation, async client => {
    const rows: Row[] = [];
    const queryOptions = { filter, ...(select ? { select } : {}) };
    const found = client.listEntities<Row>({ queryOptions }).byPage({ maxPageSize: Math.min(1000, max) });
    let count = 0;
    for await (const page of found) {
      rows.push(...page);
      if (rows.length >= max || ++count >= pages) break;
    }
    return rows.slice(0, max);
  });
}

/** One row that cannot be read must not hide all the others. */
function readable(row: Row): readonly ProbeRun[] {
  try {
    return [JSON.parse(String(row['doc'])) as ProbeRun];
  } catch {
    return [];
  }
}

/** Addresses may hold characters that a row key may not. `~` and `.` are in no base64url. */
function keyOf(mailbox: string): string {
  return Buffer.from(mailbox.toLowerCase(), 'utf8').toString('base64url');
}

function latestRow(mailbox: string): string {
  return `l-${keyOf(mailbox)}`;
}

function runPrefix(mailbox: string): string {
  return `r-${keyOf(mailbox)}~`;
}

function runRow(mailbox: string, atMs: number): string {
  return `${runPrefix(mailbox)}${inverted(atMs)}`;
}

const LAST_MS = 99_999_999_999_999;

function inverted(ms: number): string {
  return String(LAST_MS - Math.min(Math.max(0, Math.floor(ms)), LAST_MS)).padStart(14, '0');
}

function timeOf(row: string): number {
  const ms = LAST_MS - Number(row.split('~')[1]);
  return Number.isFinite(ms) ? ms : LAST_MS;
}
