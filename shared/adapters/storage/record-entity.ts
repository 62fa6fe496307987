import { invertMessageId } from '../../domain/message-id.ts';
import type { OpenRow } from '../../domain/message-ports.ts';
import { endsAtMs, type MessageRecord, type RecipientState } from '../../domain/message-record.ts';

/**
 * Table `messages`, one partition. Why one: a message, its open row and its idempotency entry then change in one
 * entity-group transaction, and the open rows of all messages are one range. A partition takes about 2,000 entities a
 * second (Azure Storage scalability targets), some 200 messages: as many as 400 mailboxes may send.
 *
 * Row keys by their first letter:
 *   m  the record, inverted in time: newest first
 *   o  open row, in order of age; gone with the final state
 *   i  idempotency entry: hash of caller and key
 *   e  event that is to be put on its queue; only with EVENT_WEBHOOKS, and for moments
 *   r  content kept after the final state, in order of its end
 *   x  digest of a refused queue request, so that its copy in the poison queue is not recorded twice
 */
const PARTITION = 'm';

/** A string property holds 32 Ki UTF-16 units at most (Table service data model). */
const DOC_CHARS = 30_000;
/** Of an entity's 1 MiB (UTF-16, so 512 Ki units) this much is the record's; the rest is for inline content. */
const MAX_DOC_CHARS = 390_000;
/** A binary property holds 64 KiB at most. */
const CONTENT_CHUNK_BYTES = 65_536;

/** Mails up to this size stand in the row itself: one call less than a blob, and far below the 1 MiB of an entity. */
export const INLINE_CONTENT_BYTES = 3 * CONTENT_CHUNK_BYTES;

/** All columns but the content: what lists and answers need. */
export const RECORD_COLUMNS: readonly string[] = [
  'partitionKey',
  'rowKey',
  'docParts',
  'generation',
  ...Array.from({ length: 20 }, (_, index) => `doc${index}`),
];

export interface Entity {
  readonly partitionKey: string;
  readonly rowKey: string;
  readonly [property: string]: unknown;
}

/** The partition of a message; the id alone decides. */
export function partitionOf(_id: string): string {
  return PARTITION;
}

export const recordRow = (id: string) => `m${invertMessageId(id)}`;
export const openRow = (id: string) => `o${id}`;
export const retainedRow = (deleteAfterMs: number, id: string) => `r${new Date(deleteAfterMs).toISOString()}${id}`;
export const retainedOf = (row: string) => ({ id: row.slice(25), deleteAfterMs: Date.parse(row.slice(1, 25)) });
export const RANGES = { record: ['m', 'n'], open: ['o', 'p'], retained: ['r', 's'], event: ['e', 'f'] } as const;

/** The record as table properties. `generation` is a column of its own, since `sweep` raises it without reading the rest. */
export function toEntity(record: MessageRecord, nonce: string): Entity {
  const { generation, ...rest } = record;
  const parts = chunksOf(JSON.stringify(fitting(rest)), DOC_CHARS);
  return {
    partitionKey: partitionOf(record.id),
    rowKey: recordRow(record.id),
    status: record.status,
    mailbox: record.mailbox.toLowerCase(),
    caller: record.caller,
    phase: record.claim?.phase ?? '',
    createdAt: new Date(record.createdAtMs).toISOString(),
    nonce,
    generation,
    docParts: parts.length,
    ...Object.fromEntries(parts.map((part, index) => [`doc${index}`, part])),
  };
}

/** The record of an entity that `toEntity` made. */
export function fromEntity(entity: Readonly<Record<string, unknown>>): MessageRecord {
  let doc = '';
  for (let index = 0; index < Number(entity['docParts']); index++) doc += String(entity[`doc${index}`]);
  return { ...(JSON.parse(doc) as Omit<MessageRecord, 'generation'>), generation: Number(entity['generation']) };
}

