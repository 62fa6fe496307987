import type { Socket } from 'node:net';
import type { FailureStage } from '../../domain/diagnosis/diagnosis.ts';
import { ServiceFailure } from '../../domain/failure.ts';
import { replyText, type SmtpReply, smtpReplyReader } from '../../domain/probe-smtp-reply.ts';
import { scrubSecrets } from '../../domain/redact.ts';

/** Time limits in ms. A probe asks again in minutes, so these are far shorter than those of delivery. */
export const PROBE_TIMEOUTS_MS = {
  dns: 5_000,
  tcp: 10_000,
  greeting: 15_000,
  tls: 15_000,
  auth: 30_000,
  command: 15_000,
} as const;

const MAX_TRANSCRIPT_LINES = 120;
const MAX_TRANSCRIPT_CHARS = 300;

/** An SMTP conversation, one command at a time, each reply awaited under its own limit. */
export interface SmtpWire {
  /** The next reply. Throws ServiceFailure of this stage: nothing in time, connection lost, or not SMTP. */
  read(stage: FailureStage, timeoutMs: number): Promise<SmtpReply>;
  /** Sends a line and awaits its reply. `shown` goes into the transcript in place of a line that nobody may see. */
  command(line: string, stage: FailureStage, timeoutMs: number, shown?: string): Promise<SmtpReply>;
  /** Whether the server has sent more than was asked for. */
  hasUnread(): boolean;
  /** The socket for TLS, no longer listened to; give the one that takes its place to `goOn`. */
  handOver(): Socket;
  goOn(socket: Socket): void;
  note(line: string): void;
  /** What was said so far, scrubbed. */
  transcript(): readonly string[];
  close(): void;
}

/** Takes over a connected socket. */
export function smtpWire(connected: Socket): SmtpWire {
  let socket = connected;
  let reader = smtpReplyReader();
  let ended: { readonly code: string; readonly text: string } | undefined;
  let wake: (() => void) | undefined;
  const lines: string[] = [];

  const note = (line: string) => {
    if (lines.length < MAX_TRANSCRIPT_LINES) lines.push(scrubSecrets(line, MAX_TRANSCRIPT_CHARS));
  };
  const onData = (chunk: Uint8Array) => {
    reader.push(chunk);
    wake?.();
  };
  const end = (code: string, text: string) => {
    ended ??= { code, text };
    wake?.();
  };
  const onError = (error: NodeJS.ErrnoException) => end(error.code ?? 'ECONNECTION', error.message);
  const onClose = () => end('ECONNECTION', 'the server closed the connection');

  function listen(): void {
    // FIN alone ends the conversation: without it a server that half-closes would be waited for.
    socket.on('data', onData).on('error', onError).on('end', onClose).on('close', onClose);
  }
  listen();

  async function read(stage: FailureStage, timeoutMs: number): Promise<SmtpReply> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const next = reader.next();
      if (next?.kind === 'reply') {
        note(`S: ${replyText(next.reply)}`);
        return next.reply;
      }
      if (next) {
        note(`S: ${next.line}`);
        throw lost(stage, 'EPROTOCOL', `not an SMTP reply: ${next.line}`);
      }
      if (ended) {
        note(`! ${ended.text}`);
        throw lost(stage, ended.code, ended.text);
      }
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) {
        note(`! no reply within ${timeoutMs / 1000} s`);
        throw lost(stage, 'ETIMEDOUT', `no reply within ${timeoutMs / 1000} s`);
      }
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, leftMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      wake = undefined;
    }
  }

  return {
    read,
    command(line, stage, timeoutMs, shown = line) {
      note(`C: ${shown}`);
      if (!ended) socket.write(`${line}\r\n`);
      return read(stage, timeoutMs);
    },
    hasUnread: () => reader.hasRest(),
    handOver() {
      socket.off('data', onData).off('error', onError).off('end', onClose).off('close', onClose);
      // Whatever becomes of it now shows at the socket above it; unheard, its error would end the process.
      socket.on('error', () => {});
      return socket;
    },
    goOn(next) {
      socket = next;
      reader = smtpReplyReader();
      listen();
    },
    note,
    transcript: () => lines,
    close() {
      socket.destroy();
    },
  };
}

function lost(stage: FailureStage, errorCode: string, text: string): ServiceFailure {
  return new ServiceFailure(`SMTP: ${text}`, { stage, errorCode, text });
}

/** The server's refusal as a failure of this stage. */
export function refusal(stage: FailureStage, reply: SmtpReply): ServiceFailure {
  const text = replyText(reply);
  const enhancedCode = /^[245]\.\d{1,3}\.\d{1,3}\b/.exec(reply.lines[0] ?? '')?.[0];
  return new ServiceFailure(`SMTP: refused at ${stage} with ${reply.code}`, {
    stage,
    replyCode: reply.code,
    ...(enhancedCode === undefined ? {} : { enhancedCode }),
    text,
  });
}
