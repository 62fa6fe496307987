import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { FailureStage } from '../../domain/diagnosis/diagnosis.ts';
import { ServiceFailure } from '../../domain/failure.ts';
import { connectStage, type SmtpErrorLike, smtpFacts } from './smtp-facts.ts';

export interface SmtpEndpoint {
  readonly host: string;
  readonly port: number;
}

/** An authenticated SMTP session. `close` may be called at any time and more than once. */
export interface SmtpSession {
  readonly connection: SMTPConnection;
  readonly openedAtMs: number;
  /** False once the socket is gone or the server said 421. */
  isUsable(): boolean;
  close(): void;
}

/**
 * Time limits in ms. Before content everything may be tried again at no risk, so these are shorter than RFC 5321
 * 4.5.3.2 asks for; the two after that are the RFC's own, since giving up early there leaves doubt.
 */
export const SMTP_TIMEOUTS_MS = {
  dns: 10_000,
  connect: 30_000,
  greeting: 30_000,
  /** From the look-up of the name to the EHLO after TLS, all together: nodemailer itself does not limit EHLO and STARTTLS. */
  setUp: 90_000,
  auth: 60_000,
  envelope: 120_000,
  /** RFC 5321 4.5.3.2.5: 3 minutes for each block of data. */
  content: 180_000,
  /** RFC 5321 4.5.3.2.6: 10 minutes for the reply to the final dot. */
  final: 600_000,
} as const;

const QUIET = {
  level: () => {},
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  fatal: () => {},
};

/**
 * Connects, upgrades with STARTTLS (TLS 1.2 or newer, certificate verified) and signs in with XOAUTH2. The token goes
 * out only when the server offered XOAUTH2 after TLS.
 *
 * Throws ServiceFailure with the stage at which it ended: dns, tcp, greeting, ehlo, tls or auth.
 */
export async function openSmtpSession(
  endpoint: SmtpEndpoint,
  mailbox: string,
  accessToken: string,
  nowMs: number,
  setUpLimitMs: number = SMTP_TIMEOUTS_MS.setUp,
): Promise<SmtpSession> {
  const connection = new SMTPConnection({
    host: endpoint.host,
    port: endpoint.port,
    secure: false,
    requireTLS: true,
    tls: { minVersion: 'TLSv1.2', servername: endpoint.host },
    dnsTimeout: SMTP_TIMEOUTS_MS.dns,
    connectionTimeout: SMTP_TIMEOUTS_MS.connect,
    greetingTimeout: SMTP_TIMEOUTS_MS.greeting,
    socketTimeout: SMTP_TIMEOUTS_MS.final + 5_000,
    socketCloseTimeout: 2_000,
    logger: QUIET,
    customAuth: { XOAUTH2: context => signIn(context, mailbox, accessToken) },
  });
  await connect(connection, setUpLimitMs);
  await login(connection, mailbox);
  let lost = false;
  connection.on('error', () => {
    lost = true;
  });
  connection.once('end', () => {
    lost = true;
  });
  return {
    connection,
    openedAtMs: nowMs,
    isUsable: () => !lost && !connection.destroyed,
    close() {
      lost = true;
      connection.close();
    },
  };
}

function connect(connection: SMTPConnection, limitMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    // Rejected first: closing makes the connection say `end`, which is no cause of anything.
    const fail = (error: SmtpErrorLike) => {
      clearTimeout(timer);
      reject(failure('connect', error, connectStage(error, Boolean(connection.lastServerResponse))));
      connection.close();
    };
    const timer = setTimeout(
      () => fail({ code: 'ETIMEDOUT', command: 'EHLO', message: `no session within ${limitMs / 1000} s` }),
      limitMs,
    );
    // An emitter without a listener for 'error' would end the worker, and with it every run beside this one.
    connection.on('error', fail);
    connection.once('end', () => fail({ code: 'ECONNECTION', message: 'the server closed the connection' }));
    connection.connect(error => {
      if (error) return fail(error);
      clearTimeout(timer);
      resolve();
    });
  });
}

function login(connection: SMTPConnection, mailbox: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: SmtpErrorLike) => {
      clearTimeout(timer);
      reject(failure('sign in', error, 'auth'));
      connection.close();
    };
    const onEnd = () => fail({ code: 'ECONNECTION', message: 'the server closed the connection during AUTH' });
    const timer = setTimeout(() => fail({ code: 'ETIMEDOUT', message: 'no answer to AUTH' }), SMTP_TIMEOUTS_MS.auth);
    connection.once('error', fail);
    connection.once('end', onEnd);
    // `oauth2` only tells nodemailer to stay with XOAUTH2; the handler above does the talking.
    connection.login({ user: mailbox, method: 'XOAUTH2', oauth2: {} as never }, error => {
      if (error) return fail(error);
      clearTimeout(timer);
      connection.removeListener('error', fail);
      connection.removeListener('end', onEnd);
      resolve();
    });
  });
}

/**
 * AUTH XOAUTH2 with initial response. After `334` the client answers an empty line and then gets the refusal.
 * Source: Microsoft, "Authenticate an IMAP, POP or SMTP connection using OAuth", SASL XOAUTH2.
 */
async function signIn(
  context: SMTPConnection.CustomAuthenticationContext,
  mailbox: string,
  accessToken: string,
): Promise<void> {
  if (!context.authMethods.includes('XOAUTH2')) {
    context.reject(
      Object.assign(new Error('the server does not offer XOAUTH2 after STARTTLS'), {
        code: 'smtp_xoauth2_not_offered',
      }),
    );
    return;
  }
  const initialResponse = Buffer.from(`user=${mailbox}\u0001auth=Bearer ${accessToken}\u0001\u0001`, 'utf8').toString(
    'base64',
  );
  // The code is read here: nodemailer's own parsing wants a blank after it, and Exchange sends a bare `334`.
  const code = (reply: { readonly response: string }) => Number.parseInt(reply.response, 10);
  let reply = await context.sendCommand(`AUTH XOAUTH2 ${initialResponse}`);
  if (code(reply) === 334) reply = await context.sendCommand('');
  if (code(reply) === 235) context.resolve();
  else context.reject(new Error('sign-in refused'));
}

function failure(step: string, error: SmtpErrorLike, stage: FailureStage): ServiceFailure {
  const facts = smtpFacts(error, stage);
  return new ServiceFailure(
    `SMTP: ${step} failed at ${stage}${facts.replyCode === undefined ? '' : ` with ${facts.replyCode}`}`,
    facts,
    { cause: error },
  );
}
