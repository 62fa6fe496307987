import { randomUUID } from 'node:crypto';
import type { TransactionAction } from '@azure/data-tables';
import { newMessageId } from '../../domain/message-id.ts';
import type { DueContent } from '../../domain/message-ports.ts';
import { isFinal, type MessageRecord } from '../../domain/message-record.ts';
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
  const emptied = toEntity({ ...record, content: { ...content, isDeleted: true } }, randomUUID());
  await table.submit('delete kept content', [
    ['update', emptied, 'Replace', { etag: String(entity['etag']) }],
    noteDone,
  ]);
  // Last: a message put back in between keeps its content, and a blob left behind is only litter.
  if (content.kind === 'blob') await dropBlob();
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

/** Records with their idempotency entries in one transaction of at most 100 operations. */
const RECORDS_AT_ONCE = 50;

/** Deletes records with their idempotency entries. What is gone already is fine. */
export async function removeRecords(table: TableAccess, records: readonly MessageRecord[]): Promise<void> {
  for (let at = 0; at < records.length; at += RECORDS_AT_ONCE) {
    await removeGroup(table, records.slice(at, at + RECORDS_AT_ONCE));
  }
}

/** A group fails as a whole when one of its rows is gone; then its records are deleted one by one. */
async function removeGroup(table: TableAccess, group: readonly MessageRecord[]): Promise<void> {
  const actions: TransactionAction[] = [];
  for (const record of group) {
    const partitionKey = partitionOf(record.id);
    actions.push(['delete', { partitionKey, rowKey: recordRow(record.id) }]);
    // A key that was used again after its week belongs to another message by now.
    const key = record.idempotencyRow;
    const entry = key === undefined ? undefined : await table.get('read idempotency entry', key, ['messageId']);
    if (key !== undefined && entry?.['messageId'] === record.id)
      actions.push(['delete', { partitionKey, rowKey: key }]);
  }
  try {
    await table.submit('delete old messages', actions);
  } catch (error) {
    if (failedWith(error) !== 404) throw error;
    if (group.length > 1) for (const record of group) await removeGroup(table, [record]);
  }
}
