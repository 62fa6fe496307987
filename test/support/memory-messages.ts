import { newMessageId } from '../../shared/domain/message-id.ts';
import type {
  DueContent,
  IdempotencyEntry,
  InsertResult,
  KnownKey,
  ListQuery,
  MessageStore,
  OpenRow,
  OpenRowChange,
  OpenRowsOptions,
  Stored,
  StoredWithContent,
  WriteResult,
} from '../../shared/domain/message-ports.ts';
import type { MessageRecord } from '../../shared/domain/message-record.ts';
import { endsAtMs, isFinal } from '../../shared/domain/message-record.ts';

interface Row {
  readonly record: MessageRecord;
  readonly etag: string;
  /** Of the last write: a write repeated after a lost answer recognises itself by it. */
  readonly nonce: string;
  readonly content: Uint8Array | undefined;
}

const KEY_LIFE_MS = 7 * 86_400_000;

/** Told of every change of a record: what it was, what it is. */
export type Watcher = (before: MessageRecord | undefined, after: MessageRecord) => void;

/**
 * The table of messages in memory, as table-messages.ts keeps it: records and open rows with ETags of their own, nonces
 * for lost answers, notes of kept content. Every operation is one synchronous step, so that a test decides the order.
 */
export function memoryMessages(watch: Watcher = () => {}) {
  const rows = new Map<string, Row>();
  const open = new Map<string, OpenRow>();
  const keys = new Map<string, KnownKey>();
  const retained = new Map<string, DueContent>();
  let made = 0;
  const fresh = () => `"${++made}"`;

  function put(record: MessageRecord, nonce: string, content: Uint8Array | undefined): string {
    const before = rows.get(record.id)?.record;
    const etag = fresh();
    rows.set(record.id, { record: structuredClone(record), etag, nonce, content });
    watch(before, record);
    return etag;
  }

  function putOpen(record: MessageRecord, wakeAtMs: number | undefined): void {
    const { id, mailbox, status, priority, dueAtMs, generation, claim } = record;
    const row = { id, mailbox, status, priority, dueAtMs, generation, endsAtMs: endsAtMs(record), etag: fresh() };
    open.set(id, {
      ...row,
      ...(wakeAtMs === undefined ? {} : { wakeAtMs, wokenAtMs: record.updatedAtMs }),
      ...(claim ? { claimUntilMs: claim.untilMs } : {}),
    });
  }

  /** The final state starts a key's last week; a message put back takes that end away again. */
  function dateKey({ id, idempotencyRow, finalAtMs, updatedAtMs, status }: MessageRecord, change: OpenRowChange): void {
    const isPutBack = change.kind === 'put' && status === 'queued';
    if (idempotencyRow === undefined || (change.kind !== 'remove' && !isPutBack)) return;
    const fingerprint = keys.get(idempotencyRow)?.fingerprint ?? '';
    const end = isPutBack ? {} : { expiresAtMs: (finalAtMs ?? updatedAtMs) + KEY_LIFE_MS };
    keys.set(idempotencyRow, { messageId: id, fingerprint, ...end });
  }

  const newestFirst = () =>
    [...rows.values()].map(row => row.record).sort((one, other) => (one.id < other.id ? 1 : -1));

  return {
    rows: rows as ReadonlyMap<string, Row>,
    open: open as ReadonlyMap<string, OpenRow>,
    insert(
      record: MessageRecord,
      content: Uint8Array | undefined,
      { wakeAtMs, idempotency }: { readonly wakeAtMs?: number; readonly idempotency?: IdempotencyEntry },
    ): InsertResult {
      if (rows.has(record.id)) return { kind: 'inserted' };
      const used = idempotency && keys.get(idempotency.row);
      if (used && (used.expiresAtMs ?? Number.POSITIVE_INFINITY) > record.createdAtMs)
        return { kind: 'duplicate', messageId: used.messageId, fingerprint: used.fingerprint };
      if (idempotency) keys.set(idempotency.row, { messageId: record.id, fingerprint: idempotency.fingerprint });
      if (!isFinal(record.status)) putOpen(record, wakeAtMs);
      put(record, '', content);
      return { kind: 'inserted' };
    },
    read(id: string): StoredWithContent | undefined {
      const row = rows.get(id);
      return row && { record: row.record, etag: row.etag, ...(row.content ? { inlineContent: row.content } : {}) };
    },
    peek(id: string): Stored | undefined {
      const row = rows.get(id);
      return row && { record: row.record, etag: row.etag };
    },
    write(record: MessageRecord, etag: string, change: OpenRowChange): WriteResult {
      const row = rows.get(record.id);
      if (!row) return { ok: false, reason: 'gone' };
      const nonce = JSON.stringify(record);
      // The transaction fails as a whole when the open row that it deletes is not there.
      if (row.etag !== etag || (change.kind === 'remove' && !open.has(record.id)))
        return row.nonce === nonce ? { ok: true, etag: row.etag } : { ok: false, reason: 'conflict' };
      const { deleteAfterMs } = record.content;
      dateKey(record, change);
      if (change.kind === 'put') putOpen(record, change.wakeAtMs);
      if (change.kind === 'remove') {
        open.delete(record.id);
        if (deleteAfterMs !== undefined)
          retained.set(`${deleteAfterMs} ${record.id}`, { id: record.id, deleteAfterMs });
      }
      const keeps = change.kind !== 'remove' || deleteAfterMs !== undefined;
      return { ok: true, etag: put(record, nonce, keeps ? row.content : undefined) };
    },
    openRows: (
      dueByMs: number,
      max: number,
      { endsByMs = 0, keep = () => true }: OpenRowsOptions = {},
    ): readonly OpenRow[] =>
      [...open.values()]
        .filter(row => row.dueAtMs <= dueByMs || (row.endsAtMs ?? Number.POSITIVE_INFINITY) <= endsByMs)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, max)
        .filter(keep),
    release(wanted: readonly { readonly row: OpenRow; readonly wakeAtMs: number }[], nowMs: number) {
      return wanted.flatMap(({ row, wakeAtMs }) => {
        const [now, message] = [open.get(row.id), rows.get(row.id)];
        if (!message || now?.etag !== row.etag) return [];
        const generation = row.generation + 1;
        open.set(row.id, { ...now, generation, wakeAtMs, wokenAtMs: nowMs, etag: fresh() });
        put({ ...message.record, generation }, fresh(), message.content);
        return [{ id: row.id, generation }];
      });
    },
    contentDue: (nowMs: number, max: number): readonly DueContent[] =>
      [...retained.values()].filter(due => due.deleteAfterMs < nowMs).slice(0, max),
    /** Whether the blob is to go as well. */
    dropContent({ id, deleteAfterMs }: DueContent): boolean {
      retained.delete(`${deleteAfterMs} ${id}`);
      const row = rows.get(id);
      if (!row || !isFinal(row.record.status) || row.record.content.deleteAfterMs !== deleteAfterMs) return false;
      const { deleteAfterMs: _due, ...content } = row.record.content;
      put({ ...row.record, content: { ...content, isDeleted: true } }, fresh(), undefined);
      return content.kind === 'blob';
    },
    list({ status, mailbox, caller, limit, continuation }: ListQuery) {
      const found = newestFirst().filter(
        record =>
          (continuation === undefined || record.id < continuation) &&
          (status ?? record.status) === record.status &&
          (mailbox ?? record.mailbox).toLowerCase() === record.mailbox.toLowerCase() &&
          (caller ?? record.caller) === record.caller,
      );
      const records = found.slice(0, limit);
      const last = found.length > limit ? records.at(-1) : undefined;
      return { records, ...(last ? { continuation: last.id } : {}) };
    },
    /** The id tells when a record was made. */
    expired(beforeMs: number, max: number): readonly MessageRecord[] {
      const boundary = newMessageId(beforeMs, new Uint8Array(10));
      const old = newestFirst().filter(record => isFinal(record.status) && record.id < boundary);
      return old.reverse().slice(0, max);
    },
    remove(records: readonly MessageRecord[]): void {
      for (const { id, idempotencyRow } of records) {
        rows.delete(id);
        // A key that was used again after its week belongs to another message by now.
        if (idempotencyRow !== undefined && keys.get(idempotencyRow)?.messageId === id) keys.delete(idempotencyRow);
      }
    },
    findKey: (row: string) => keys.get(row),
    noteKey(row: string, messageId: string): void {
      keys.set(row, { messageId, fingerprint: '' });
    },
  };
}

export type MemoryMessages = ReturnType<typeof memoryMessages>;

/** Does one operation of the store: at once, later, or not at all. */
export type StoreStep = <T>(perform: () => T) => Promise<T>;

/** The table as the use cases see it, each operation one step. */
export function messageStore(table: MemoryMessages, step: StoreStep = async perform => perform()): MessageStore {
  return {
    insert: (...given) => step(() => table.insert(...given)),
    read: id => step(() => table.read(id)),
    peek: id => step(() => table.peek(id)),
    write: (...given) => step(() => table.write(...given)),
    list: query => step(() => table.list(query)),
    findKey: row => step(() => table.findKey(row)),
    noteKey: (...given) => step(() => table.noteKey(...given)),
    openRows: (...given) => step(() => table.openRows(...given)),
    release: (...given) => step(() => table.release(...given)),
    contentDue: (...given) => step(() => table.contentDue(...given)),
    async dropContent(due, dropBlob) {
      if (await step(() => table.dropContent(due))) await dropBlob();
    },
    expired: (...given) => step(() => table.expired(...given)),
    remove: records => step(() => table.remove(records)),
  };
}
