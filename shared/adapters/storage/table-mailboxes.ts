import type { MailboxState } from '../../domain/pacing.ts';
import { NEW_MAILBOX } from '../../domain/pacing.ts';
import type { MailboxStates, WriteResult } from '../../domain/ports.ts';
import type { StorageClients } from './storage-clients.ts';
import { failedWith, type Row, tableAccess } from './table-access.ts';

export const MAILBOXES_TABLE = 'mailboxes';
const PARTITION = 'm';

/** What all instances share of each mailbox: turns, recipients of the day, breaker. One entity a mailbox, one write by ETag. */
export function tableMailboxes(clients: StorageClients): MailboxStates {
  const table = tableAccess(clients, MAILBOXES_TABLE);
  return {
    async read(mailbox) {
      const entity = await table.get('read mailbox', rowOf(mailbox), undefined, PARTITION);
      return entity ? { state: stateOf(entity), etag: String(entity['etag']) } : undefined;
    },
    async write(mailbox, state, etag): Promise<WriteResult> {
      const entity = {
        partitionKey: PARTITION,
        rowKey: rowOf(mailbox),
        mailbox: mailbox.toLowerCase(),
        breaker: state.breaker.state,
        doc: JSON.stringify(state),
      };
      try {
        const written = await table.run('write mailbox', client =>
          etag === undefined ? client.createEntity(entity) : client.updateEntity(entity, 'Replace', { etag }),
        );
        return written.etag === undefined ? { ok: false, reason: 'conflict' } : { ok: true, etag: written.etag };
      } catch (error) {
        const status = failedWith(error);
        if (status === 409 || status === 412 || status === 404) return { ok: false, reason: 'conflict' };
        throw error;
      }
    },
    async list() {
      const rows = await table.run('list mailboxes', async client => {
        const found: Row[] = [];
        for await (const page of client.listEntities<Row>().byPage({ maxPageSize: 1000 })) found.push(...page);
        return found;
      });
      return rows.map(row => ({ mailbox: String(row['mailbox']), state: stateOf(row) }));
    },
  };
}

/** Addresses may hold characters that a row key may not. */
function rowOf(mailbox: string): string {
  return Buffer.from(mailbox.toLowerCase(), 'utf8').toString('base64url');
}

function stateOf(entity: Readonly<Record<string, unknown>>): MailboxState {
  return { ...NEW_MAILBOX, ...(JSON.parse(String(entity['doc'])) as Partial<MailboxState>) };
}
