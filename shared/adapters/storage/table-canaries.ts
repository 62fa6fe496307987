import type { TransactionAction } from '@azure/data-tables';
import type { CanaryNote } from '../../domain/probe-canary.ts';
import type { CanaryBook } from '../../domain/probe-ports.ts';
import type { StorageClients } from './storage-clients.ts';
import { type Row, tableAccess } from './table-access.ts';
import { PROBES_TABLE } from './table-probes.ts';

const PARTITION = 'canaries';
/** Operations of one transaction. */
const AT_ONCE = 100;

/** The last canary of each mailbox, one row each, beside the runs. */
export function tableCanaries(clients: StorageClients): CanaryBook {
  const table = tableAccess(clients, PROBES_TABLE);
  return {
    async read() {
      const rows = await table.run('read canaries', async client => {
        const found: Row[] = [];
        const queryOptions = { filter: `PartitionKey eq '${PARTITION}'` };
        for await (const page of client.listEntities<Row>({ queryOptions }).byPage({ maxPageSize: 1000 }))
          found.push(...page);
        return found;
      });
      const notes = rows.map(row => JSON.parse(String(row['doc'])) as CanaryNote);
      return new Map(notes.map(note => [note.mailbox.toLowerCase(), note]));
    },
    async write(notes) {
      for (let at = 0; at < notes.length; at += AT_ONCE) {
        const actions = notes.slice(at, at + AT_ONCE).map((note): TransactionAction => {
          const rowKey = Buffer.from(note.mailbox.toLowerCase(), 'utf8').toString('base64url');
          return ['upsert', { partitionKey: PARTITION, rowKey, doc: JSON.stringify(note) }, 'Replace'];
        });
        await table.submit('write canaries', actions);
      }
    },
  };
}