export function contentProperties(content: Uint8Array | undefined): Readonly<Record<string, unknown>> {
  if (!content) return {};
  const properties: Record<string, unknown> = { contentBytes: content.length };
  for (let index = 0; index * CONTENT_CHUNK_BYTES < content.length; index++) {
    properties[`content${index}`] = content.subarray(index * CONTENT_CHUNK_BYTES, (index + 1) * CONTENT_CHUNK_BYTES);
  }
  return properties;
}

export function contentOf(entity: Readonly<Record<string, unknown>>): Uint8Array | undefined {
  const bytes = entity['contentBytes'];
  if (typeof bytes !== 'number') return undefined;
  const chunks: Uint8Array[] = [];
  for (let index = 0; index * CONTENT_CHUNK_BYTES < bytes; index++) {
    const chunk = entity[`content${index}`];
    if (chunk instanceof Uint8Array) chunks.push(chunk);
  }
  const content = Buffer.concat(chunks);
  return content.length === bytes ? content : undefined;
}

export function openRowEntity(record: MessageRecord, wakeAtMs: number | undefined): Entity {
  return {
    partitionKey: partitionOf(record.id),
    rowKey: openRow(record.id),
    mailbox: record.mailbox,
    status: record.status,
    priority: record.priority,
    generation: record.generation,
    dueAt: new Date(record.dueAtMs).toISOString(),
    wakeAt: wakeAtMs === undefined ? '' : new Date(wakeAtMs).toISOString(),
    // Whoever wakes a message has just changed its record.
    wokenAt: wakeAtMs === undefined ? '' : new Date(record.updatedAtMs).toISOString(),
    endsAt: new Date(endsAtMs(record)).toISOString(),
    claimUntil: record.claim ? new Date(record.claim.untilMs).toISOString() : '',
  };
}

export function openRowOf(entity: Readonly<Record<string, unknown>>): OpenRow {
  const time = (name: string) =>
    typeof entity[name] === 'string' && entity[name] !== '' ? Date.parse(entity[name]) : undefined;
  const wakeAtMs = time('wakeAt');
  const wokenAtMs = time('wokenAt');
  const endsAtMs = time('endsAt');
  const claimUntilMs = time('claimUntil');
  return {
    id: String(entity['rowKey']).slice(1),
    mailbox: String(entity['mailbox']),
    status: entity['status'] as OpenRow['status'],
    priority: entity['priority'] as OpenRow['priority'],
    generation: Number(entity['generation']),
    dueAtMs: time('dueAt') ?? 0,
    ...(wakeAtMs === undefined ? {} : { wakeAtMs }),
    ...(wokenAtMs === undefined ? {} : { wokenAtMs }),
    ...(endsAtMs === undefined ? {} : { endsAtMs }),
    ...(claimUntilMs === undefined ? {} : { claimUntilMs }),
    etag: String(entity['etag']),
  };
}

/** Cut anywhere but inside a surrogate pair, which would not survive as two properties. */
function chunksOf(text: string, size: number): string[] {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    let end = Math.min(at + size, text.length);
    if (end < text.length && /[\ud800-\udbff]/.test(text.charAt(end - 1))) end--;
    parts.push(text.slice(at, end));
    at = end;
  }
  return parts;
}

/**
 * An entity holds 1 MiB, content included. Long replies to hundreds of recipients can pass that, and a 250 that cannot
 * be recorded would leave the message in doubt: replies are shortened first, then left out.
 */
function fitting<T extends Pick<MessageRecord, 'recipients'>>(doc: T): T {
  for (const replyChars of [undefined, 120, 0]) {
    const candidate =
      replyChars === undefined ? doc : { ...doc, recipients: doc.recipients.map(one => shortened(one, replyChars)) };
    if (JSON.stringify(candidate).length <= MAX_DOC_CHARS || replyChars === 0) return candidate;
  }
  return doc;
}

function shortened(recipient: RecipientState, replyChars: number): RecipientState {
  const { reply, ...rest } = recipient;
  return reply === undefined || replyChars === 0 ? rest : { ...rest, reply: reply.slice(0, replyChars) };
}
