import { RawMailError } from './raw-mail.ts';

/** What was seen of a mail's bytes as they went by. */
export interface BodyFacts {
  bytes: number;
  eightBit: boolean;
}

const LF = 0x0a;
const CR = 0x0d;
const CRLF = new Uint8Array([CR, LF]);
const MAX_LINE_OCTETS = 998;

/**
 * Passes a body on with CRLF as the only line break: bare CR and bare LF are turned into it, since what is a line to
 * one server and not to the next is how mails are smuggled (and Exchange refuses bare LF with 5.6.11). A chunk that has
 * none is passed on as it is: whoever gave it must not write to it again.
 *
 * Throws RawMailError for a NUL, a line over 998 octets (RFC 5322 2.1.1), or more than `maxBytes` in all.
 */
export async function* normaliseBody(
  chunks: AsyncIterable<Uint8Array>,
  facts: BodyFacts,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  let lineOctets = 0;
  let endsWithCr = false;
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue;
    // What the CR that ended the chunk before was: half of a line break, or a bare one.
    const startsWithBreak = endsWithCr;
    const begin = startsWithBreak && chunk[0] === LF ? 1 : 0;
    endsWithCr = chunk[chunk.length - 1] === CR;
    const end = endsWithCr ? chunk.length - 1 : chunk.length;
    if (startsWithBreak) lineOctets = 0;
    let bareBreaks = 0;
    for (let i = begin; i < end; i++) {
      const octet = chunk[i] as number;
      if (octet === CR || octet === LF) {
        if (octet === CR && chunk[i + 1] === LF) i++;
        else bareBreaks++;
        lineOctets = 0;
        continue;
      }
      if (octet === 0)
        throw new RawMailError({ pointer: '', detail: 'has a NUL in the body; encode binary parts as base64' });
      if (octet > 0x7f) facts.eightBit = true;
      if (++lineOctets > MAX_LINE_OCTETS) {
        throw new RawMailError({
          pointer: '',
          detail: `has a line of more than ${MAX_LINE_OCTETS} octets in the body; encode that part as quoted-printable or base64`,
        });
      }
    }
    const part = chunk.subarray(begin, end);
    // Most mails are clean: their bytes pass without a copy, and 25 MB of them leave no 25 MB behind.
    const out = bareBreaks === 0 ? part : withCrlf(part, bareBreaks);
    facts.bytes += (startsWithBreak ? CRLF.length : 0) + out.length;
    if (facts.bytes > maxBytes) throw new MailTooLargeError(maxBytes);
    if (startsWithBreak) yield CRLF;
    if (out.length > 0) yield out;
  }
  if (endsWithCr) {
    facts.bytes += CRLF.length;
    yield CRLF;
  }
}

/** `part` with each of its `bareBreaks` bare CR and LF as CRLF. It does not end within a line break. */
function withCrlf(part: Uint8Array, bareBreaks: number): Uint8Array {
  const out = new Uint8Array(part.length + bareBreaks);
  let at = 0;
  for (let i = 0; i < part.length; i++) {
    const octet = part[i] as number;
    if (octet === CR || octet === LF) {
      if (octet === CR && part[i + 1] === LF) i++;
      out[at++] = CR;
      out[at++] = LF;
    } else {
      out[at++] = octet;
    }
  }
  return out;
}

/** Thrown when a mail turns out larger than the mailbox may send, while it is being read. */
export class MailTooLargeError extends Error {
  readonly maxBytes: number;
  constructor(maxBytes: number) {
    super(`larger than ${maxBytes} bytes`);
    this.name = 'MailTooLargeError';
    this.maxBytes = maxBytes;
  }
}

/** Whether bytes hold an octet over 127. */
export function hasEightBit(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] as number) > 0x7f) return true;
  return false;
}
