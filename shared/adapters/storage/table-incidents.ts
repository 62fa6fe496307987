import type { TransactionAction } from '@azure/data-tables';
import type { ClosedIncident } from '../../domain/incident.ts';
import type { StoredWatchRow, WatchRow, WatchStore } from '../../domain/incident-store.ts';
import { invertMessageId, newMessageId } from '../../domain/message-id.ts';
import type { WriteResult } from '../../domain/message-ports.ts';
import type { StorageClients } from './storage-clients.ts';
import { failedWith, type Row, tableAccess } from './table-access.ts';

export const INCIDENTS_TABLE = 'incidents';
/** One partition, so that an incident that ends and the record of it are one transaction. */
const PARTITION = 'i';
/** A property holds 64 KiB, which is 32 Ki characters (Microsoft, "Understanding the Table service data model"). */
const PART_LENGTH = 30_000;
const MAX_PARTS = 15;
const PAGE_ROWS = 1000;
/** Of the closed ones: more than a page shows. */
const MAX_CLOSED = 500;

/**
 * The table of incidents: rows `s` are what is known of a subject or a warning, rows `c` the incidents that have ended,
 * newest first.
 */
export function tableIncidents(clients: StorageClients): WatchStore {
  const table = tableAccess(clients, INCIDENTS_TABLE);

  async function rows(operation: string, first: string, last: string, max: number): Promise<readonly Row[]> {
    const filter = `PartitionKey eq '${PARTITION}' and RowKey ge '${first}' and RowKey lt '${last}'`;
    return table.run(operation, async client => {
      const found: Row[] = [];
      const pages = client.listEntities<Row>({ queryOptions: { filter } }).byPage({ maxPageSize: PAGE_ROWS });
      for await (const page of pages) {
        found.push(...page);
        if (found.length >= max) break;
      }
      return found.slice(0, max);
    });
  }

  async function submit(operation: string, actions: TransactionAction[]): Promise<WriteResult> {
    try {
      const [etag] = await table.submit(operation, actions);
      return etag === undefined ? { ok: false, reason: 'conflict' } : { ok: true, etag };
    } catch (error) {
      const status = failedWith(error);
      if (status === 409 || status === 412 || status === 404) return { ok: false, reason: 'conflict' };
      throw error;
    }
  }

  return {
    async list() {
      return (await rows('read incidents', 's', 't', Number.POSITIVE_INFINITY)).map(storedOf);
    },
    async read(key) {
      const entity = await table.get('read incident', stateRow(key), undefined, PARTITION);
      return entity && storedOf(entity);
    },
    async write(row, etag, closed) {
      const entity = { partitionKey: PARTITION, rowKey: stateRow(row.key), ...partsOf(row) };
      const actions: TransactionAction[] = [
        etag === undefined ? ['create', entity] : ['update', entity, 'Replace', { etag }],
      ];
      if (closed) {
        const { id, closedAtMs } = closed;
        actions.push([
          'upsert',
          { partitionKey: PARTITION, rowKey: closedRow(closedAtMs, id), incidentId: id, ...partsOf(closed) },
          'Replace',
        ]);
      }
      return submit('write incident', actions);
    },
    async remove(key, etag) {
      try {
        await table.run('delete incident', client => client.deleteEntity(PARTITION, stateRow(key), { etag }));
        return { ok: true, etag };
      } catch (error) {
        const status = failedWith(error);
        if (status === 412 || status === 404) return { ok: false, reason: 'conflict' };
        throw error;
      }
    },
    async closed(sinceMs) {
      const found = await rows('read closed incidents', 'c', closedRow(sinceMs - 1, ''), MAX_CLOSED);
      return found.map(row => docOf(row) as ClosedIncident);
    },
    async forget(beforeMs) {
      const old = await rows('read old incidents', closedRow(beforeMs, ''), 'd', MAX_CLOSED);
      for (let at = 0; at < old.length; at += 100) {
        const actions = old
          .slice(at, at + 100)
          .map((row): TransactionAction => ['delete', { partitionKey: PARTITION, rowKey: String(row['rowKey']) }]);
        await table.submit('delete old incidents', actions);
      }
      return old.length;
    },
  };
}

/** Keys hold addresses, which may hold characters that a row key may not. */
function stateRow(key: string): string {
  return `s${Buffer.from(key, 'utf8').toString('base64url')}`;
}

/** Later ones sort first; `id` keeps two of the same moment apart. */
function closedRow(closedAtMs: number, id: string): string {
  return `c${invertMessageId(newMessageId(closedAtMs, new Uint8Array(10))).slice(0, 10)}${id}`;
}

function partsOf(value: WatchRow | ClosedIncident): Record<string, string> {
  const text = JSON.stringify(value);
  const parts: Record<string, string> = {};
  for (let part = 0; part * PART_LENGTH < text.length && part < MAX_PARTS; part++)
    parts[`doc${part}`] = text.slice(part * PART_LENGTH, (part + 1) * PART_LENGTH);
  return parts;
}

function storedOf(entity: Row): StoredWatchRow {
  return { row: docOf(entity) as WatchRow, etag: String(entity['etag']) };
}

function docOf(entity: Row): unknown {
  let text = '';
  for (let part = 0; typeof entity[`doc${part}`] === 'string'; part++) text += entity[`doc${part}`];
  return JSON.parse(text);
}
