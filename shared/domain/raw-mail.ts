import { hasControl, type Mailbox, parseMailbox } from './address.ts';
import { invalid } from './parse-mail-request.ts';
import { accepted, type Outcome, type ProblemDetail } from './problem.ts';

/** One header field of a raw mail, as it stands there (folded lines and all). */
export interface HeaderField {
  readonly name: string;
  readonly raw: string;
  /** Unfolded, without the leading space. */
  readonly value: string;
}

/** A header section larger than this is no mail that a person or a library wrote. */
export const MAX_HEAD_BYTES = 256 * 1024;
/** RFC 5322 2.1.1 */
const MAX_LINE_OCTETS = 998;

/** Thrown while a raw mail is being read, for what the caller can mend. */
export class RawMailError extends Error {
  readonly detail: ProblemDetail;
  constructor(detail: ProblemDetail) {
    super(detail.detail);
    this.name = 'RawMailError';
    this.detail = detail;
  }
}

/** Splits a byte stream after the empty line that ends the header section (RFC 5322 2.1). CRLF and LF are both taken. */
export async function splitHead(
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ readonly head: string; readonly rest: AsyncIterable<Uint8Array> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  let seen = Buffer.alloc(0);
  for (;;) {
    const end = endOfHead(seen);
    if (end >= 0 || seen.length > MAX_HEAD_BYTES) {
      if (end < 0 || end > MAX_HEAD_BYTES)
        throw new RawMailError({ pointer: '', detail: `has more than ${MAX_HEAD_BYTES} bytes of header` });
      return { head: seen.subarray(0, end).toString('latin1'), rest: chain(seen.subarray(end), iterator) };
    }
    const { value, done } = await iterator.next();
    if (done) return { head: seen.toString('latin1'), rest: chain(Buffer.alloc(0), iterator) };
    seen = Buffer.concat([seen, value]);
  }
}

/**
 * Reads the header section. Refused: no fields, a line that is no field, a NUL, a bare CR, a line over 998 octets.
 *
 * @param head the section as latin1 text, one character an octet
 */
export function parseHead(head: string): Outcome<readonly HeaderField[]> {
  const details: ProblemDetail[] = [];
  const fields: { name: string; raw: string }[] = [];
  for (const [index, line] of head
    .replace(/\r?\n$/, '')
    .split(/\r?\n/)
    .entries()) {
    if (line === '' && index > 0) continue;
    if (/[\0\r]/.test(line))
      details.push({ pointer: '', detail: `has a NUL or a bare CR in header line ${index + 1}` });
    if (line.length > MAX_LINE_OCTETS)
      details.push({
        pointer: '',
        detail: `has a header line of more than ${MAX_LINE_OCTETS} octets (line ${index + 1}); fold it`,
      });
    const last = fields.at(-1);
    if (/^[ \t]/.test(line) && last) {
      last.raw += `\r\n${line}`;
      continue;
    }
    const name = /^([\x21-\x39\x3b-\x7e]{1,76})[ \t]*:/.exec(line)?.[1];
    if (name === undefined) {
      details.push({
        pointer: '',
        detail: `has no header field in line ${index + 1}: a raw mail starts with its header, such as From: and To:`,
      });
      break;
    }
    fields.push({ name, raw: line });
  }
  if (details.length > 0) return invalid(details);
  return accepted(
    fields.map(field => ({
      ...field,
      value: field.raw
        .slice(field.raw.indexOf(':') + 1)
        .replace(/\r\n(?=[ \t])/g, '')
        .trim(),
    })),
  );
}

export interface RawEnvelope {
  /** The author, from the header; what SendAs is judged by. */
  readonly from: string;
  /** MAIL FROM: `?from=` or the author. */
  readonly envelopeFrom: string;
  readonly recipients: readonly string[];
}

/**
 * Who sends and who receives: from the header, or from the query where given. Exactly one From with exactly one
 * address; To, Cc and Bcc are read only where `?to=` does not replace them.
 */
