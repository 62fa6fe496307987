import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FailureStage } from '../../domain/diagnosis/diagnosis.ts';
import type { RefusedRecipient, SubmitJob, SubmitResult } from '../../domain/transport-ports.ts';
import { type SmtpErrorLike, smtpFacts } from './smtp-facts.ts';
import { SMTP_TIMEOUTS_MS, type SmtpSession } from './smtp-session.ts';

interface RecipientError extends SmtpErrorLike {
  readonly recipient?: string;
}
interface SendError extends SmtpErrorLike {
  readonly rejectedErrors?: readonly RecipientError[];
}

/** Above this the socket may still hold content when the source has ended; then the dot waits until it is written out. */
const WRITTEN_OUT_FROM_BYTES = 64 * 1024;

/**
 * Submits one mail over an open session. With PIPELINING nodemailer sends MAIL, RCPT and DATA in one write.
 *
 * nodemailer writes the terminating dot when the source stream ends, so this stream is ours: it ends only after
 * `beforeFinal`, and from that moment a lost connection means doubt. Where `beforeFinal` rejects, the connection is
 * dropped with the dot unsent.
 */
export async function submitMail(session: SmtpSession, job: SubmitJob): Promise<SubmitResult> {
  const started = performance.now();
  let stage = 'mail' as FailureStage;
  let abortReason: SmtpErrorLike | undefined;
  let stopWatch = watch(SMTP_TIMEOUTS_MS.envelope);
  const enter = (next: FailureStage, limitMs: number) => {
    stage = next;
    stopWatch();
    stopWatch = watch(limitMs);
  };
  function watch(limitMs: number): () => void {
    const timer = setTimeout(() => {
      abortReason = { code: 'ETIMEDOUT', message: `no answer within ${limitMs / 1000} s` };
      session.close();
      settle?.(abortReason);
    }, limitMs);
    return () => clearTimeout(timer);
  }
  let settle: ((error: SmtpErrorLike) => void) | undefined;
  // nodemailer says `end` before it reports what ended the message, e.g. a 421: its report comes first.
  const onEnd = () => setImmediate(() => settle?.({ code: 'ECONNECTION', message: 'connection closed' }));

  const source = mailSource(session, job, {
    started: () => enter('content', SMTP_TIMEOUTS_MS.content),
    progressed: () => enter('content', SMTP_TIMEOUTS_MS.content),
    ended: () => enter('final', SMTP_TIMEOUTS_MS.final),
    failed: error => {
      abortReason = { code: 'ESOURCE', message: error.message };
      session.close();
      settle?.(abortReason);
    },
  });
  const onAbort = () => {
    abortReason = { code: 'ECONNABORTED', message: 'the claim on the message was lost' };
    session.close();
    settle?.(abortReason);
  };
  job.signal.addEventListener('abort', onAbort, { once: true });
  try {
    job.signal.throwIfAborted();
    const info = await new Promise<SentInfo>((resolve, reject) => {
      settle = reject;
      session.connection.once('end', onEnd);
      session.connection.send(
        { from: job.from, to: [...job.recipients], size: job.bytes, use8BitMime: job.eightBit },
        source,
        (error, sent) => (error ? reject(error) : resolve(sent as SentInfo)),
      );
    });
    if ((stage as FailureStage) !== 'final')
      throw { code: 'EPROTOCOL', message: 'the server accepted the mail before its end' } satisfies SmtpErrorLike;
    return {
      kind: 'accepted',
      reply: info.response,
      ...(info.serverMessageId === undefined ? {} : { serverMessageId: info.serverMessageId }),
      accepted: info.accepted,
      refused: refusals(info.rejectedErrors),
      timings: { envelope: info.envelopeTime, content: info.messageTime, all: Math.round(performance.now() - started) },
    };
  } catch (error) {
    const cause: SendError = abortReason ?? (error as SendError);
    // Only a refusal is an answer; anything unreadable after the dot leaves the outcome open.
    const answered = (cause.responseCode ?? 0) >= 400 && (cause.responseCode ?? 0) < 600;
    const at = cause.code === 'ESOURCE' ? 'content' : stageOf(cause, stage);
    if (!answered || at === 'content' || cause.responseCode === 421) session.close();
    return {
      kind: 'failed',
      facts: smtpFacts(cause, at),
      inDoubt: stage === 'final' && !answered,
      refused: refusals(cause.rejectedErrors),
    };
  } finally {
    stopWatch();
    job.signal.removeEventListener('abort', onAbort);
    session.connection.removeListener('end', onEnd);
    source.destroy();
  }
}

interface SentInfo {
  readonly response: string;
  readonly serverMessageId?: string;
  readonly accepted: readonly string[];
  readonly rejectedErrors?: readonly RecipientError[];
  readonly envelopeTime: number;
  readonly messageTime: number;
}

interface SourceEvents {
  started(): void;
  progressed(): void;
  ended(): void;
  failed(error: Error): void;
}

/** The mail as a stream that nodemailer reads once the server has answered 354, and that ends with our consent. */
function mailSource(session: SmtpSession, job: SubmitJob, events: SourceEvents): Readable {
  let iterator: AsyncIterator<Uint8Array> | undefined;
  async function next(stream: Readable): Promise<void> {
    if (!iterator) {
      events.started();
      iterator = (await job.content())[Symbol.asyncIterator]();
    }
    const { value, done } = await iterator.next();
    if (!done) {
      events.progressed();
      stream.push(value);
      return;
    }
    if (job.bytes > WRITTEN_OUT_FROM_BYTES) await writtenOut(session, stream);
    await job.beforeFinal();
    events.ended();
    stream.push(null);
  }
  return new Readable({
    // Small, so that a slow server holds back the reading of a large mail from storage.
    highWaterMark: 64 * 1024,
    read() {
      next(this).catch((error: unknown) => {
        events.failed(error instanceof Error ? error : new Error(String(error)));
      });
    },
    destroy(error, done) {
      void iterator?.return?.(undefined)?.then(undefined, () => undefined);
      done(error);
    },
  });
}

/** Resolves when what was read of the mail has left this process. The phase timers bound the wait. */
async function writtenOut(session: SmtpSession, stream: Readable): Promise<void> {
  for (;;) {
    const socket = session.connection._socket;
    if (!socket || socket.destroyed || !session.isUsable())
      throw new Error('connection closed before the end of the mail');
    if (stream.readableLength === 0 && socket.writableLength === 0) return;
    await sleep(5);
  }
}

function stageOf(error: SendError, tracked: FailureStage): FailureStage {
  if (error.response === undefined && error.responseCode === undefined) return tracked;
  if (error.command === 'MAIL FROM') return 'mail';
  if (error.command === 'RCPT TO') return 'rcpt';
  if (error.command === 'DATA') return error.code === 'EENVELOPE' ? 'data' : tracked === 'final' ? 'final' : 'content';
  return tracked;
}

function refusals(errors: readonly RecipientError[] | undefined): RefusedRecipient[] {
  return (errors ?? []).flatMap(error =>
    error.recipient === undefined ? [] : [{ address: error.recipient, facts: smtpFacts(error, 'rcpt') }],
  );
}
