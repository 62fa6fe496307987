import type { Mailbox } from '../world.ts';
import { finishMessage } from './accept-message.ts';
import { limitsOf } from './mailbox-use.ts';
import { meetFault, takeFault } from './meet-fault.ts';
import { readContent } from './read-content.ts';
import { reply, resetTransaction, type Session, trailer } from './session.ts';

const BAD_SEQUENCE = '503 5.5.1 Bad sequence of commands';
const BAD_ARGUMENTS = '501 5.5.4 Invalid arguments';

/** MAIL FROM:<path> with SIZE, BODY, SMTPUTF8, RET and ENVID (RFC 5321 section 4.1.1.2, RFC 1870, 6152, 6531, 3461). */
export async function mailFrom(session: Session, args: string): Promise<void> {
  if (await meetFault(session, 'smtp.mail')) return;
  if (!session.hello) return reply(session, '503 5.5.2 Send hello first');
  if (!session.tls) return reply(session, `451 5.7.3 STARTTLS is required to send mail ${trailer(session)}`);
  const { mailbox } = session;
  if (!mailbox) return reply(session, `530 5.7.57 Client not authenticated to send mail. ${trailer(session)}`);
  if (session.from !== undefined) return reply(session, BAD_SEQUENCE);
  const path = readPath(args, /^FROM:\s?<([^<>]*)>(.*)$/i);
  if (!path) return reply(session, BAD_ARGUMENTS);
  const parameters = readParameters(path.rest, ['SIZE', 'BODY', 'SMTPUTF8', 'RET', 'ENVID', 'AUTH']);
  if (!parameters || (path.address !== '' && !isAddress(path.address))) return reply(session, BAD_ARGUMENTS);
  if (!isAscii(path.address) && !parameters.has('SMTPUTF8'))
    return reply(session, '553 5.6.7 Address requires SMTPUTF8');
  const { messageBytes } = limitsOf(session.server.cloud.world, mailbox);
  const size = parameters.get('SIZE');
  if (size !== undefined && !/^\d{1,20}$/.test(size)) return reply(session, BAD_ARGUMENTS);
  if (Number(size ?? 0) > messageBytes) {
    return reply(session, '552 5.3.4 Message size exceeds fixed maximum message size');
  }
  if (mailbox.blocked) return reply(session, mailbox.blocked);
  session.from = path.address;
  await reply(session, '250 2.1.0 Sender OK');
}

/** RCPT TO:<path> with NOTIFY and ORCPT. Refusals of single recipients come from faults. */
export async function rcptTo(session: Session, args: string): Promise<void> {
  const path = readPath(args, /^TO:\s?<([^<>]*)>(.*)$/i);
  if (await meetFault(session, 'smtp.rcpt', { recipients: path ? [path.address] : [] })) return;
  const { mailbox } = session;
  if (session.from === undefined || !mailbox) return reply(session, BAD_SEQUENCE);
  if (!path || !readParameters(path.rest, ['NOTIFY', 'ORCPT'])) return reply(session, BAD_ARGUMENTS);
  if (!isAddress(path.address)) return reply(session, '501 5.1.3 Invalid address');
  const { recipientsPerMessage } = limitsOf(session.server.cloud.world, mailbox);
  if (session.recipients.length >= recipientsPerMessage) return reply(session, '452 4.5.3 Too many recipients');
  session.recipients.push(path.address);
  await reply(session, '250 2.1.5 Recipient OK');
}

/** DATA and the content that follows. */
export async function data(session: Session): Promise<void> {
  if (await meetFault(session, 'smtp.data')) return;
  const { mailbox } = session;
  if (session.from === undefined || !mailbox) return reply(session, BAD_SEQUENCE);
  if (session.recipients.length === 0) return reply(session, '503 5.5.1 Bad sequence of commands, no recipients');
  await reply(session, '354 Start mail input; end with <CRLF>.<CRLF>');
  await receive(session, mailbox);
  resetTransaction(session);
  // The mail keeps its transcript, the reply included; the next one begins anew behind the sign-in.
  session.transcript = session.transcript.slice(0, session.preambleLines);
}

async function receive(session: Session, mailbox: Mailbox): Promise<void> {
  const { messageBytes } = limitsOf(session.server.cloud.world, mailbox);
  const content = await readContent(session, messageBytes, takeFault(session, 'smtp.content'));
  if (!content) return;
  session.transcript.push(`C: [${content.size} bytes of content]`, 'C: .');
  await finishMessage(session, mailbox, content);
}

function readPath(args: string, shape: RegExp): { address: string; rest: string } | undefined {
  const parts = shape.exec(args);
  return parts ? { address: parts[1] ?? '', rest: parts[2] ?? '' } : undefined;
}

/** ESMTP parameters by upper-case name; undefined when one is malformed, repeated or not offered. */
function readParameters(text: string, offered: string[]): Map<string, string> | undefined {
  const found = new Map<string, string>();
  if (text !== '' && !text.startsWith(' ')) return undefined;
  for (const part of text.split(' ').filter(one => one !== '')) {
    const [, name = '', value = ''] = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\s=]+))?$/.exec(part) ?? [];
    const key = name.toUpperCase();
    if (!offered.includes(key) || found.has(key)) return undefined;
    found.set(key, value);
  }
  return found;
}

/** A mailbox as RFC 5321 section 4.1.2 has it, UTF-8 allowed (RFC 6531); quoted local parts too; no spaces outside quotes. */
function isAddress(address: string): boolean {
  const at = address.lastIndexOf('@');
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)];
  const isLocal =
    /^[^\s"(),:;<>@[\\\]\x00-\x20\x7f.]+(\.[^\s"(),:;<>@[\\\]\x00-\x20\x7f.]+)*$/.test(local) ||
    /^"[^"\r\n]*"$/.test(local);
  return at > 0 && isLocal && /^[\p{L}\p{N}]([\p{L}\p{N}.-]*[\p{L}\p{N}])?$/u.test(domain) && !domain.includes('..');
}

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);
