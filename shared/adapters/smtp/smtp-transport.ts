import type { TokenSource } from '../../domain/credential-ports.ts';
import { diagnose } from '../../domain/diagnosis/diagnose.ts';
import { ServiceFailure } from '../../domain/failure.ts';
import type { Log } from '../../domain/ports.ts';
import { redact } from '../../domain/redact.ts';
import type { Sender } from '../../domain/sender.ts';
import type {
  ConnectResult,
  MailConnection,
  MailTransport,
  PrepareResult,
  SubmitJob,
  SubmitResult,
} from '../../domain/transport-ports.ts';
import type { PooledSession, SessionKey, SessionPool } from './session-pool.ts';
import { openSmtpSession, type SmtpEndpoint, type SmtpSession } from './smtp-session.ts';
import { submitMail } from './smtp-submit.ts';

export interface SmtpTransport extends MailTransport {
  /** Ends what is idle and gives its connections back: the process is about to stop. */
  close(): Promise<void>;
}

/** Submission to Exchange Online over warm SMTP sessions. */
export function smtpTransport(
  endpoint: SmtpEndpoint,
  tokens: TokenSource,
  pool: SessionPool,
  now: () => number,
): SmtpTransport {
  /** The token with which a mailbox's sign-in was last refused: the next one starts with another. */
  const refusedTokens = new Map<string, string>();

  async function open(sender: Sender, mailbox: string, messageId: string, log: Log): Promise<SmtpSession> {
    const begun = performance.now();
    const session = await signIn(sender, mailbox, messageId, log);
    log('info', {
      event: 'smtp.connected',
      messageId,
      mailbox,
      phase: 'auth',
      ms: Math.round(performance.now() - begun),
    });
    return session;
  }

  async function signIn(sender: Sender, mailbox: string, messageId: string, log: Log): Promise<SmtpSession> {
    const key = `${mailbox} ${sender.clientId}`;
    const held = await tokens(sender, { force: false }, log);
    const { token } = held.token === refusedTokens.get(key) ? await tokens(sender, { force: true }, log) : held;
    try {
      return await signInWith(token, key, mailbox);
    } catch (error) {
      if (!mayBeStale(error)) throw error;
      // Exchange answers a stale token with 535 and no challenge. One fresh token settles whether it was that.
      const renewed = await tokens(sender, { force: true }, log);
      if (renewed.token === token) throw error;
      log('info', { event: 'smtp.token.renewed', messageId, mailbox, phase: 'auth' });
      return signInWith(renewed.token, key, mailbox);
    }
  }

  async function signInWith(token: string, key: string, mailbox: string): Promise<SmtpSession> {
    try {
      const session = await openSmtpSession(endpoint, mailbox, token, now());
      refusedTokens.delete(key);
      return session;
    } catch (error) {
      if (isRefusedSignIn(error)) refusedTokens.set(key, token);
      throw error;
    }
  }

  function keyOf(sender: Sender, mailbox: string): SessionKey {
    return { mailbox, app: `${sender.tenantId} ${sender.clientId}`, maxSessions: sender.limits.connections };
  }

  function refusal(error: unknown, mailbox: string, messageId: string, log: Log) {
    if (!(error instanceof ServiceFailure)) throw error;
    logRefusal(log, messageId, mailbox, error.facts.stage, error.facts.text ?? error.facts.errorCode ?? '');
    return { kind: 'failed', facts: error.facts } as const;
  }

  return {
    async connect(sender, mailbox, messageId, log, options): Promise<ConnectResult> {
      const opener = () => open(sender, mailbox, messageId, log);
      try {
        const pooled = await pool.acquire(keyOf(sender, mailbox), opener, options?.patienceMs);
        if (!pooled) return { kind: 'busy' };
        return { kind: 'connected', connection: connectionOver(pooled, opener, mailbox) };
      } catch (error) {
        return refusal(error, mailbox, messageId, log);
      }
    },
    async prepare(sender, mailbox, messageId, log, slot): Promise<PrepareResult> {
      try {
        const opener = () => open(sender, mailbox, messageId, log);
        return { kind: await pool.prepare(keyOf(sender, mailbox), opener, slot) };
      } catch (error) {
        return refusal(error, mailbox, messageId, log);
      }
    },
    hasFree: (sender, mailbox, messageId, log, patienceMs) =>
      pool.waitForIdle(keyOf(sender, mailbox), () => open(sender, mailbox, messageId, log), patienceMs),
    needsSignIn: (sender, mailbox) => pool.needsSignIn(keyOf(sender, mailbox)),
    close: () => pool.close(),
  };
}

function connectionOver(first: PooledSession, open: () => Promise<SmtpSession>, mailbox: string): MailConnection {
  let pooled = first;
  async function submitOnce(job: SubmitJob): Promise<SubmitResult> {
    if (!pooled.isHeld()) return { kind: 'failed', facts: SLOT_LOST, inDoubt: false, refused: [] };
    const result = await submitMail(pooled.session, job);
    if (result.kind === 'failed' && pooled.session.isUsable()) await resetOrClose(pooled.session);
    return result;
  }
  return {
    async submit(job, log) {
      let result = await submitOnce(job);
      if (pooled.isReused && isStale(result) && pooled.isHeld()) {
        // A warm session that the server had quietly closed says nothing about the message: the same attempt goes on over a new one.
        // Not without the slot: it would be one connection too many.
        try {
          pooled = await pooled.renew(open);
          result = await submitOnce(job);
        } catch (error) {
          if (!(error instanceof ServiceFailure)) throw error;
          result = { kind: 'failed', facts: error.facts, inDoubt: false, refused: [] };
        }
      }
      if (result.kind === 'failed')
        logRefusal(log, job.messageId, mailbox, result.facts.stage, result.facts.text ?? result.facts.errorCode ?? '');
      return result;
    },
    release: () => pooled.release(),
  };
}

/** The lease on the connection has run out: another instance may have it by now. */
const SLOT_LOST = {
  stage: 'mail',
  errorCode: 'ECONNECTION',
  text: 'the connection slot was lost before the mail was sent',
} as const;

function isStale(result: SubmitResult): boolean {
  return (
    result.kind === 'failed' &&
    !result.inDoubt &&
    result.facts.replyCode === undefined &&
    result.facts.stage === 'mail' &&
    result.facts.errorCode !== 'ETIMEDOUT'
  );
}

function isRefusedSignIn(error: unknown): error is ServiceFailure {
  return error instanceof ServiceFailure && error.facts.stage === 'auth' && error.facts.replyCode === 535;
}

/** Refused with a text that may mean the token; some texts name another cause. */
function mayBeStale(error: unknown): boolean {
  return isRefusedSignIn(error) && diagnose(error.facts).entry.retry === 'onceRefreshed';
}

function logRefusal(log: Log, messageId: string, mailbox: string, phase: string, text: string): void {
  log('warn', { event: 'smtp.refused', messageId, mailbox, phase, detail: redact(text, 300) });
}

/** After a refusal the session goes on from a clean state (RFC 5321 4.1.1.5), or not at all. */
function resetOrClose(session: SmtpSession): Promise<void> {
  return new Promise(resolve => {
    const finish = () => {
      clearTimeout(timer);
      session.close();
      resolve();
    };
    const timer = setTimeout(finish, 5_000);
    session.connection.reset(error => {
      if (error) return finish();
      clearTimeout(timer);
      resolve();
    });
  });
}
