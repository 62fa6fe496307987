import { createHash, randomUUID } from 'node:crypto';
import type { TransactionAction } from '@azure/data-tables';
import type { EventRef } from '../../domain/events.ts';
import type { IdempotencyEntry, MessageStore, OpenRowChange, WriteResult } from '../../domain/message-ports.ts';
import type { MessageRecord } from '../../domain/message-record.ts';
import { isFinal } from '../../domain/message-record.ts';
import {
  contentOf,
  contentProperties,
  fromEntity,
  openRow,
  openRowEntity,
  partitionOf,
  RECORD_COLUMNS,
  recordRow,
  retainedRow,
  toEntity,
} from './record-entity.ts';
import type { StorageClients } from './storage-clients.ts';
import { storageFault } from './storage-fault.ts';
import { failedWith, type TableAccess, tableAccess } from './table-access.ts';
import { contentDue, dropContent, expiredRecords, removeRecords } from './table-housekeeping.ts';
import { listRecords } from './table-list.ts';
import { readOpenRows, releaseRows } from './table-open-rows.ts';
import { noteEvent } from './table-outbox.ts';

/** An idempotency entry outlives its message's final state by this long. */
const IDEMPOTENCY_LIFE_MS = 7 * 24 * 60 * 60 * 1000;

/** The event that a record is to be noted with; undefined for none. */
type EventNoter = (record: MessageRecord) => EventRef | undefined;

/**
 * The table of messages on Azure Table storage. See record-entity.ts for its layout.
 *
 * @param eventToNote gives the event that an outcome must leave a note of; absent where nobody wants events.
 */
export function tableMessages(clients: StorageClients, eventToNote: EventNoter = () => undefined): MessageStore {
  const table = tableAccess(clients);
  return {
    insert: (record, content, options) => insert(table, eventToNote, record, content, options),
    async read(id) {
      const entity = await table.get('read message', recordRow(id));
      if (!entity) return undefined;
      const content = contentOf(entity);
      return {
        record: fromEntity(entity),
        etag: String(entity['etag']),
        ...(content ? { inlineContent: content } : {}),
      };
    },
    async peek(id) {
      const entity = await table.get('read message', recordRow(id), RECORD_COLUMNS);
      return entity ? { record: fromEntity(entity), etag: String(entity['etag']) } : undefined;
    },
    write: (record, etag, change) => write(table, eventToNote, record, etag, change),
    list: query => listRecords(table, query),
    openRows: (dueByMs, max, options) => readOpenRows(table, dueByMs, max, options),
    findKey: row => findKey(table, row),
    noteKey: (row, messageId) => noteKey(table, row, messageId),
    release: (wanted, nowMs) => releaseRows(table, wanted, nowMs),
    contentDue: (nowMs, max) => contentDue(table, nowMs, max),
    dropContent: (due, dropBlob) => dropContent(table, due, dropBlob),
    expired: (beforeMs, max) => expiredRecords(table, beforeMs, max),
    remove: records => removeRecords(table, records),
  };
}

async function insert(
  table: TableAccess,
  eventToNote: EventNoter,
  record: MessageRecord,
  content: Uint8Array | undefined,
  { wakeAtMs, idempotency }: { readonly wakeAtMs?: number; readonly idempotency?: IdempotencyEntry },
): ReturnType<MessageStore['insert']> {
  const message: TransactionAction[] = [
    ['create', { ...toEntity(record, randomUUID()), ...contentProperties(content) }],
  ];
  if (!isFinal(record.status)) message.push(['create', openRowEntity(record, wakeAtMs)]);
  // A request refused on the queue ends with its beginning; `sweep` finds the note, since nobody else emits for it.
  else message.push(...eventActions(eventToNote(record)));
  const key = idempotency && {
    partitionKey: partitionOf(record.id),
    rowKey: idempotency.row,
    messageId: record.id,
    fingerprint: idempotency.fingerprint,
    expiresAt: '',
  };
  try {
    await table.submit('insert message', key ? [...message, ['create', key]] : message);
    return { kind: 'inserted' };
  } catch (error) {
    if (failedWith(error) !== 409) throw error;
    // A lost answer followed by the SDK's own retry finds what the first try made.
    if (await table.get('read after conflict', recordRow(record.id), ['nonce'])) return { kind: 'inserted' };
    if (!key) throw error;
  }
  const entry = await table.get('read idempotency entry', key.rowKey);
  if (!entry) throw storageFault('table', 'insert message', undefined);
  const expiresAt = String(entry['expiresAt'] ?? '');
  if (expiresAt === '' || Date.parse(expiresAt) > record.createdAtMs) {
    return { kind: 'duplicate', messageId: String(entry['messageId']), fingerprint: String(entry['fingerprint']) };
  }
  await table.submit('insert message', [...message, ['update', key, 'Replace', { etag: String(entry['etag']) }]]);
  return { kind: 'inserted' };
}

