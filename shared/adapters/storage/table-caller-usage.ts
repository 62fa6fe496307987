import { randomUUID } from 'node:crypto';
import { type CallerUsage, type CallerUsageStore, NO_USAGE } from '../../domain/caller-usage.ts';
import type { StorageClients } from './storage-clients.ts';
import { failedWith, type Row, tableAccess } from './table-access.ts';

export const CALLERS_TABLE = 'callers';
const PARTITION = 'usage';

/** What all instances share of each caller: one entity a caller, about 2 KB, one write by ETag. */
export function tableCallerUsage(clients: StorageClients): CallerUsageStore {
  const table = tableAccess(clients, CALLERS_TABLE);
  const read = (callerId: string) => table.get('read caller usage', rowOf(callerId), undefined, PARTITION);
  return {
    async read(callerId) {
      const entity = await read(callerId);
      return entity ? { usage: usageOf(entity), etag: String(entity['etag']) } : undefined;
    },
    async write(callerId, usage, etag) {
      const nonce = randomUUID();
      const entity = { partitionKey: PARTITION, rowKey: rowOf(callerId), nonce, doc: JSON.stringify(usage) };
      try {
        const written = await table.run('write caller usage', client =>
          etag === undefined ? client.createEntity(entity) : client.updateEntity(entity, 'Replace', { etag }),
        );
        return written.etag;
      } catch (error) {
        const status = failedWith(error);
        if (status !== 409 && status !== 412 && status !== 404) throw error;
        // A lost answer followed by the SDK's own retry finds what the first try wrote.
        const now = await read(callerId);
        return now?.['nonce'] === nonce ? String(now['etag']) : undefined;
      }
    },
  };
}

/** Names may hold characters that a row key may not. */
function rowOf(callerId: string): string {
  return Buffer.from(callerId, 'utf8').toString('base64url');
}

function usageOf(entity: Row): CallerUsage {
  return { ...NO_USAGE, ...(JSON.parse(String(entity['doc'])) as Partial<CallerUsage>) };
}
