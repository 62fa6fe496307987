import { authenticate } from './authenticate.ts';
import { meetFault } from './meet-fault.ts';
import { publicHost, reply, replyAndClose, resetTransaction, type Session } from './session.ts';
import { startTls } from './start-tls.ts';
import { data, mailFrom, rcptTo } from './transaction.ts';

/** SIZE that Exchange Online advertises; the mailbox's own limit is lower and judged at MAIL and after the dot. */
const SIZE = 157_286_400;
const MAX_BAD_COMMANDS = 10;

/** One SMTP conversation, command by command (so pipelined commands are answered in order, RFC 2920). Returns when it is over. */
export async function runSession(session: Session): Promise<void> {
  if (await meetFault(session, 'smtp.connect')) return;
  if (!(await meetFault(session, 'smtp.greeting'))) {
    const date = new Date(session.server.cloud.now()).toUTCString().replace('GMT', '+0000');
    await reply(session, `220 ${publicHost(session)} Microsoft ESMTP MAIL Service ready at ${date}`);
  }
  let badCommands = 0;
  while (!session.isOver) {
    const line = await session.reader.line(session.server.cloud.world.exchange.idleMs);
    if (line.kind === 'closed') return;
    if (line.kind === 'timeout') return replyAndClose(session, '451 4.7.0 Timeout waiting for client input');
    if (line.kind === 'tooLong') return replyAndClose(session, '500 5.3.3 Line too long');
    const [, verb = '', args = ''] = /^(\S*)(?: (.*))?$/.exec(line.text) ?? [];
    const name = verb.toUpperCase();
    session.transcript.push(`C: ${name === 'AUTH' ? redactAuth(line.text) : line.text}`);
    const command = line.bare ? undefined : COMMANDS[name];
    if (command) await command(session, args);
    else if (++badCommands < MAX_BAD_COMMANDS)
      await reply(session, `500 5.3.3 Unrecognized command '${verb.slice(0, 40)}'`);
    else return replyAndClose(session, '421 4.7.0 Too many errors on this connection, closing transmission channel');
  }
}

const redactAuth = (line: string): string => line.replace(/^(\S+ \S+) .+$/, '$1 [credentials]');

const COMMANDS: Record<string, (session: Session, args: string) => Promise<void>> = {
  EHLO: (session, args) => hello(session, args, true),
  HELO: (session, args) => hello(session, args, false),
  STARTTLS: startTls,
  AUTH: authenticate,
  MAIL: mailFrom,
  RCPT: rcptTo,
  DATA: data,
  RSET: reset,
  NOOP: session => reply(session, '250 2.0.0 OK'),
  VRFY: session => reply(session, '252 2.1.5 Cannot VRFY user'),
  HELP: session =>
    reply(
      session,
      '214 2.0.0 This server supports the following commands: HELO EHLO STARTTLS RCPT DATA RSET MAIL QUIT HELP AUTH',
    ),
  BDAT: session => replyAndClose(session, '502 5.3.3 Command not implemented'),
  QUIT: quit,
};

async function hello(session: Session, args: string, isExtended: boolean): Promise<void> {
  if (await meetFault(session, session.tls ? 'smtp.ehlo2' : 'smtp.ehlo')) return;
  const client = args.trim();
  if (client === '') return reply(session, '501 5.5.4 Invalid domain name');
  session.hello = client;
  resetTransaction(session);
  const greeting = `${publicHost(session)} Hello [127.0.0.1]`;
  if (!isExtended) return reply(session, `250 ${greeting}`);
  const extensions = [
    `SIZE ${SIZE}`,
    'PIPELINING',
    'DSN',
    'ENHANCEDSTATUSCODES',
    session.tls ? 'AUTH LOGIN XOAUTH2' : 'STARTTLS',
    '8BITMIME',
    'BINARYMIME',
    'CHUNKING',
    'SMTPUTF8',
  ];
  const lines = [greeting, ...extensions];
  await reply(session, lines.map((text, index) => `250${index === lines.length - 1 ? ' ' : '-'}${text}`).join('\r\n'));
}

async function reset(session: Session): Promise<void> {
  if (await meetFault(session, 'smtp.rset')) return;
  resetTransaction(session);
  await reply(session, '250 2.0.0 Resetting');
}

async function quit(session: Session): Promise<void> {
  if (await meetFault(session, 'smtp.quit')) return;
  await replyAndClose(session, '221 2.0.0 Service closing transmission channel');
}