async function write(
  table: TableAccess,
  eventToNote: EventNoter,
  record: MessageRecord,
  etag: string,
  change: OpenRowChange,
): Promise<WriteResult> {
  const nonce = nonceOf(record);
  const dropsContent = change.kind === 'remove' && record.content.deleteAfterMs === undefined;
  const actions: TransactionAction[] = [
    ['update', toEntity(record, nonce), dropsContent ? 'Replace' : 'Merge', { etag }],
    ...openRowActions(record, change),
    ...idempotencyActions(record, change),
    ...eventActions(isOutcome(change) ? eventToNote(record) : undefined),
  ];
  try {
    const [next] = await table.submit('write message', actions);
    return next === undefined ? await resolveConflict(table, record.id, nonce) : { ok: true, etag: next };
  } catch (error) {
    const status = failedWith(error);
    if (status === 412 || status === 404 || status === 409) return resolveConflict(table, record.id, nonce);
    throw error;
  }
}

/** The same for the same record, so that an outcome written again after a lost answer recognises itself. */
function nonceOf(record: MessageRecord): string {
  return createHash('sha256').update(JSON.stringify(record)).digest('base64url');
}

function isOutcome(change: OpenRowChange): boolean {
  return change.kind === 'remove' || (change.kind === 'put' && !change.isWaiting);
}

function eventActions(event: EventRef | undefined): TransactionAction[] {
  return event ? [noteEvent(event)] : [];
}

function openRowActions(record: MessageRecord, change: OpenRowChange): TransactionAction[] {
  if (change.kind === 'untouched') return [];
  if (change.kind === 'put') return [['upsert', openRowEntity(record, change.wakeAtMs), 'Replace']];
  const partitionKey = partitionOf(record.id);
  const { deleteAfterMs } = record.content;
  const removal: TransactionAction = ['delete', { partitionKey, rowKey: openRow(record.id) }];
  if (deleteAfterMs === undefined) return [removal];
  return [removal, ['upsert', { partitionKey, rowKey: retainedRow(deleteAfterMs, record.id) }, 'Replace']];
}

/** The message that an idempotency entry or a digest row speaks of. */
async function findKey(table: TableAccess, row: string) {
  const entry = await table.get('read idempotency entry', row);
  if (!entry) return undefined;
  const expiresAtMs = Date.parse(String(entry['expiresAt'] ?? ''));
  return {
    messageId: String(entry['messageId']),
    fingerprint: String(entry['fingerprint'] ?? ''),
    ...(Number.isNaN(expiresAtMs) ? {} : { expiresAtMs }),
  };
}

async function noteKey(table: TableAccess, row: string, messageId: string): Promise<void> {
  await table.submit('note key', [
    ['upsert', { partitionKey: partitionOf(messageId), rowKey: row, messageId }, 'Merge'],
  ]);
}

/** The final state starts the key's last seven days; a message put back takes that end away again. */
function idempotencyActions(record: MessageRecord, change: OpenRowChange): TransactionAction[] {
  if (record.idempotencyRow === undefined) return [];
  const isPutBack = change.kind === 'put' && record.status === 'queued';
  if (change.kind !== 'remove' && !isPutBack) return [];
  const endMs = isPutBack ? undefined : (record.finalAtMs ?? record.updatedAtMs) + IDEMPOTENCY_LIFE_MS;
  const expiresAt = endMs === undefined ? '' : new Date(endMs).toISOString();
  // Upserted: housekeeping may have taken the row, and a missing one must not fail the outcome's transaction.
  const entry = {
    partitionKey: partitionOf(record.id),
    rowKey: record.idempotencyRow,
    messageId: record.id,
    expiresAt,
  };
  return [['upsert', entry, 'Merge']];
}

/** Conflict, unless the row carries our own nonce: then an answer was lost and the write had been done. */
async function resolveConflict(table: TableAccess, id: string, nonce: string): Promise<WriteResult> {
  const entity = await table.get('read after conflict', recordRow(id), ['nonce']);
  if (!entity) return { ok: false, reason: 'gone' };
  return entity['nonce'] === nonce ? { ok: true, etag: String(entity['etag']) } : { ok: false, reason: 'conflict' };
}
