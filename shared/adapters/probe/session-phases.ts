import { ServiceFailure } from '../../domain/failure.ts';
import { capabilityChanges, offers } from '../../domain/probe-capabilities.ts';
import { type PhaseOutcome, runPhase } from '../../domain/probe-phase.ts';
import { replyText } from '../../domain/probe-smtp-reply.ts';
import { sayHello } from './connect-phases.ts';
import { PROBE_TIMEOUTS_MS, refusal, type SmtpWire } from './smtp-wire.ts';

/**
 * Phase `ehlo2`: what is offered under TLS, and what has changed since `before`. Fails where XOAUTH2 is not among it: the
 * token must not go out then.
 */
export function ehlo2Phase(
  wire: SmtpWire,
  before: readonly string[] | undefined,
): Promise<PhaseOutcome<readonly string[]>> {
  return runPhase('ehlo', async () => {
    const capabilities = await sayHello(wire);
    if (!offers(capabilities, 'AUTH', 'XOAUTH2')) {
      const text = `XOAUTH2 is not offered; what is: ${capabilities.join(', ') || 'nothing'}`;
      throw new ServiceFailure(`SMTP: ${text}`, { stage: 'auth', errorCode: 'smtp_xoauth2_not_offered', text });
    }
    const changes = before ? capabilityChanges(before, capabilities) : '';
    return { value: capabilities, detail: `offers ${capabilities.join(', ')}${changes && `; ${changes}`}` };
  });
}

/**
 * Phase `auth`: XOAUTH2 with initial response; a `334` is answered with an empty line, upon which the refusal comes.
 * Source: Microsoft, "Authenticate an IMAP, POP or SMTP connection using OAuth", SASL XOAUTH2. The line goes into no transcript.
 */
export function authPhase(wire: SmtpWire, mailbox: string, token: string): Promise<PhaseOutcome<string>> {
  return runPhase('auth', async () => {
    const response = Buffer.from(`user=${mailbox}\u0001auth=Bearer ${token}\u0001\u0001`, 'utf8').toString('base64');
    const shown = 'AUTH XOAUTH2 [hidden]';
    let reply = await wire.command(`AUTH XOAUTH2 ${response}`, 'auth', PROBE_TIMEOUTS_MS.auth, shown);
    if (reply.code === 334) reply = await wire.command('', 'auth', PROBE_TIMEOUTS_MS.auth, '(an empty line)');
    if (reply.code !== 235) throw refusal('auth', reply);
    const text = replyText(reply);
    return { value: text, detail: text };
  });
}

/** Phase `envelope`: MAIL and RCPT, both the mailbox itself, then RSET: permission is asked for and nothing is sent. */
export function envelopePhase(
  wire: SmtpWire,
  mailbox: string,
  capabilities: readonly string[],
): Promise<PhaseOutcome<string>> {
  return runPhase('mail', async () => {
    const utf8 = /[^\x00-\x7f]/.test(mailbox) && offers(capabilities, 'SMTPUTF8') ? ' SMTPUTF8' : '';
    const mail = await wire.command(`MAIL FROM:<${mailbox}>${utf8}`, 'mail', PROBE_TIMEOUTS_MS.command);
    if (mail.code !== 250) throw refusal('mail', mail);
    const rcpt = await wire.command(`RCPT TO:<${mailbox}>`, 'rcpt', PROBE_TIMEOUTS_MS.command);
    if (rcpt.code !== 250 && rcpt.code !== 251) throw refusal('rcpt', rcpt);
    const reset = await wire.command('RSET', 'mail', PROBE_TIMEOUTS_MS.command);
    if (reset.code !== 250) throw refusal('mail', reset);
    return { value: replyText(rcpt), detail: 'MAIL and RCPT accepted, taken back with RSET' };
  });
}

/** Ends the session with manners, and in any event: whatever the server says to QUIT is of no interest. */
export async function endSession(wire: SmtpWire): Promise<void> {
  await wire.command('QUIT', 'ehlo', 2_000).catch(() => undefined);
  wire.close();
}
