import { randomUUID } from 'node:crypto';
import type { WriteResult } from '../../domain/message-ports.ts';
import { wasRepeated } from './repeated-requests.ts';
import type { StorageClients } from './storage-clients.ts';
import { failedWith, type Row, tableAccess } from './table-access.ts';

export interface DocTableOptions<T> {
  readonly table: string;
  readonly partition: string;
  /** What one document is, for the text of a fault. */
  readonly what: string;
  /** Stands in for the members that a document of an older version lacks. */
  readonly blank: T;
  /** What else stands in a row, to be seen and asked for beside the document. */
  columns?(name: string, doc: T): Readonly<Record<string, string>>;
}

export interface DocTable<T> {
  read(name: string): Promise<{ readonly doc: T; readonly etag: string } | undefined>;
  /** `etag` undefined: there was none. Conflict when somebody else has written since; never because of an answer that was lost. */
  write(name: string, doc: T, etag: string | undefined): Promise<WriteResult>;
  list(): Promise<readonly { readonly name: string; readonly doc: T }[]>;
}

const CONFLICT = { ok: false, reason: 'conflict' } as const;

/** JSON documents that all instances share, by name: one entity each, one write by ETag. */
export function docTable<T extends object>(clients: StorageClients, options: DocTableOptions<T>): DocTable<T> {
  const { table: tableName, partition, what, blank } = options;
  const table = tableAccess(clients, tableName);
  const docOf = (row: Row): T => ({ ...blank, ...(JSON.parse(String(row['doc'])) as Partial<T>) });

  return {
    async read(name) {
      const row = await table.get(`read ${what}`, rowOf(name), undefined, partition);
      return row && { doc: docOf(row), etag: String(row['etag']) };
    },
    async write(name, doc, etag) {
      const nonce = randomUUID();
      const key = { partitionKey: partition, rowKey: rowOf(name) };
      const entity = { ...key, ...options.columns?.(name, doc), nonce, doc: JSON.stringify(doc) };
      try {
        const written = await table.run(`write ${what}`, client =>
          etag === undefined ? client.createEntity(entity) : client.updateEntity(entity, 'Replace', { etag }),
        );
        if (written.etag !== undefined) return { ok: true, etag: written.etag };
      } catch (error) {
        const status = failedWith(error);
        if (status !== 409 && status !== 412 && status !== 404) throw error;
        // Most conflicts are true ones, and whoever meets one reads the row itself.
        if (!wasRepeated((error as Error).cause)) return CONFLICT;
      }
      const row = await table.get(`read ${what} after a write`, key.rowKey, ['nonce'], partition);
      return row?.['nonce'] === nonce ? { ok: true, etag: String(row['etag']) } : CONFLICT;
    },
    async list() {
      const rows = await table.run(`list ${tableName}`, async client => {
        const found: Row[] = [];
        const queryOptions = { filter: `PartitionKey eq '${partition}'` };
        for await (const page of client.listEntities<Row>({ queryOptions }).byPage({ maxPageSize: 1000 }))
          found.push(...page);
        return found;
      });
      return rows.map(row => ({ name: nameOf(String(row['rowKey'])), doc: docOf(row) }));
    },
  };
}

/** Names may hold characters that a row key may not. */
function rowOf(name: string): string {
  return Buffer.from(name, 'utf8').toString('base64url');
}

function nameOf(row: string): string {
  return Buffer.from(row, 'base64url').toString('utf8');
}
