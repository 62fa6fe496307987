import type { Acceptance, AcceptInput } from '../domain/accept-input.ts';
import { idempotencyRow } from '../domain/idempotency.ts';
import { MailTooLargeError } from '../domain/mail-body.ts';
import { newMessageId } from '../domain/message-id.ts';
import type { KnownKey, MessageStore } from '../domain/message-ports.ts';
import type { MessageRecord } from '../domain/message-record.ts';
import { invalid } from '../domain/parse-mail-request.ts';
import { tooLarge } from '../domain/policy.ts';
import type { Clock, Log } from '../domain/ports.ts';
import { accepted, type Outcome, problem, refused } from '../domain/problem.ts';
import type { WakeQueue } from '../domain/queue-ports.ts';
import { RawMailError } from '../domain/raw-mail.ts';
import { PARK_BEYOND_MS, wakeDelayMs } from '../domain/schedule.ts';
import { type CallerLimits, isLimited } from './caller-limits.ts';
import type { LineUp } from './line-up.ts';
import { prepareRaw } from './prepare-raw.ts';
import { type PrepareDeps, prepareRequest } from './prepare-request.ts';
import type { PreparedMail } from './prepared-mail.ts';
import { wakeMessage } from './wake-message.ts';

export interface AcceptDeps extends PrepareDeps {
  readonly store: MessageStore;
  readonly wakeUps: WakeQueue;
  readonly clock: Clock;
  /** Mails up to this size stand in the table row itself. */
  readonly inlineBytes: number;
  /** Gives a message its place among those that its mailbox has to send first; absent where nobody paces. */
  readonly lineUp?: LineUp;
  /** Counts against the limits of callers; absent where none has any. */
  readonly limits?: CallerLimits;
}

/**
 * Takes a mail over: checks, composes, stores, wakes the sender. What it answers with `accepted` is durable.
 *
 * Two storage calls for a small mail, an Idempotency-Key included: record, open row and key entry are one transaction.
 * Where the caller's messages are counted, one to look for the key and one more at most to count.
 * Throws ServiceFailure when storage is away; nothing half-done is left that `sweep` does not finish.
 */
export async function acceptMail(deps: AcceptDeps, input: AcceptInput, log: Log): Promise<Outcome<Acceptance>> {
  const begun = performance.now();
  const nowMs = deps.clock.now();
  const id = newMessageId(nowMs, deps.clock.randomBytes(10));
  const prepared = await prepare(deps, input, id, nowMs);
  if (!prepared.ok) return prepared;
  const mail = prepared.value;
  const isCounted = !mail.dryRun && deps.limits !== undefined && isLimited(input.caller);
  if (isCounted || mail.timeFaults.length > 0) {
    // A repeat asks for an answer and sends nothing: neither a limit that is used up nor a time that has passed since
    // stands in its way, and it counts nothing.
    const earlier = await earlierAnswer(deps, input, mail, nowMs, log);
    if (mail.timeFaults.length > 0) return earlier?.ok ? earlier : invalid(mail.timeFaults);
    if (earlier) return earlier;
  }
  // Counted before content goes anywhere, and given back for whatever is not accepted in the end.
  const counted = isCounted ? await deps.limits?.count(input.caller, keyRow(input, mail)) : undefined;
  if (counted && !counted.ok) return counted;
  let isNew = false;
  try {
    const outcome = await take(deps, input, mail, id, nowMs, begun, log);
    isNew = outcome.ok && outcome.value.kind === 'accepted' && !outcome.value.replayed;
    return outcome;
  } finally {
    counted?.value.settle(isNew);
  }
}

/** What a request with a key that is known gets; undefined where it has none or one that may be used. */
async function earlierAnswer(
  deps: AcceptDeps,
  input: AcceptInput,
  mail: PreparedMail,
  nowMs: number,
  log: Log,
): Promise<Outcome<Acceptance> | undefined> {
  const row = mail.dryRun ? undefined : keyRow(input, mail);
  const known = row === undefined ? undefined : await deps.store.findKey(row);
  if (!known || (known.expiresAtMs ?? Number.POSITIVE_INFINITY) <= nowMs) return undefined;
  try {
    // The fingerprint of a stream is known only at its end.
    if (mail.content.kind === 'stream') for await (const _chunk of mail.content.body);
    return answerOf(known, input, mail, nowMs, log);
  } catch (error) {
    return contentFault(error);
  }
}

