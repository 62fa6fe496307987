import type { TableClient, TransactionAction } from '@azure/data-tables';
import { partitionOf } from './record-entity.ts';
import type { StorageClients } from './storage-clients.ts';
import { statusOf, storageCodeOf, storageFault } from './storage-fault.ts';
import { submitBatch } from './table-batch.ts';

export const MESSAGES_TABLE = 'messages';
const PAGE_ROWS = 1000;

export type Row = Record<string, unknown>;

/** The few operations that the message store is made of, each with its faults as ServiceFailure. */
export interface TableAccess {
  /** An entity-group transaction; gives the new ETags in order. */
  submit(operation: string, actions: TransactionAction[]): Promise<readonly (string | undefined)[]>;
  get(operation: string, row: string, select?: readonly string[], partition?: string): Promise<Row | undefined>;
  /** Rows with `first` ≤ row key < `last`; at most `max` are read, and those that `keep` says no to are left out. */
  range(
    operation: string,
    first: string,
    last: string,
    max: number,
    select?: readonly string[],
    more?: string,
    keep?: (row: Row) => boolean,
  ): Promise<readonly Row[]>;
  run<T>(operation: string, call: (table: TableClient) => Promise<T>): Promise<T>;
}

export function tableAccess(clients: StorageClients, name: string = MESSAGES_TABLE): TableAccess {
  /** Runs a call; makes the table when this storage account has none yet, so that a fresh account works at once. */
  async function run<T>(operation: string, call: (table: TableClient) => Promise<T>): Promise<T> {
    try {
      const table = await clients.table(name);
      try {
        return await call(table);
      } catch (error) {
        if (storageCodeOf(error) !== 'TableNotFound') throw error;
        await table.createTable();
        return await call(table);
      }
    } catch (error) {
      throw storageFault('table', operation, error);
    }
  }

  return {
    run,
    submit: (operation, actions) => run(operation, table => submitBatch(table, actions)),
    async get(operation, row, select, partition = partitionOf(row)) {
      try {
        const options = select ? { queryOptions: { select: [...select] } } : {};
        return await run(operation, table => table.getEntity<Row>(partition, row, options));
      } catch (error) {
        if (failedWith(error) === 404) return undefined;
        throw error;
      }
    },
    range: (operation, first, last, max, select, more, keep = () => true) =>
      run(operation, async table => {
        const filter = more === undefined ? rangeFilter(first, last) : `${rangeFilter(first, last)} and ${more}`;
        const rows: Row[] = [];
        const queryOptions = { filter, ...(select ? { select: [...select] } : {}) };
        const pages = table.listEntities<Row>({ queryOptions }).byPage({ maxPageSize: Math.min(PAGE_ROWS, max) });
        let read = 0;
        for await (const page of pages) {
          for (const row of page.slice(0, max - read)) if (keep(row)) rows.push(row);
          read += page.length;
          if (read >= max) break;
        }
        return rows;
      }),
  };
}

/** The HTTP status that a ServiceFailure came from. */
export function failedWith(error: unknown): number | undefined {
  return statusOf((error as Error).cause);
}

export function rangeFilter(first: string, last: string): string {
  return `PartitionKey eq '${partitionOf(first)}' and RowKey ge '${first}' and RowKey lt '${last}'`;
}
