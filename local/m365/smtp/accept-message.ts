import { randomUUID } from 'node:crypto';
import { countBy } from '../counters.ts';
import type { Fault } from '../faults.ts';
import type { Mailbox } from '../world.ts';
import { headerFrom } from './header-from.ts';
import { limitsOf } from './mailbox-use.ts';
import { actOut, takeFault } from './meet-fault.ts';
import type { Content } from './read-content.ts';
import { backendHost, pause, reply, replyAndClose, type Session } from './session.ts';

/** What happens after the final dot: faults, judgement, storing, reply. `mailbox` is the authenticated one. */
export async function finishMessage(session: Session, mailbox: Mailbox, content: Content): Promise<void> {
  const fault = takeFault(session, 'smtp.dot');
  if (isStoredFirst(fault)) {
    const answer = await decide(session, mailbox, content);
    if (await actOut(session, fault)) return;
    return answerWith(session, answer);
  }
  if (await actOut(session, fault)) return;
  await answerWith(session, await decide(session, mailbox, content));
}

const isStoredFirst = (fault: Fault | undefined): boolean =>
  fault !== undefined && 'stored' in fault && fault.stored === true;

const answerWith = (session: Session, answer: string): Promise<void> =>
  answer.startsWith('421') ? replyAndClose(session, answer) : reply(session, answer);

/** Judges the message, keeps it when it passes, and returns the reply. Waits first when the rate limit delays. */
async function decide(session: Session, mailbox: Mailbox, content: Content): Promise<string> {
  const { cloud, use } = session.server;
  const refusal = refuseContent(session, mailbox, content) ?? refuseLimits(session, mailbox);
  if (refusal !== undefined) {
    countBy(cloud.counters.refusals, /^\d+ (\d\.\d+\.\d+)/.exec(refusal)?.[1] ?? refusal.slice(0, 3));
    return refusal;
  }
  const limits = limitsOf(cloud.world, mailbox);
  const waitMs = limits.rateAction === 'delay' ? use.rateWaitMs(mailbox, limits, Date.now()) : 0;
  use.accepted(mailbox, session.recipients.length, Date.now() + waitMs);
  const { from = '', recipients } = session;
  if (waitMs > 0) {
    cloud.counters.throttled++;
    await pause(session, waitMs);
  }
  return store(session, mailbox, content, { from, to: recipients });
}

/** A client that is gone by now does not stop the mail: the server has it, dot and all. */
function store(session: Session, mailbox: Mailbox, content: Content, envelope: { from: string; to: string[] }): string {
  const { cloud, store: mails } = session.server;
  const host = backendHost(session);
  const serverMessageId = `<${randomUUID().replaceAll('-', '').toUpperCase()}@${host}>`;
  cloud.counters.mails++;
  cloud.counters.recipients += envelope.to.length;
  if (content.hasBareLineEnds) cloud.counters.bareLineEnds++;
  mails.add({
    receivedAt: new Date(),
    mailbox: mailbox.address,
    appId: session.appId ?? '',
    envelope,
    raw: content.bytes,
    serverMessageId,
    tls: session.tls ?? { version: '', cipher: '' },
    connectionId: session.id,
    hasBareLineEnds: content.hasBareLineEnds,
    transcript: session.transcript,
  });
  return `250 2.0.0 OK ${serverMessageId} [Hostname=${host}]`;
}

function refuseContent(session: Session, mailbox: Mailbox, content: Content): string | undefined {
  const { exchange } = session.server.cloud.world;
  if (content.size > limitsOf(session.server.cloud.world, mailbox).messageBytes) {
    return '552 5.3.4 Message size exceeds fixed maximum message size';
  }
  if (exchange.refuseBareLineEnds && content.hasBareLineEnds) {
    session.server.cloud.counters.bareLineEnds++;
    return `550 5.6.11 SMTPSEND.BareLinefeedsAreIllegal; message contains bare linefeeds, which cannot be sent via DATA [Hostname=${backendHost(session)}]`;
  }
  const senders = headerFrom(content.bytes);
  if (senders.length > 1)
    return `550 5.1.20 Multiple From addresses are not allowed [Hostname=${backendHost(session)}]`;
  for (const sender of [...senders, session.from ?? '']) {
    if (sender !== '' && !maySendAs(mailbox, sender)) return sendAsDenied(session, mailbox, sender);
  }
  return undefined;
}

/** The mailbox itself, an address it has SendAs for, or any of a domain given as `*@domain`. */
function maySendAs(mailbox: Mailbox, sender: string): boolean {
  const address = sender.toLowerCase();
  return [mailbox.address, ...mailbox.sendAs].some(one => {
    const allowed = one.toLowerCase();
    return allowed === address || (allowed.startsWith('*@') && address.endsWith(allowed.slice(1)));
  });
}

const permanent = (session: Session, start: string, exception: string): string =>
  `${start}; STOREDRV.Submission.Exception:${exception}; Failed to process message due to a permanent exception with message [BeginDiagnosticData]Cannot submit message. 0.35250:0A003282, 1.36674:0A000000[EndDiagnosticData] [Hostname=${backendHost(session)}]`;

const sendAsDenied = (session: Session, mailbox: Mailbox, sender: string): string =>
  permanent(
    session,
    `554 5.2.252 SendAsDenied; ${mailbox.address} not allowed to send as ${sender}`,
    'SendAsDeniedException.MapiExceptionSendAsDenied',
  );

function refuseLimits(session: Session, mailbox: Mailbox): string | undefined {
  const { cloud, use } = session.server;
  const limits = limitsOf(cloud.world, mailbox);
  const host = `[Hostname=${backendHost(session)}]`;
  if (mailbox.blocked) return mailbox.blocked;
  if (mailbox.full) {
    return permanent(session, '554 5.2.2 mailbox full', 'QuotaExceededException.MapiExceptionShutoffQuotaExceeded');
  }
  const throttle = (text: string): string => {
    cloud.counters.throttled++;
    return text;
  };
  if (limits.connectionsJudgedAt === 'dot' && use.exceedsConnections(session, mailbox, limits)) {
    return throttle(
      `432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information. ${host}`,
    );
  }
  if (use.exceedsRecipients(mailbox, limits, session.recipients.length, Date.now())) {
    return throttle(
      `554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message due to a permanent exception with message The message can't be submitted because the sender's submission quota was exceeded. ${host}`,
    );
  }
  const isCoded = limits.rateAction === '421' || limits.rateAction === '432';
  if (isCoded && use.rateWaitMs(mailbox, limits, Date.now()) > 0) {
    const status = limits.rateAction === '421' ? '421 4.4.2' : '432 4.3.2';
    return throttle(`${status} Message submission rate for this client has exceeded the configured limit ${host}`);
  }
  return undefined;
}

/** Lasting blocks of a mailbox, for `Mailbox.blocked`. Source: learn.microsoft.com, continuous-error-throttling-smtp-auth-submissions. */
export const MAILBOX_BLOCKS = {
  mailboxFull: '550 5.2.251 Sender throttled due to continuous mailbox full errors.',
  sendAsDenied: '550 5.2.252 Sender throttled due to continuous send as denied errors.',
  invalidLicense: '550 5.2.253 Sender throttled due to continuous invalid license errors.',
  tooManyRecipients: '550 5.2.254 Sender throttled due to continuous too many recipients errors.',
  invalidRecipients: '550 5.2.255 Sender throttled due to continuous invalid recipients errors.',
  outboundSpam: '550 5.1.8 Access denied, bad outbound sender',
} as const;
