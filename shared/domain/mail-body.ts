import { RawMailError } from './raw-mail.ts';

/** What was seen of a mail's bytes as they went by. */
export interface BodyFacts {
  bytes: number;
  eightBit: boolean;
}

const LF = 0x0a;
const CR = 0x0d;
const MAX_LINE_OCTETS = 998;

/**
 * Passes a body on with CRLF as the only line break: bare CR and bare LF are turned into it, since what is a line to
 * one server and not to the next is how mails are smuggled (and Exchange refuses bare LF with 5.6.11).
 *
 * Throws RawMailError for a NUL, a line over 998 octets (RFC 5322 2.1.1), or more than `maxBytes` in all.
 */
export async function* normaliseBody(
  chunks: AsyncIterable<Uint8Array>,
  facts: BodyFacts,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  let lineOctets = 0;
  let pendingCr = false;
  for await (const chunk of chunks) {
    // At worst every octet is a bare line break and becomes two.
    const out = Buffer.allocUnsafe(chunk.length * 2 + 2);
    let at = 0;
    for (let i = 0; i < chunk.length; i++) {
      const octet = chunk[i] as number;
      if (pendingCr || octet === LF) {
        const wasCr = pendingCr;
        pendingCr = false;
        out[at++] = CR;
        out[at++] = LF;
        lineOctets = 0;
        if (octet === LF) continue;
        if (!wasCr) continue;
      }
      if (octet === CR) {
        pendingCr = true;
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
      out[at++] = octet;
    }
    facts.bytes += at;
    if (facts.bytes > maxBytes) throw new MailTooLargeError(maxBytes);
    yield out.subarray(0, at);
  }
  if (pendingCr) {
    facts.bytes += 2;
    yield Buffer.from('\r\n');
  }
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
