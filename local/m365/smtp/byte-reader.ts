import type { Socket } from 'node:net';

export type Line =
  /** `bare`: ended by LF without CR, or holding a lone CR. */
  { kind: 'line'; text: string; bare: boolean } | { kind: 'tooLong' } | { kind: 'timeout' } | { kind: 'closed' };

export interface ByteReader {
  /** Next command line without its end. */
  line(timeoutMs: number): Promise<Line>;
  /** Whatever has arrived, at least one byte; undefined when the peer is gone or silent for `timeoutMs`. */
  chunk(timeoutMs: number): Promise<Buffer | undefined>;
  /** Puts bytes back in front. */
  unread(bytes: Buffer): void;
  /** Stops reading and throws away what was read ahead; returns how many bytes that was. */
  release(): number;
}

/** RFC 5321 section 4.5.3.1.4 asks for 512 octets; AUTH lines with tokens need far more (RFC 4954 section 4: 12288). */
const MAX_LINE_BYTES = 16_384;
const READ_AHEAD_BYTES = 1_048_576;

/** Reads a socket on demand; pauses it when nobody wants what comes. */
export function createByteReader(socket: Socket): ByteReader {
  let buffered: Buffer[] = [];
  let size = 0;
  let isClosed = false;
  let wake: (() => void) | undefined;

  const onData = (chunk: Buffer): void => {
    buffered.push(chunk);
    size += chunk.length;
    if (size > READ_AHEAD_BYTES) socket.pause();
    wake?.();
  };
  const onEnd = (): void => {
    isClosed = true;
    wake?.();
  };
  socket.on('data', onData);
  for (const event of ['end', 'close', 'error']) socket.on(event, onEnd);

  async function arrival(timeoutMs: number): Promise<'data' | 'closed' | 'timeout'> {
    if (isClosed) return 'closed';
    socket.resume();
    let timer: NodeJS.Timeout | undefined;
    const before = size;
    const expired = await new Promise<boolean>(resolve => {
      wake = () => resolve(false);
      timer = setTimeout(() => resolve(true), timeoutMs);
    });
    clearTimeout(timer);
    wake = undefined;
    if (size > before) return 'data';
    return expired ? 'timeout' : 'closed';
  }

  function take(): Buffer {
    const bytes = buffered.length === 1 && buffered[0] ? buffered[0] : Buffer.concat(buffered);
    buffered = [];
    size = 0;
    return bytes;
  }

  function unread(bytes: Buffer): void {
    if (bytes.length === 0) return;
    buffered.unshift(bytes);
    size += bytes.length;
  }

  return {
    unread,
    async line(timeoutMs) {
      for (;;) {
        const bytes = take();
        const end = bytes.indexOf(0x0a);
        if (end >= 0) {
          unread(bytes.subarray(end + 1));
          const text = bytes.toString('latin1', 0, end);
          const body = text.endsWith('\r') ? text.slice(0, -1) : text;
          return {
            kind: 'line',
            text: Buffer.from(body, 'latin1').toString(),
            bare: body === text || body.includes('\r'),
          };
        }
        if (bytes.length > MAX_LINE_BYTES) return { kind: 'tooLong' };
        unread(bytes);
        const came = await arrival(timeoutMs);
        if (came !== 'data') return { kind: came };
      }
    },
    async chunk(timeoutMs) {
      if (size === 0 && (await arrival(timeoutMs)) !== 'data') return undefined;
      return take();
    },
    release() {
      socket.off('data', onData);
      for (const event of ['end', 'close', 'error']) socket.off(event, onEnd);
      isClosed = true;
      wake?.();
      return take().length;
    },
  };
}
