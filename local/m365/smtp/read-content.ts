import type { Fault } from '../faults.ts';
import { drop } from './meet-fault.ts';
import { pause, replyAndClose, type Session } from './session.ts';

export interface Content {
  /** The message without dot-stuffing and without the final dot; cut at `maxBytes`. */
  bytes: Buffer;
  /** Its whole length. */
  size: number;
  /** Whether a CR or LF stood alone anywhere in it (RFC 5321 section 2.3.8 forbids that). */
  hasBareLineEnds: boolean;
}

const END = Buffer.from('\r\n.\r\n');

/**
 * Reads a message up to CRLF.CRLF and nothing else: no other sequence ends it (RFC 5321 section 4.1.1.4).
 * Undefined when the session ended on the way, by the client or by the fault.
 */
export async function readContent(
  session: Session,
  maxBytes: number,
  fault: Fault | undefined,
): Promise<Content | undefined> {
  const { idleMs } = session.server.cloud.world.exchange;
  const parts: Buffer[] = [];
  let tail: Buffer = Buffer.from('\r\n'); // a dot on the first line ends the message too
  let size = 0;
  let pending = fault;
  for (;;) {
    const chunk = await session.reader.chunk(idleMs);
    if (chunk === undefined) {
      session.isOver = true;
      return undefined;
    }
    if (pending && size + chunk.length >= (pending.after ?? 0)) {
      pending = await spoil(session, pending, chunk.length);
      if (session.isOver) return undefined;
    }
    const seen = Buffer.concat([tail, chunk]);
    const end = seen.indexOf(END);
    const kept = end < 0 ? chunk : seen.subarray(tail.length, Math.max(end + 2, tail.length));
    if (size <= maxBytes) parts.push(kept);
    size += kept.length;
    if (end >= 0) {
      session.reader.unread(seen.subarray(end + END.length));
      return finish(parts, end + 2 - tail.length, size);
    }
    tail = seen.subarray(Math.max(0, seen.length - END.length + 1));
  }
}

/** `overlap` is negative when the end began in bytes that were already kept. */
function finish(parts: Buffer[], overlap: number, size: number): Content {
  const whole = Buffer.concat(parts);
  const stuffed = overlap < 0 ? whole.subarray(0, Math.max(0, whole.length + overlap)) : whole;
  const bytes = unstuff(stuffed);
  return { bytes, size: size + Math.min(overlap, 0), hasBareLineEnds: hasBareLineEnds(bytes) };
}

/** Takes away the first dot of every line that begins with one (RFC 5321 section 4.5.2). */
export function unstuff(content: Buffer): Buffer {
  const parts: Buffer[] = [];
  let start = content[0] === 0x2e ? 1 : 0;
  for (let at = content.indexOf('\r\n.', start); at >= 0; at = content.indexOf('\r\n.', start)) {
    parts.push(content.subarray(start, at + 2));
    start = at + 3;
  }
  return parts.length === 0 ? content.subarray(start) : Buffer.concat([...parts, content.subarray(start)]);
}

/** Whether a CR or an LF stands alone. */
export function hasBareLineEnds(content: Buffer): boolean {
  for (let at = content.indexOf(0x0a); at >= 0; at = content.indexOf(0x0a, at + 1)) {
    if (content[at - 1] !== 0x0d) return true;
  }
  for (let at = content.indexOf(0x0d); at >= 0; at = content.indexOf(0x0d, at + 1)) {
    if (content[at + 1] !== 0x0a) return true;
  }
  return false;
}

/** Acts out a fault in the middle of the content; returns it when it goes on (slow), undefined when it is done. */
async function spoil(session: Session, fault: Fault, arrivedBytes: number): Promise<Fault | undefined> {
  session.transcript.push(`! fault ${fault.action} at ${fault.at}`);
  switch (fault.action) {
    case 'drop':
      drop(session, fault.reset);
      return undefined;
    case 'reply':
      await replyAndClose(session, fault.text);
      return undefined;
    case 'slow':
      await pause(session, (arrivedBytes * 1000) / fault.bytesPerSecond, false);
      return fault;
    case 'stall':
    case 'delay':
      await pause(session, fault.ms);
      return undefined;
    case 'http':
    case 'certificate':
      return undefined;
  }
}