/** The first answer again for the same content; a refusal for other content. */
function answerOf(
  known: KnownKey,
  input: AcceptInput,
  mail: PreparedMail,
  nowMs: number,
  log: Log,
): Outcome<Acceptance> {
  const { messageId, fingerprint } = known;
  if (fingerprint !== mail.fingerprint()) {
    return refused(
      problem(
        'idempotency_key_reused',
        'This Idempotency-Key was used for another message. Take a new key for each message.',
        { errors: [{ pointer: '', detail: 'header Idempotency-Key: used before with other content' }] },
      ),
    );
  }
  log('info', { event: 'message.replayed', messageId, traceId: input.traceId });
  return accepted({ kind: 'accepted', id: messageId, status: 'queued', replayed: true, dueAtMs: dueAt(mail, nowMs) });
}

function keyRow(input: AcceptInput, mail: PreparedMail): string | undefined {
  const key = input.idempotencyKey ?? mail.idempotencyKey;
  return key === undefined ? undefined : idempotencyRow(input.caller.id, key);
}

function dueAt(mail: PreparedMail, nowMs: number): number {
  return Math.max(nowMs, mail.sendAtMs ?? nowMs);
}

async function take(
  deps: AcceptDeps,
  input: AcceptInput,
  mail: PreparedMail,
  id: string,
  nowMs: number,
  begun: number,
  log: Log,
): Promise<Outcome<Acceptance>> {
  try {
    const content = await contentOf(deps, mail, id);
    if (mail.dryRun) return accepted(dryRun(mail, content));
    return await store(deps, input, mail, content, id, nowMs, begun, log);
  } catch (error) {
    return contentFault(error);
  }
}

/** The refusal for a mail that shows only while it is read that it cannot be taken. */
function contentFault(error: unknown): Outcome<never> {
  if (error instanceof RawMailError) return invalid([error.detail]);
  if (error instanceof MailTooLargeError) return tooLarge(error.maxBytes);
  throw error;
}

function prepare(deps: AcceptDeps, input: AcceptInput, id: string, nowMs: number): Promise<Outcome<PreparedMail>> {
  const { body } = input;
  return body.kind === 'request'
    ? prepareRequest(deps, { ...input, body }, id, nowMs)
    : prepareRaw(deps.settings, { ...input, body }, id, nowMs);
}

type StoredContent = { readonly inline?: Uint8Array; readonly bytes: number; readonly eightBit: boolean };

/** Reads the content to its end; what does not fit into the row has gone to its blob when this returns. */
async function contentOf(deps: AcceptDeps, mail: PreparedMail, id: string): Promise<StoredContent> {
  const { content } = mail;
  if (content.kind === 'bytes') {
    const { bytes, eightBit } = content;
    if (bytes.length <= deps.inlineBytes) return { inline: bytes, bytes: bytes.length, eightBit };
    if (!mail.dryRun) await deps.contents.put(id, bytes);
    return { bytes: bytes.length, eightBit };
  }
  const collected: Uint8Array[] = [content.head];
  let size = content.head.length;
  const iterator = content.body[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await iterator.next();
    if (done) return { inline: Buffer.concat(collected), bytes: content.facts.bytes, eightBit: content.facts.eightBit };
    collected.push(value);
    size += value.length;
    if (size > deps.inlineBytes) break;
  }
  const whole = continued(collected, iterator);
  if (mail.dryRun) for await (const _chunk of whole);
  else await deps.contents.putStream(id, whole);
  return { bytes: content.facts.bytes, eightBit: content.facts.eightBit };
}

