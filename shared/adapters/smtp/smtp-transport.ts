import type { TokenSource } from '../../domain/credential-ports.ts';
import { ServiceFailure } from '../../domain/failure.ts';
import type { Log, MailTransport, SubmitJob, SubmitResult } from '../../domain/ports.ts';
import { redact } from '../../domain/redact.ts';
import type { Lease, SessionPool } from './session-pool.ts';
import { openSmtpSession, type SmtpEndpoint, type SmtpSession } from './smtp-session.ts';
import { submitMail } from './smtp-submit.ts';

/** Submission to Exchange Online over warm SMTP sessions. */
export function smtpTransport(
  endpoint: SmtpEndpoint,
  tokens: TokenSource,
  pool: SessionPool,
  now: () => number,
): MailTransport {
  async function open(job: SubmitJob, log: Log): Promise<SmtpSession> {
    const begun = performance.now();
    const { token } = await tokens(job.sender, { force: false }, log);
    try {
      return logged(await openSmtpSession(endpoint, job.mailbox, token, now()), begun);
    } catch (error) {
      if (!isRefusedSignIn(error)) throw error;
      // Exchange answers a stale token with 535 and no challenge. One fresh token settles whether it was that.
      const renewed = await tokens(job.sender, { force: true }, log);
      if (renewed.token === token) throw error;
      log('info', { event: 'smtp.token.renewed', messageId: job.messageId, mailbox: job.mailbox, phase: 'auth' });
      return logged(await openSmtpSession(endpoint, job.mailbox, renewed.token, now()), begun);
    }
    function logged(session: SmtpSession, since: number): SmtpSession {
      log('info', {
        event: 'smtp.connected',
        messageId: job.messageId,
        mailbox: job.mailbox,
        phase: 'auth',
        ms: Math.round(performance.now() - since),
      });
      return session;
    }
  }

  async function submitOnce(
    job: SubmitJob,
    log: Log,
    freshOnly: boolean,
  ): Promise<{ readonly result: SubmitResult; readonly wasStale: boolean }> {
    let lease: Lease;
    try {
      const key = `${job.mailbox.toLowerCase()} ${job.sender.tenantId} ${job.sender.clientId}`;
      lease = await pool.acquire(key, { maxSessions: job.sender.limits.connections }, () => open(job, log), freshOnly);
    } catch (error) {
      if (!(error instanceof ServiceFailure)) throw error;
      return { result: { kind: 'failed', facts: error.facts, inDoubt: false, refused: [] }, wasStale: false };
    }
    try {
      const result = await submitMail(lease.session, job);
      if (result.kind === 'failed' && lease.session.isUsable()) await resetOrClose(lease.session);
      const wasStale =
        lease.isReused &&
        result.kind === 'failed' &&
        !result.inDoubt &&
        result.facts.replyCode === undefined &&
        result.facts.stage === 'mail';
      return { result, wasStale };
    } finally {
      lease.release();
    }
  }

  return {
    async submit(job, log) {
      const first = await submitOnce(job, log, false);
      // A warm session that the server had quietly closed says nothing about the message: the same attempt goes on over a new one.
      const { result } = first.wasStale ? await submitOnce(job, log, true) : first;
      if (result.kind === 'failed') {
        log('warn', {
          event: 'smtp.refused',
          messageId: job.messageId,
          mailbox: job.mailbox,
          phase: result.facts.stage,
          detail: redact(result.facts.text ?? result.facts.errorCode ?? '', 300),
        });
      }
      return result;
    },
  };
}

function isRefusedSignIn(error: unknown): boolean {
  return error instanceof ServiceFailure && error.facts.stage === 'auth' && error.facts.replyCode === 535;
}

/** After a refusal the session goes on from a clean state (RFC 5321 4.1.1.5), or not at all. */
function resetOrClose(session: SmtpSession): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(() => finish(), 5_000);
    const finish = () => {
      clearTimeout(timer);
      session.close();
      resolve();
    };
    session.connection.reset(error => {
      if (error) return finish();
      clearTimeout(timer);
      resolve();
    });
  });
}
