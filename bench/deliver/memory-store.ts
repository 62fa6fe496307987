import type {
  MessageStore,
  OpenRow,
  OpenRowChange,
  StoredWithContent,
  WriteResult,
} from '../../shared/domain/message-ports.ts';
import { isFinal, type MessageRecord } from '../../shared/domain/message-record.ts';

interface Entry {
  record: MessageRecord;
  etag: string;
  content: Uint8Array | undefined;
  /** Wake time of the open row; undefined while parked. */
  wakeAtMs: number | undefined;
}

/** What no delivery asks for. */
async function unused(): Promise<never> {
  throw new Error('The store of this bench holds what a delivery needs and no more.');
}

/**
 * As much of the message store as a delivery of one process needs, at next to no cost, so that a bench sees what the use
 * case itself takes. Not the store's contract: no nonces, and record and open row have one ETag. Tests use memory-messages.ts.
 */
export function memoryStore(): MessageStore {
  const entries = new Map<string, Entry>();
  let etags = 0;
  const nextEtag = () => `"${++etags}"`;

  return {
    async insert(record, content, { wakeAtMs }) {
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
    async openRows(dueByMs, max) {
      const open = [...entries.values()].filter(({ record }) => !isFinal(record.status) && record.dueAtMs <= dueByMs);
      return open.slice(0, max).map(openRowOf);
    },
    list: unused,
    findKey: unused,
    noteKey: unused,
    release: unused,
    contentDue: unused,
    dropContent: unused,
    expired: unused,
    remove: unused,
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
