import { randomUUID } from 'node:crypto';
import type { TransactionAction } from '@azure/data-tables';
import { newMessageId } from '../../domain/message-id.ts';
import { isFinal, type MessageRecord } from '../../domain/message-record.ts';
import type { DueContent } from '../../domain/ports.ts';
import {
  fromEntity,
  partitionOf,
  RANGES,
  RECORD_COLUMNS,
  recordRow,
  retainedOf,
  retainedRow,
  toEntity,
} from './record-entity.ts';
import { failedWith, type TableAccess } from './table-access.ts';

/** Messages whose kept content is due for deletion, the longest due first. */
export async function contentDue(table: TableAccess, nowMs: number, max: number): Promise<readonly DueContent[]> {
  const rows = await table.range('read kept content', RANGES.retained[0], retainedRow(nowMs, ''), max);
  return rows.map(row => retainedOf(String(row['rowKey'])));
}

/** Deletes kept content and the note that it was due. A message put back meanwhile keeps its content. */
export async function dropContent(
  table: TableAccess,
  { id, deleteAfterMs }: DueContent,
  dropBlob: () => Promise<void>,
): Promise<void> {
  const entity = await table.get('read message', recordRow(id), RECORD_COLUMNS);
  const noteDone: TransactionAction = [
    'delete',
    { partitionKey: partitionOf(id), rowKey: retainedRow(deleteAfterMs, id) },
  ];
  const record = entity && fromEntity(entity);
  // Put back since, and perhaps ended anew with a later note: this one no longer counts.
  if (!entity || !record || !isFinal(record.status) || record.content.deleteAfterMs !== deleteAfterMs) {
    await table.submit('delete note of kept content', [noteDone]);
    return;
  }
  const { deleteAfterMs: _due, ...content } = record.content;
  if (content.kind === 'blob') await dropBlob();
  const emptied = toEntity({ ...record, content: { ...content, isDeleted: true } }, randomUUID());
  await table.submit('delete kept content', [
    ['update', emptied, 'Replace', { etag: String(entity['etag']) }],
    noteDone,
  ]);
}

/** Final records made before `beforeMs`, at most `max`. Keys are inverted in time, so what is older sorts later. */
export async function expiredRecords(
  table: TableAccess,
  beforeMs: number,
  max: number,
): Promise<readonly MessageRecord[]> {
  const boundary = recordRow(newMessageId(beforeMs, new Uint8Array(10)));
  const rows = await table.range('read old messages', boundary, RANGES.record[1], max, RECORD_COLUMNS);
  return rows.map(fromEntity).filter(record => isFinal(record.status));
}

/** Deletes records with their idempotency entries. What is gone already is fine. */
export async function removeRecords(table: TableAccess, records: readonly MessageRecord[]): Promise<void> {
  for (const record of records) {
    const partitionKey = partitionOf(record.id);
    const actions: TransactionAction[] = [['delete', { partitionKey, rowKey: recordRow(record.id) }]];
    if (record.idempotencyRow !== undefined) actions.push(['delete', { partitionKey, rowKey: record.idempotencyRow }]);
    try {
      await table.submit('delete old message', actions);
    } catch (error) {
      if (failedWith(error) !== 404) throw error;
    }
  }
}