async function* continued(first: Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (let chunk = first.shift(); chunk; chunk = first.shift()) yield chunk;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

async function store(
  deps: AcceptDeps,
  input: AcceptInput,
  mail: PreparedMail,
  content: StoredContent,
  id: string,
  nowMs: number,
  begun: number,
  log: Log,
): Promise<Outcome<Acceptance>> {
  const row = keyRow(input, mail);
  const record = newRecord(deps, input, mail, content, id, nowMs, row);
  const isReplay = row === undefined ? undefined : async () => (await deps.store.findKey(row)) !== undefined;
  const standing = (await deps.lineUp?.(record, isReplay)) ?? { kind: 'now' };
  const place = standing.kind === 'inLine' ? standing.place : undefined;
  const delayMs = wakeDelayMs(place?.atMs ?? record.dueAtMs, nowMs);
  const isParked = record.dueAtMs - nowMs > PARK_BEYOND_MS || standing.kind === 'parked';
  const fingerprint = row === undefined ? '' : mail.fingerprint();
  const inserted = await deps.store.insert(record, content.inline, {
    ...(isParked ? {} : { wakeAtMs: nowMs + delayMs }),
    ...(row === undefined ? {} : { idempotency: { row, fingerprint } }),
  });
  if (inserted.kind === 'duplicate') {
    if (content.inline === undefined) await deps.contents.delete(id);
    return answerOf(inserted, input, mail, nowMs, log);
  }
  if (!isParked) await wakeMessage(deps, record, delayMs, place, log);
  log('info', {
    event: 'message.accepted',
    messageId: id,
    traceId: input.traceId,
    mailbox: mail.mailbox,
    state: 'queued',
    ms: Math.round(performance.now() - begun),
    bytes: content.bytes,
    recipients: mail.recipients.length,
  });
  return accepted({ kind: 'accepted', id, status: 'queued', replayed: false, dueAtMs: record.dueAtMs });
}

function newRecord(
  deps: AcceptDeps,
  input: AcceptInput,
  mail: PreparedMail,
  content: StoredContent,
  id: string,
  nowMs: number,
  row: string | undefined,
): MessageRecord {
  const dueAtMs = dueAt(mail, nowMs);
  const isSimulated = deps.settings.mode === 'sandbox';
  return {
    id,
    status: 'queued',
    caller: input.caller.id,
    from: mail.from,
    mailbox: mail.mailbox,
    ...(mail.isMailboxNamed ? { isMailboxNamed: true as const } : {}),
    recipients: mail.recipients.map(address => ({ address, outcome: 'pending' })),
    priority: mail.priority,
    metadata: mail.metadata,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    ...(mail.sendAtMs === undefined ? {} : { sendAtMs: mail.sendAtMs }),
    ...(mail.expiresAtMs === undefined ? {} : { expiresAtMs: mail.expiresAtMs }),
    deadlineAtMs: dueAtMs + deps.settings.deadlineMs,
    // A simulated doubt ends as such at once: there is nothing to send again.
    onUnknown: isSimulated ? 'hold' : mail.onUnknown,
    dueAtMs,
    generation: 1,
    attempts: 0,
    resends: 0,
    content: { kind: content.inline ? 'inline' : 'blob', bytes: content.bytes, eightBit: content.eightBit },
    messageIdHeader: mail.messageIdHeader,
    ...(row === undefined ? {} : { idempotencyRow: row }),
    traceId: input.traceId,
    ...(isSimulated ? { simulated: true as const } : {}),
    events: [{ atMs: nowMs, status: 'queued' }],
  };
}

function dryRun(mail: PreparedMail, content: StoredContent): Acceptance {
  const bytes = content.inline ?? (mail.content.kind === 'bytes' ? mail.content.bytes : mail.content.head);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = text.indexOf('\r\n\r\n');
  return {
    kind: 'dryRun',
    headers: text.subarray(0, end < 0 ? text.length : end).toString('utf8'),
    bytes: content.bytes,
    mailbox: mail.mailbox,
    recipients: mail.recipients,
  };
}
