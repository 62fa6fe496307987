import type { Row, TableAccess } from './table-access.ts';

/** All in one partition, so that runs and the newest of each mailbox are written together, 50 mailboxes at once. */
export const PROBES_PARTITION = 'p';
export const PAGE_ROWS = 1000;

/** Rows with `first` ≤ key < `last`, at most `max`, from so many pages. */
export function read(
  table: TableAccess,
  operation: string,
  first: string,
  last: string,
  max: number,
  { more, pages = Number.POSITIVE_INFINITY, select }: { more?: string; pages?: number; select?: string[] } = {},
) {
  const range = `PartitionKey eq '${PROBES_PARTITION}' and RowKey ge '${first}' and RowKey lt '${last}'`;
  const filter = more === undefined ? range : `${range} and ${more}`;
  return table.run(operation, async client => {
    const rows: Row[] = [];
    const queryOptions = { filter, ...(select ? { select } : {}) };
    const found = client.listEntities<Row>({ queryOptions }).byPage({ maxPageSize: Math.min(PAGE_ROWS, max) });
    let count = 0;
    for await (const page of found) {
      rows.push(...page);
      if (rows.length >= max || ++count >= pages) break;
    }
    return rows.slice(0, max);
  });
}

/** One row that cannot be read must not hide all the others; one made by a canary has no run yet. */
export function parsed<T>(row: Row, column: 'doc' | 'canary'): readonly T[] {
  try {
    return row[column] === undefined ? [] : [JSON.parse(String(row[column])) as T];
  } catch {
    return [];
  }
}

export function allLatest(table: TableAccess): Promise<readonly Row[]> {
  return read(table, 'read the last probe runs', 'l-', 'l.', Number.POSITIVE_INFINITY);
}

/** Addresses may hold characters that a row key may not. `~` and `.` are in no base64url. */
export function keyOf(mailbox: string): string {
  return Buffer.from(mailbox.toLowerCase(), 'utf8').toString('base64url');
}

export function latestRow(mailbox: string): string {
  return `l-${keyOf(mailbox)}`;
}

export function runPrefix(mailbox: string): string {
  return `r-${keyOf(mailbox)}~`;
}

export function runRow(mailbox: string, atMs: number): string {
  return `${runPrefix(mailbox)}${inverted(atMs)}`;
}

const LAST_MS = 99_999_999_999_999;

export function inverted(ms: number): string {
  return String(LAST_MS - Math.min(Math.max(0, Math.floor(ms)), LAST_MS)).padStart(14, '0');
}

export function timeOf(row: string): number {
  const ms = LAST_MS - Number(row.split('~')[1]);
  return Number.isFinite(ms) ? ms : LAST_MS;
}
