import { verifyAccessToken } from '../access-token.ts';
import { countBy } from '../counters.ts';
import type { Mailbox } from '../world.ts';
import { judgeGrant } from './judge-grant.ts';
import { limitsOf } from './mailbox-use.ts';
import { meetFault } from './meet-fault.ts';
import { backendHost, reply, replyAndClose, type Session, trailer } from './session.ts';

const AUDIENCE = 'https://outlook.office365.com';
const MAX_FAILURES = 3;

/** AUTH, offered after TLS only (RFC 4954; XOAUTH2 as Microsoft and Google document it). LOGIN exists to be refused. */
export async function authenticate(session: Session, args: string): Promise<void> {
  const [mechanism = '', initial, ...rest] = args.split(' ');
  if (!session.tls) return reply(session, '504 5.7.4 Unrecognized authentication type');
  if (!session.hello) return reply(session, '503 5.5.2 Send hello first');
  if (session.mailbox || session.from !== undefined) return reply(session, '503 5.5.1 Bad sequence of commands');
  if (mechanism.toUpperCase() === 'LOGIN') return refuseLogin(session, initial);
  if (mechanism.toUpperCase() !== 'XOAUTH2') return reply(session, '504 5.7.4 Unrecognized authentication type');
  if (rest.length > 0) return reply(session, '501 5.5.4 Invalid arguments');
  const response = initial ?? (await ask(session, '334 '));
  if (response === undefined) return;
  if (response === '*') return reply(session, '501 5.7.0 Authentication cancelled');
  const credentials = parseXoauth2(response);
  if (await meetFault(session, 'smtp.auth', credentials ? { mailbox: credentials.mailbox } : {})) return;
  if (!credentials) return fail(session, 'malformed', '501 5.5.4 Invalid arguments');
  await judge(session, credentials);
}

/**
 * Reads base64("user=" mailbox ^A "auth=Bearer " token ^A ^A), nothing else; undefined when it is not exactly that.
 * Source: learn.microsoft.com/exchange/client-developer/legacy-protocols, SASL XOAUTH2.
 */
function parseXoauth2(response: string): { mailbox: string; token: string } | undefined {
  if (response.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(response)) return undefined;
  const text = Buffer.from(response, 'base64').toString('utf8');
  const parts = /^user=([^\x01]+)\x01auth=Bearer ([^\x01 ]+)\x01\x01$/.exec(text);
  return parts?.[1] && parts[2] ? { mailbox: parts[1], token: parts[2] } : undefined;
}

async function judge(session: Session, given: { mailbox: string; token: string }): Promise<void> {
  const { cloud, use } = session.server;
  const { exchange, mailboxes } = cloud.world;
  const verdict = verifyAccessToken(cloud, given.token, [AUDIENCE]);
  if (!verdict.ok) return fail(session, `token ${verdict.reason}`);
  const mailbox = mailboxes.find(one => one.address.toLowerCase() === given.mailbox.toLowerCase());
  if (!mailbox) return fail(session, 'no such mailbox');
  if (mailbox.smtpAuthDisabled ?? exchange.smtpAuthDisabled) return failDisabled(session, mailbox);
  const missing = judgeGrant(cloud.world, mailbox, verdict.claims);
  if (missing) return fail(session, missing);
  const limits = limitsOf(cloud.world, mailbox);
  if (limits.connectionsJudgedAt === 'auth' && use.exceedsConnections(session, mailbox, limits)) {
    cloud.counters.throttled++;
    const text =
      '432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information.';
    return replyAndClose(session, `${text} [Hostname=${backendHost(session)}]`);
  }
  session.mailbox = mailbox;
  session.appId = String(verdict.claims['appid']);
  use.signedIn(session, mailbox);
  cloud.counters.signIns++;
  await reply(session, '235 2.7.0 Authentication successful');
  session.preambleLines = session.transcript.length;
}

function failDisabled(session: Session, mailbox: Mailbox): Promise<void> {
  const whom = mailbox.smtpAuthDisabled ? 'Mailbox' : 'Tenant';
  const text = `535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the ${whom}. Visit https://aka.ms/smtp_auth_disabled for more information.`;
  return fail(session, `SMTP AUTH disabled for the ${whom.toLowerCase()}`, `${text} ${trailer(session)}`);
}

async function fail(session: Session, reason: string, text?: string): Promise<void> {
  const { counters, world } = session.server.cloud;
  countBy(counters.signInFailures, reason);
  session.transcript.push(`! sign-in refused: ${reason}`);
  session.failedSignIns++;
  if (text === undefined && world.exchange.failureForm !== 'direct') {
    const json = { status: '400', schemes: 'Bearer', scope: 'https://outlook.office365.com/' };
    const bare = world.exchange.failureForm === 'bareChallenge';
    const challenge = bare ? '' : Buffer.from(JSON.stringify(json)).toString('base64');
    if ((await ask(session, `334 ${challenge}`)) === undefined) return;
  }
  await reply(session, text ?? `535 5.7.3 Authentication unsuccessful ${trailer(session)}`);
  if (session.failedSignIns >= MAX_FAILURES) {
    await replyAndClose(session, '421 4.7.0 Too many errors on this connection, closing transmission channel');
  }
}

async function refuseLogin(session: Session, initial: string | undefined): Promise<void> {
  if (initial === undefined && (await ask(session, '334 VXNlcm5hbWU6')) === undefined) return;
  if ((await ask(session, '334 UGFzc3dvcmQ6')) === undefined) return;
  const text = '535 5.7.139 Authentication unsuccessful, basic authentication is disabled.';
  await fail(session, 'basic authentication', `${text} ${trailer(session)}`);
}

/** Sends a challenge and reads the answer, which is kept out of the transcript; undefined when the client is gone. */
async function ask(session: Session, challenge: string): Promise<string | undefined> {
  await reply(session, challenge);
  const line = await session.reader.line(session.server.cloud.world.exchange.idleMs);
  if (line.kind !== 'line') {
    session.isOver = true;
    return undefined;
  }
  session.transcript.push(line.text === '' ? 'C: ' : 'C: [credentials]');
  return line.text;
}
