import type { TransactionAction } from '@azure/data-tables';
import { type EventOutbox, type EventRef, type EventStatus, eventId } from '../../domain/events.ts';
import { partitionOf, RANGES } from './record-entity.ts';
import type { StorageClients } from './storage-clients.ts';
import { failedWith, tableAccess } from './table-access.ts';

/** Notes of events that are to be put on their queue. They are written by the transaction that writes the outcome. */
export function tableOutbox(clients: StorageClients): EventOutbox {
  const table = tableAccess(clients);
  return {
    async pending(max) {
      const rows = await table.range('read notes of events', ...RANGES.event, max);
      return rows.map(row => ({
        messageId: String(row['messageId']),
        status: String(row['status']) as EventStatus,
        atMs: Date.parse(String(row['at'])),
        ...(typeof row['attempt'] === 'number' ? { attempt: row['attempt'] } : {}),
      }));
    },
    async done(event) {
      const row = { partitionKey: partitionOf(event.messageId), rowKey: eventRow(event) };
      try {
        await table.submit('delete note of event', [['delete', row]]);
      } catch (error) {
        if (failedWith(error) !== 404) throw error;
      }
    },
  };
}

/** The note of an event, as part of the transaction that makes it true. */
export function noteEvent(event: EventRef): TransactionAction {
  const { messageId, status, atMs, attempt } = event;
  const entity = {
    partitionKey: partitionOf(messageId),
    rowKey: eventRow(event),
    messageId,
    status,
    at: new Date(atMs).toISOString(),
    ...(attempt === undefined ? {} : { attempt }),
  };
  return ['upsert', entity, 'Replace'];
}

function eventRow(event: EventRef): string {
  return `e${eventId(event)}`;
}
