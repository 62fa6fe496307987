import type { MailboxStates } from '../../domain/mailbox-ports.ts';
import { NEW_MAILBOX } from '../../domain/pacing.ts';
import { docTable } from './doc-table.ts';
import type { StorageClients } from './storage-clients.ts';

const MAILBOXES_TABLE = 'mailboxes';

/** What all instances share of each mailbox: turns, recipients of the day, breaker. */
export function tableMailboxes(clients: StorageClients): MailboxStates {
  const table = docTable(clients, {
    table: MAILBOXES_TABLE,
    partition: 'm',
    what: 'mailbox',
    blank: NEW_MAILBOX,
    columns: (mailbox, { breaker }) => ({ mailbox, breaker: breaker.state }),
  });
  return {
    async read(mailbox) {
      const found = await table.read(mailbox.toLowerCase());
      return found && { state: found.doc, etag: found.etag };
    },
    write: (mailbox, state, etag) => table.write(mailbox.toLowerCase(), state, etag),
    list: async () => (await table.list()).map(({ name, doc }) => ({ mailbox: name, state: doc })),
  };
}
