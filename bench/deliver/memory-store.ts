import { isFinal, type MessageRecord } from '../../shared/domain/message-record.ts';
import type {
  DueContent,
  ListQuery,
  MessageStore,
  OpenRow,
  OpenRowChange,
  StoredWithContent,
  WriteResult,
} from '../../shared/domain/ports.ts';

interface Entry {
  record: MessageRecord;
  etag: string;
  content: Uint8Array | undefined;
  /** Wake time of the open row; undefined while parked. */
  wakeAtMs: number | undefined;
}

/**
 * The message store in memory: the port's contract (ETags, one open row for each message that is not final) at next to no
 * cost, so that a bench sees what the use case itself takes.
 */
export function memoryStore(): MessageStore {
  const entries = new Map<string, Entry>();
  const keys = new Map<string, { readonly messageId: string; readonly fingerprint: string }>();
  let etags = 0;
  const nextEtag = () => `"${++etags}"`;
  const newestFirst = () => [...entries.values()].map(entry => entry.record).sort((a, b) => (a.id < b.id ? 1 : -1));

  return {
    async insert(record, content, { wakeAtMs, idempotency }) {
      const used = idempotency && keys.get(idempotency.row);
      if (used) return { kind: 'duplicate', ...used };
      if (idempotency) keys.set(idempotency.row, { messageId: record.id, fingerprint: idempotency.fingerprint });
      entries.set(record.id, { record, etag: nextEtag(), content, wakeAtMs });
      return { kind: 'inserted' };
    },
    async read(id): Promise<StoredWithContent | undefined> {
      const entry = entries.get(id);
      if (!entry) return undefined;
      const { record, etag, content } = entry;
      return { record, etag, ...(content ? { inlineContent: content } : {}) };
    },
    async peek(id) {
      const entry = entries.get(id);
      return entry && { record: entry.record, etag: entry.etag };
    },
    async write(record, etag, change: OpenRowChange): Promise<WriteResult> {
      const entry = entries.get(record.id);
      if (!entry) return { ok: false, reason: 'gone' };
      if (entry.etag !== etag) return { ok: false, reason: 'conflict' };
      entry.record = record;
      entry.etag = nextEtag();
      if (change.kind === 'put') entry.wakeAtMs = change.wakeAtMs;
      if (change.kind === 'remove' && record.content.deleteAfterMs === undefined) entry.content = undefined;
      return { ok: true, etag: entry.etag };
    },
    async list({ status, mailbox, caller, limit }: ListQuery) {
      const fits = (record: MessageRecord) =>
        (status ?? record.status) === record.status &&
        (mailbox ?? record.mailbox) === record.mailbox &&
        (caller ?? record.caller) === record.caller;
      return { records: newestFirst().filter(fits).slice(0, limit) };
    },
    findKey: async () => undefined,
    noteKey: async () => undefined,
    async openRows(dueByMs, max) {
      const open = [...entries.values()].filter(({ record }) => !isFinal(record.status) && record.dueAtMs <= dueByMs);
      return open.slice(0, max).map(openRowOf);
    },
    async release(rows) {
      return rows.flatMap(({ row, wakeAtMs }) => {
        const entry = entries.get(row.id);
        if (!entry || entry.etag !== row.etag) return [];
        const generation = row.generation + 1;
        entry.record = { ...entry.record, generation };
        entry.etag = nextEtag();
        entry.wakeAtMs = wakeAtMs;
        return [{ id: row.id, generation }];
      });
    },
    async contentDue(nowMs, max) {
      return newestFirst()
        .flatMap(({ id, content: { deleteAfterMs } }): DueContent[] =>
          deleteAfterMs === undefined || deleteAfterMs > nowMs ? [] : [{ id, deleteAfterMs }],
        )
        .slice(0, max);
    },
    async dropContent({ id }, dropBlob) {
      await dropBlob();
      const entry = entries.get(id);
      if (entry) entry.content = undefined;
    },
    async expired(beforeMs, max) {
      return newestFirst()
        .filter(record => isFinal(record.status) && record.createdAtMs < beforeMs)
        .slice(-max);
    },
    async remove(records) {
      for (const { id } of records) entries.delete(id);
    },
  };
}

function openRowOf({ record, etag, wakeAtMs }: Entry): OpenRow {
  const { id, mailbox, status, priority, dueAtMs, generation, claim } = record;
  return {
    id,
    mailbox,
    status,
    priority,
    dueAtMs,
    generation,
    etag,
    ...(wakeAtMs === undefined ? {} : { wakeAtMs }),
    ...(claim ? { claimUntilMs: claim.untilMs } : {}),
  };
}
