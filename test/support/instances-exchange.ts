import type { SessionPool } from '../../shared/adapters/smtp/session-pool.ts';
import type { SmtpSession } from '../../shared/adapters/smtp/smtp-session.ts';
import { ServiceFailure } from '../../shared/domain/failure.ts';
import type { Sender } from '../../shared/domain/sender.ts';
import type { MailTransport, SubmitJob, SubmitResult } from '../../shared/domain/transport-ports.ts';

export interface Sent {
  readonly id: string;
  readonly mailbox: string;
  readonly atMs: number;
}

/** An Exchange that refuses a fourth connection at sign-in and a message over the rate of any minute. */
export function startExchange(
  senders: readonly Sender[],
  signInMs: number,
  submitMs: number,
  sleep: (ms: number) => Promise<void>,
) {
  const limitsOf = new Map(senders.flatMap(sender => sender.mailboxes.map(mailbox => [mailbox, sender.limits])));
  const open = new Map<string, number>();
  const exchange = {
    sent: [] as Sent[],
    signIns: 0,
    refusedSignIns: 0,
    throttled: 0,
    /** Mailboxes whose sign-in is refused. */
    refuses: new Set<string>(),
    /** From addresses that no mailbox may send as, and how often one was tried. */
    refusesFrom: new Set<string>(),
    refusedFrom: 0,
    async signIn(mailbox: string): Promise<SmtpSession> {
      await sleep(signInMs);
      if (exchange.refuses.has(mailbox)) {
        exchange.refusedSignIns++;
        throw failure('auth', 535, '5.7.3', '535 5.7.3 Authentication unsuccessful');
      }
      exchange.signIns++;
      open.set(mailbox, (open.get(mailbox) ?? 0) + 1);
      if ((open.get(mailbox) ?? 0) > (limitsOf.get(mailbox)?.connections ?? 3)) exchange.throttled++;
      let isUsable = true;
      const close = () => {
        if (isUsable) open.set(mailbox, (open.get(mailbox) ?? 0) - 1);
        isUsable = false;
      };
      const connection = {
        quit: () => undefined,
        once: (_event: string, ended: () => void) => void setTimeout(ended, 20),
      };
      return { connection: connection as never, openedAtMs: Date.now(), isUsable: () => isUsable, close };
    },
    async take(mailbox: string, job: SubmitJob): Promise<SubmitResult> {
      await sleep(submitMs / 2);
      await job.beforeFinal();
      await sleep(submitMs / 2);
      const limit = limitsOf.get(mailbox)?.messagesPerMinute ?? 30;
      const lately = exchange.sent.filter(one => one.mailbox === mailbox && one.atMs > Date.now() - 60_000).length;
      if (lately >= limit) {
        exchange.throttled++;
        const text = '432 4.3.2 Message submission rate for this client has exceeded the configured limit';
        return { kind: 'failed', facts: { stage: 'final', replyCode: 432, text }, inDoubt: false, refused: [] };
      }
      if (exchange.refusesFrom.has(job.from)) {
        exchange.refusedFrom++;
        const text = `554 5.2.252 SendAsDenied; ${mailbox} not allowed to send as ${job.from}`;
        return { kind: 'failed', facts: { stage: 'final', replyCode: 554, text }, inDoubt: false, refused: [] };
      }
      exchange.sent.push({ id: job.messageId, mailbox, atMs: Date.now() });
      return { kind: 'accepted', reply: '250 2.0.0 OK', accepted: job.recipients, refused: [], timings: {} };
    },
  };
  return exchange;
}

export type Exchange = ReturnType<typeof startExchange>;

/** The app's own session pool before it. */
export function transportOver(pool: SessionPool, exchange: Exchange): MailTransport {
  const keyOf = (sender: Sender, mailbox: string) => ({ mailbox, app: '', maxSessions: sender.limits.connections });
  const guarded = async <T>(work: () => Promise<T>) => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ServiceFailure) return { kind: 'failed', facts: error.facts } as const;
      throw error;
    }
  };
  return {
    connect: (sender, mailbox, _id, _log, connectOptions) =>
      guarded(async () => {
        const pooled = await pool.acquire(
          keyOf(sender, mailbox),
          () => exchange.signIn(mailbox),
          connectOptions?.patienceMs,
        );
        if (!pooled) return { kind: 'busy' } as const;
        const connection = { submit: (job: SubmitJob) => exchange.take(mailbox, job), release: () => pooled.release() };
        return { kind: 'connected', connection } as const;
      }),
    prepare: (sender, mailbox, _id, _log, slot) =>
      guarded(async () => {
        const kind = await pool.prepare(keyOf(sender, mailbox), () => exchange.signIn(mailbox), slot);
        return { kind };
      }),
    hasFree: (sender, mailbox, _id, _log, patienceMs) =>
      pool.waitForIdle(keyOf(sender, mailbox), () => exchange.signIn(mailbox), patienceMs),
    needsSignIn: (sender, mailbox) => pool.needsSignIn(keyOf(sender, mailbox)),
  };
}

function failure(stage: 'auth', replyCode: number, enhancedCode: string, text: string): ServiceFailure {
  return new ServiceFailure(text, { stage, replyCode, enhancedCode, text });
}
