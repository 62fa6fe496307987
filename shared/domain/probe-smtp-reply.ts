/** One reply of an SMTP server (RFC 5321 4.2). */
export interface SmtpReply {
  readonly code: number;
  /** The text of each line, without code and separator. */
  readonly lines: readonly string[];
}

/** What is next in the bytes received so far: a whole reply, something that is no reply, or `undefined` for "not yet". */
export type NextReply =
  | { readonly kind: 'reply'; readonly reply: SmtpReply }
  | { readonly kind: 'broken'; readonly line: string }
  | undefined;

/** RFC 5321 4.5.3.1.5 allows 512 octets; EHLO answers of real servers stay far below these. */
const MAX_LINE_BYTES = 4096;
const MAX_LINES = 200;
/** A code, alone or followed by a separator and text. Exchange sends a bare `334`. */
const LINE = /^([2-5]\d\d)(?:([ -])(.*))?$/s;

/**
 * Cuts what a server sends into replies, however it is split or joined by the network. Memory is bounded: a line or a
 * reply beyond the limits counts as broken.
 */
export function smtpReplyReader() {
  let buffer = Buffer.alloc(0);
  let lines: string[] = [];
  let code: string | undefined;

  function takeLine(): string | undefined {
    const end = buffer.indexOf(0x0a);
    if (end < 0) return undefined;
    const line = buffer.toString('utf8', 0, end > 0 && buffer[end - 1] === 0x0d ? end - 1 : end);
    buffer = buffer.subarray(end + 1);
    return line;
  }

  return {
    push(chunk: Uint8Array): void {
      buffer = buffer.length === 0 ? Buffer.from(chunk) : Buffer.concat([buffer, chunk]);
    },
    next(): NextReply {
      for (let line = takeLine(); line !== undefined; line = takeLine()) {
        const [, found, separator, text = ''] = LINE.exec(line) ?? [];
        const isOfThisReply = found !== undefined && (code === undefined || found === code);
        if (!isOfThisReply || Buffer.byteLength(line) > MAX_LINE_BYTES || lines.length >= MAX_LINES)
          return { kind: 'broken', line: line.slice(0, 200) };
        code = found;
        lines.push(text);
        if (separator === '-') continue;
        const reply = { code: Number(code), lines };
        lines = [];
        code = undefined;
        return { kind: 'reply', reply };
      }
      return buffer.length > MAX_LINE_BYTES ? { kind: 'broken', line: buffer.toString('utf8', 0, 200) } : undefined;
    },
    /** Whether bytes are left that no reply has been made of. */
    hasRest: () => buffer.length > 0 || lines.length > 0,
  };
}

/** A reply in one line, as the diagnosis reads it: the code once, then the text of all lines. */
export function replyText({ code, lines }: SmtpReply): string {
  return `${code} ${lines.join(' ')}`.trimEnd();
}
