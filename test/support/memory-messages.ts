import type { MessageRecord } from '../../shared/domain/message-record.ts';
import { isFinal } from '../../shared/domain/message-record.ts';
import type {
  DueContent,
  IdempotencyEntry,
  InsertResult,
  OpenRow,
  OpenRowChange,
  Stored,
  StoredWithContent,
  WriteResult,
} from '../../shared/domain/ports.ts';

interface Row {
  readonly record: MessageRecord;
  readonly etag: string;
  /** Of the last write: a write repeated after a lost answer recognises itself by it. */
  readonly nonce: string;
  readonly content: Uint8Array | undefined;
}

/** Told of every change of a record: what it was, what it is. */
export type Watcher = (before: MessageRecord | undefined, after: MessageRecord) => void;

/**
 * The table of messages in memory, as table-messages.ts keeps it: records and open rows with ETags of their own, nonces
 * for lost answers, notes of kept content. Every operation is one synchronous step, so that a test decides the order.
 */
export function memoryMessages(watch: Watcher = () => {}) {
  const rows = new Map<string, Row>();
  const open = new Map<string, OpenRow>();
  const keys = new Map<string, { readonly messageId: string; readonly fingerprint: string }>();
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
    const row = { id, mailbox, status, priority, dueAtMs, generation, etag: fresh() };
    open.set(id, {
      ...row,
      ...(wakeAtMs === undefined ? {} : { wakeAtMs }),
      ...(claim ? { claimUntilMs: claim.untilMs } : {}),
    });
  }

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
      if (used) return { kind: 'duplicate', ...used };
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
      if (change.kind === 'put') putOpen(record, change.wakeAtMs);
      if (change.kind === 'remove') {
        open.delete(record.id);
        if (deleteAfterMs !== undefined)
          retained.set(`${deleteAfterMs} ${record.id}`, { id: record.id, deleteAfterMs });
      }
      const keeps = change.kind !== 'remove' || deleteAfterMs !== undefined;
      return { ok: true, etag: put(record, nonce, keeps ? row.content : undefined) };
    },
    openRows: (dueByMs: number, max: number): readonly OpenRow[] =>
      [...open.values()]
        .filter(row => row.dueAtMs <= dueByMs)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, max),
    release(wanted: readonly { readonly row: OpenRow; readonly wakeAtMs: number }[]) {
      return wanted.flatMap(({ row, wakeAtMs }) => {
        const [now, message] = [open.get(row.id), rows.get(row.id)];
        if (!message || now?.etag !== row.etag) return [];
        const generation = row.generation + 1;
        open.set(row.id, { ...now, generation, wakeAtMs, etag: fresh() });
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
    findKey: (row: string) => keys.get(row),
    noteKey(row: string, messageId: string): void {
      keys.set(row, { messageId, fingerprint: '' });
    },
  };
}

export type MemoryMessages = ReturnType<typeof memoryMessages>;
