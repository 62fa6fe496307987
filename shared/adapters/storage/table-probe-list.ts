import type { ProbeRun } from '../../domain/probe-run.ts';
import { type RunFigures, unpackPhases } from '../../domain/probe-statistics.ts';
import type { ProbeQuery } from '../../domain/watch-ports.ts';
import { allLatest, inverted, keyOf, PAGE_ROWS, parsed, read, runPrefix, runRow, timeOf } from './probe-rows.ts';
import type { Row, TableAccess } from './table-access.ts';

/** Pages of a thousand runs that one question for figures may cost; with five minutes between them one is three days and a half. */
const FIGURE_PAGES = 64;
const FIGURE_COLUMNS = ['rowKey', 'mailbox', 'at', 'ok', 'phases'];

/** Runs in a range of time, newest first, a page at a time; a continuation is the row after which to go on. */
export function listRuns(table: TableAccess, query: ProbeQuery) {
  return query.mailbox === undefined ? listAll(table, query) : listOne(table, query, query.mailbox);
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
    runs: page.flatMap(row => parsed<ProbeRun>(row, 'doc')),
    ...(rows.length > limit && last ? { continuation: String(last['rowKey']) } : {}),
  };
}

/** Figures of a range, from few columns and a bounded number of pages. */
export async function runFigures(table: TableAccess, query: Pick<ProbeQuery, 'mailbox' | 'fromMs' | 'toMs'>) {
  const keys =
    query.mailbox === undefined
      ? (await allLatest(table)).map(row => String(row['rowKey']).slice(2))
      : [keyOf(query.mailbox)];
  const pages = Math.max(1, Math.floor(FIGURE_PAGES / Math.max(1, keys.length)));
  const found: Row[] = [];
  for (let at = 0; at < keys.length; at += 16) {
    const some = keys.slice(at, at + 16).map(key => {
      const [first, last] = [`r-${key}~${inverted(query.toMs)}`, `r-${key}~${inverted(query.fromMs)}!`];
      return read(table, 'read figures of the probe', first, last, pages * PAGE_ROWS, {
        pages,
        select: FIGURE_COLUMNS,
      });
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
