import { type CallerUsageStore, NO_USAGE } from '../../domain/caller-usage.ts';
import { docTable } from './doc-table.ts';
import type { StorageClients } from './storage-clients.ts';

const CALLERS_TABLE = 'callers';

/** What all instances share of each caller, about 2 KB. */
export function tableCallerUsage(clients: StorageClients): CallerUsageStore {
  const table = docTable(clients, { table: CALLERS_TABLE, partition: 'usage', what: 'caller usage', blank: NO_USAGE });
  return {
    async read(callerId) {
      const found = await table.read(callerId);
      return found && { usage: found.doc, etag: found.etag };
    },
    async write(callerId, usage, etag) {
      const written = await table.write(callerId, usage, etag);
      return written.ok ? written.etag : undefined;
    },
  };
}
