import type { FailureFacts, FailureStage } from '../../domain/diagnosis/diagnosis.ts';
import { parseReply } from '../../domain/diagnosis/reply.ts';
import { flatten } from '../../domain/diagnosis/unfold.ts';

/** What nodemailer puts on its errors; all of it optional, none of it trusted. */
export interface SmtpErrorLike {
  readonly message?: string | undefined;
  readonly code?: string | undefined;
  readonly originalCode?: string | undefined;
  readonly command?: string | undefined;
  readonly response?: string | undefined;
  readonly responseCode?: number | undefined;
}

const STAMPS = /^E(?:AUTH|ENVELOPE|MESSAGE)$/;

/**
 * Facts of a failed SMTP step. The stage is ours, since nodemailer names a lost connection `CONN` wherever it was
 * lost, and stamps EAUTH, EENVELOPE and EMESSAGE on 4xx and 5xx alike.
 */
export function smtpFacts(error: SmtpErrorLike, stage: FailureStage): FailureFacts {
  const reply = error.response ?? '';
  const { replyCode = error.responseCode, enhancedCode } = parseReply(reply);
  const named = error.originalCode ?? error.code;
  // What cannot be read as a reply is no refusal, although nodemailer calls it one.
  const errorCode = reply !== '' && STAMPS.test(named ?? '') ? 'EPROTOCOL' : named;
  return {
    stage,
    ...(replyCode === undefined ? {} : { replyCode }),
    ...(enhancedCode === undefined ? {} : { enhancedCode }),
    text: reply === '' ? (error.message ?? 'no reply') : flatten(reply).text,
    // With a reply in hand the server's own words decide, not nodemailer's name for the step.
    ...(errorCode === undefined || replyCode !== undefined ? {} : { errorCode }),
  };
}

/** Facts of one SMTP reply. */
export function replyFacts(reply: string, stage: FailureStage): FailureFacts {
  return smtpFacts({ response: reply }, stage);
}

/** Where setting up a session failed: DNS, TCP, greeting, EHLO or TLS. */
export function connectStage(error: SmtpErrorLike, sawServer: boolean): FailureStage {
  if (error.code === 'EDNS' || /^(ENOTFOUND|EAI_)/.test(error.originalCode ?? error.code ?? '')) return 'dns';
  if (error.code === 'ETLS' || error.command === 'STARTTLS') return 'tls';
  // An alert of the other side comes as an error of the socket, under OpenSSL's own name.
  if (/^(ERR_SSL_|ERR_TLS_|EPROTO$)/.test(error.originalCode ?? error.code ?? '')) return 'tls';
  if (error.command === 'EHLO' || error.command === 'HELO') return 'ehlo';
  if (error.response !== undefined) return 'greeting';
  if (/[Gg]reeting/.test(error.message ?? '')) return 'greeting';
  return sawServer ? 'greeting' : 'tcp';
}
