import { randomUUID } from 'node:crypto';
import type { TransactionAction } from '@azure/data-tables';
import type { OpenRow, OpenRowsOptions } from '../../domain/message-ports.ts';
import { openRow, openRowOf, partitionOf, RANGES, recordRow } from './record-entity.ts';
import { failedWith, type TableAccess } from './table-access.ts';

/** An entity-group transaction takes 100 operations (Table service, "Performing entity group transactions"). */
const TRANSACTION_OPERATIONS = 100;

interface Release {
  readonly row: OpenRow;
  readonly wakeAtMs: number;
}
interface Released {
  readonly id: string;
  readonly generation: number;
}
/** A release with the nonce that its record gets: by it, a release whose answer was lost is known again. */
interface Marked extends Release {
  readonly nonce: string;
}

/**
 * Messages that are not final and due by `dueByMs`, or ended by `endsByMs`, oldest first. What is planned for later is
 * not even read, and of the rest only what is kept stays in memory.
 */
export async function readOpenRows(
  table: TableAccess,
  dueByMs: number,
  max: number,
  { endsByMs, keep }: OpenRowsOptions = {},
): Promise<readonly OpenRow[]> {
  const found: OpenRow[] = [];
  const due = `dueAt le '${new Date(dueByMs).toISOString()}'`;
  // Rows of older versions have no end; a property that is missing is neither less nor greater than anything.
  const more = endsByMs === undefined ? due : `(${due} or endsAt le '${new Date(endsByMs).toISOString()}')`;
  await table.range('read open rows', ...RANGES.open, max, undefined, more, entity => {
    const row = openRowOf(entity);
    if (!keep || keep(row)) found.push(row);
    return false;
  });
  return found;
}

/** Notes the next generation and the wake time, for each row that has not changed since it was read. */
export async function releaseRows(
  table: TableAccess,
  wanted: readonly Release[],
  nowMs: number,
): Promise<readonly Released[]> {
  const released: Released[] = [];
  const marked = wanted.map(one => ({ ...one, nonce: randomUUID() }));
  const size = TRANSACTION_OPERATIONS / 2;
  for (let at = 0; at < marked.length; at += size) {
    released.push(...(await releaseGroup(table, marked.slice(at, at + size), nowMs)));
  }
  return released;
}

/** Releases up to 50 rows in one transaction; when one of them has changed, halves until the changed ones are alone. */
async function releaseGroup(table: TableAccess, group: readonly Marked[], nowMs: number): Promise<readonly Released[]> {
  const [first] = group;
  if (!first) return [];
  const released = group.map(({ row }) => ({ id: row.id, generation: row.generation + 1 }));
  const actions = group.flatMap(({ row, wakeAtMs, nonce }): TransactionAction[] => {
    const partitionKey = partitionOf(row.id);
    const generation = row.generation + 1;
    const times = { wakeAt: new Date(wakeAtMs).toISOString(), wokenAt: new Date(nowMs).toISOString() };
    return [
      ['update', { partitionKey, rowKey: openRow(row.id), generation, ...times }, 'Merge', { etag: row.etag }],
      ['update', { partitionKey, rowKey: recordRow(row.id), generation, nonce }, 'Merge'],
    ];
  });
  try {
    await table.submit('release messages', actions);
    return released;
  } catch (error) {
    const status = failedWith(error);
    if (status !== 412 && status !== 404) throw error;
    // A lost answer followed by the SDK's own retry finds what the first try changed: all of it, or nothing.
    if (await isOurs(table, first)) return released;
    if (group.length === 1) return [];
    const half = Math.ceil(group.length / 2);
    return [
      ...(await releaseGroup(table, group.slice(0, half), nowMs)),
      ...(await releaseGroup(table, group.slice(half), nowMs)),
    ];
  }
}

async function isOurs(table: TableAccess, { row, nonce }: Marked): Promise<boolean> {
  return (await table.get('read after conflict', recordRow(row.id), ['nonce']))?.['nonce'] === nonce;
}
