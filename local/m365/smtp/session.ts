import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecureContext } from 'node:tls';
import type { Cloud } from '../cloud.ts';
import type { MailStore } from '../mail-store.ts';
import type { BadCertificate } from '../state.ts';
import type { Mailbox } from '../world.ts';
import type { ByteReader } from './byte-reader.ts';
import type { MailboxUse } from './mailbox-use.ts';

/** What a mail server shares among its sessions. */
export interface Submission {
  cloud: Cloud;
  store: MailStore;
  use: MailboxUse;
  /** TLS 1.2 or later with the server's certificate. */
  secureContext: SecureContext;
  /** For the fault `certificate`. */
  badContexts: Record<BadCertificate, SecureContext>;
}

/** One connection, from greeting to goodbye. */
export interface Session {
  id: string;
  server: Submission;
  socket: Socket;
  reader: ByteReader;
  /** Protocol and cipher once TLS stands. */
  tls?: { version: string; cipher: string };
  hello?: string;
  mailbox?: Mailbox;
  appId?: string;
  /** Reverse-path of the mail under way; the null sender is ''. */
  from?: string;
  recipients: string[];
  failedSignIns: number;
  /** Conversation so far, `C: ` and `S: ` lines; credentials and content left out. */
  transcript: string[];
  /** How many lines of it lead up to the sign-in: they stand before every mail's own. */
  preambleLines: number;
  /** The next reply trickles at this speed. */
  slowReplyBytesPerSecond?: number;
  isOver: boolean;
}

/** Sends a reply; `text` may be several lines separated by CRLF. */
export async function reply(session: Session, text: string): Promise<void> {
  for (const line of text.split('\r\n')) session.transcript.push(`S: ${line}`);
  const { socket } = session;
  const bytes = Buffer.from(`${text}\r\n`);
  const speed = session.slowReplyBytesPerSecond;
  delete session.slowReplyBytesPerSecond;
  if (speed === undefined) {
    if (socket.writable) socket.write(bytes);
    return;
  }
  for (let at = 0; at < bytes.length && socket.writable; at++) {
    socket.write(bytes.subarray(at, at + 1));
    await pause(session, 1000 / speed);
  }
}

/** Sends a last reply and ends the session. */
export async function replyAndClose(session: Session, text: string): Promise<void> {
  await reply(session, text);
  session.isOver = true;
}

/** Waits `ms` (undefined: for ever), or until the connection is gone; `isReading` false leaves what arrives to the kernel. */
export async function pause(session: Session, ms: number | undefined, isReading = true): Promise<void> {
  if (session.socket.destroyed) return;
  const stop = new AbortController();
  const onClose = (): void => stop.abort();
  session.socket.once('close', onClose);
  // A paused socket does not notice that its peer has gone.
  if (isReading) session.socket.resume();
  else session.socket.pause();
  try {
    await sleep(ms ?? 2 ** 31 - 1, undefined, { signal: stop.signal });
  } catch {
    session.isOver = true;
  } finally {
    session.socket.off('close', onClose);
  }
}

/** Forgets the mail under way. */
export function resetTransaction(session: Session): void {
  delete session.from;
  session.recipients = [];
}

/** Name of the server in greetings, e.g. `AM0PR04CA0017.outlook.office365.com`. */
export const publicHost = ({ server }: Session): string =>
  `${server.cloud.world.exchange.hostLabel}.outlook.office365.com`;

/** Name of the server in replies, e.g. `AM0PR04CA0017.eurprd04.prod.outlook.com`. */
export const backendHost = ({ server }: Session): string =>
  `${server.cloud.world.exchange.hostLabel}.eurprd04.prod.outlook.com`;

/** The `[HOST timestamp correlation]` that Exchange puts behind replies about authentication. */
export function trailer(session: Session): string {
  const time = new Date(session.server.cloud.now()).toISOString();
  return `[${backendHost(session)} ${time} ${randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase()}]`;
}