export function rawEnvelope(
  fields: readonly HeaderField[],
  query: { readonly from?: string; readonly to?: readonly string[] },
): Outcome<RawEnvelope> {
  const details: ProblemDetail[] = [];
  const authors = named(fields, 'from');
  const author = authors[0] === undefined ? undefined : readField(authors[0], '/from', details, readMailbox);
  if (authors.length !== 1)
    details.push({
      pointer: '/from',
      detail: `stands ${authors.length === 0 ? 'nowhere' : `${authors.length} times`} in the header; exactly one From is needed`,
    });
  const envelopeFrom = query.from === undefined ? author : readMailbox(query.from, '/from', details);
  const recipients =
    query.to === undefined
      ? ['to', 'cc', 'bcc'].flatMap(name =>
          named(fields, name).flatMap(field => readField(field, `/${name}`, details, readList) ?? []),
        )
      : query.to.flatMap(list => readList(list, '/to', details));
  const unique = uniqueAddresses(recipients);
  if (unique.length === 0 && details.length === 0)
    details.push({ pointer: '/to', detail: 'has no recipient, and neither has cc or bcc; or give ?to=' });
  if (details.length > 0 || !author || !envelopeFrom) return invalid(details);
  return accepted({ from: author.address, envelopeFrom: envelopeFrom.address, recipients: unique });
}

/** Each address once, the first spelling kept. Exchange compares without regard to case, so nobody gets a mail twice. */
export function uniqueAddresses(mailboxes: readonly Mailbox[]): string[] {
  const seen = new Map<string, string>();
  for (const { address } of mailboxes) if (!seen.has(address.toLowerCase())) seen.set(address.toLowerCase(), address);
  return [...seen.values()];
}

/**
 * The header that is sent: the caller's fields in their order, without Bcc and without what only we may set; Date and
 * Message-ID added where missing.
 */
export function rewriteHead(
  fields: readonly HeaderField[],
  added: { readonly id: string; readonly messageIdHeader: string; readonly dateMs: number },
): Buffer {
  const kept = fields
    .filter(field => !/^(bcc|resent-bcc|return-path|x-exosend-.*)$/i.test(field.name))
    .map(field => field.raw);
  const has = (name: string) => named(fields, name).length > 0;
  const lines = [
    `X-Exosend-Id: ${added.id}`,
    ...kept,
    ...(has('date') ? [] : [`Date: ${rfc5322Date(added.dateMs)}`]),
    ...(has('message-id') ? [] : [`Message-ID: ${added.messageIdHeader}`]),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

export function named(fields: readonly HeaderField[], name: string): readonly HeaderField[] {
  return fields.filter(field => field.name.toLowerCase() === name);
}

function rfc5322Date(atMs: number): string {
  return new Date(atMs).toUTCString().replace('GMT', '+0000');
}

function readField<T>(
  field: HeaderField,
  pointer: string,
  details: ProblemDetail[],
  read: (text: string, pointer: string, details: ProblemDetail[]) => T,
): T | undefined {
  const text = decodeUtf8(field.value);
  if (text !== undefined) return read(text, pointer, details);
  details.push({ pointer, detail: 'is not UTF-8; encode names as RFC 2047 words, or give the recipients as ?to=' });
  return undefined;
}

function readMailbox(text: string, pointer: string, details: ProblemDetail[]): Mailbox | undefined {
  const parsed = parseMailbox(text);
  if (parsed.ok) return parsed.mailbox;
  details.push({ pointer, detail: parsed.reason });
  return undefined;
}

/** An address list: commas outside quotes and angle brackets part it. An empty group (`undisclosed-recipients:;`) is nobody. */
function readList(text: string, pointer: string, details: ProblemDetail[]): Mailbox[] {
  const list = text;
  if (hasControl(list.replaceAll('\t', ' '))) {
    details.push({ pointer, detail: 'has a control character' });
    return [];
  }
  if (/^[^"<>@,;:]*:\s*;\s*$/.test(list) || list.trim() === '') return [];
  const parts = list.replaceAll('\t', ' ').match(/(?:"(?:[^"\\]|\\.)*"|<[^<>]*>|[^,"<])+/gu) ?? [];
  return parts.flatMap(part => {
    if (part.trim() === '') return [];
    const parsed = parseMailbox(part.trim());
    if (parsed.ok) return [parsed.mailbox];
    details.push({ pointer, detail: `${parsed.reason}; or give the recipients as ?to=` });
    return [];
  });
}

/** Header text is kept as octets; addresses may be UTF-8 (RFC 6532). What is not UTF-8 is no address: undefined. */
function decodeUtf8(octets: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(octets, 'latin1'));
  } catch {
    return undefined;
  }
}

function endOfHead(bytes: Buffer): number {
  if (bytes[0] === 0x0a) return 1;
  if (bytes[0] === 0x0d && bytes[1] === 0x0a) return 2;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) {
    if (bytes[at + 1] === 0x0a) return at + 2;
    if (bytes[at + 1] === 0x0d && bytes[at + 2] === 0x0a) return at + 3;
  }
  return -1;
}

async function* chain(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (first.length > 0) yield first;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
