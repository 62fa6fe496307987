import { randomUUID } from 'node:crypto';
import type { TransactionAction } from '@azure/data-tables';
import type { OpenRow } from '../../domain/ports.ts';
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

/** Messages that are not final and due by `dueByMs`, oldest first. What is planned for later is not even read. */
export async function readOpenRows(table: TableAccess, dueByMs: number, max: number): Promise<readonly OpenRow[]> {
  return (
    await table.range('read open rows', ...RANGES.open, max, undefined, `dueAt le '${new Date(dueByMs).toISOString()}'`)
  ).map(openRowOf);
}

/** Notes the next generation and the wake time, for each row that has not changed since it was read. */
export async function releaseRows(table: TableAccess, wanted: readonly Release[]): Promise<readonly Released[]> {
  const released: Released[] = [];
  const size = TRANSACTION_OPERATIONS / 2;
  for (let at = 0; at < wanted.length; at += size) {
    released.push(...(await releaseGroup(table, wanted.slice(at, at + size))));
  }
  return released;
}

/** Releases up to 50 rows in one transaction; when one of them has changed, halves until the changed ones are alone. */
async function releaseGroup(table: TableAccess, group: readonly Release[]): Promise<readonly Released[]> {
  if (group.length === 0) return [];
  const actions = group.flatMap(({ row, wakeAtMs }): TransactionAction[] => {
    const partitionKey = partitionOf(row.id);
    const generation = row.generation + 1;
    const wakeAt = new Date(wakeAtMs).toISOString();
    return [
      ['update', { partitionKey, rowKey: openRow(row.id), generation, wakeAt }, 'Merge', { etag: row.etag }],
      ['update', { partitionKey, rowKey: recordRow(row.id), generation, nonce: randomUUID() }, 'Merge'],
    ];
  });
  try {
    await table.submit('release messages', actions);
    return group.map(({ row }) => ({ id: row.id, generation: row.generation + 1 }));
  } catch (error) {
    const status = failedWith(error);
    if (status !== 412 && status !== 404) throw error;
    if (group.length === 1) return [];
    const half = Math.ceil(group.length / 2);
    return [...(await releaseGroup(table, group.slice(0, half))), ...(await releaseGroup(table, group.slice(half)))];
  }
}
