import type { DiagnosisCode } from './catalogue.ts';
import type { FailureStage } from './diagnosis.ts';
import type { MatchView } from './match.ts';
import { isBeforeMail } from './stage.ts';

/**
 * The entry for a failure that no matcher knows, from the stage and the class of the reply. Total.
 *
 * A 4xx is temporary. A 5xx at RCPT is about the recipient, at MAIL, DATA and after it about the message, and before
 * MAIL about the service: no message had been named yet (RFC 5321 section 4.2.1). Without a reply the connection is
 * the cause, except after the last byte, where the outcome is open.
 */
export function fallbackCode(view: MatchView, stage: FailureStage): DiagnosisCode {
  return smtpFallback(view, stage) ?? otherFallback(view, stage);
}

function smtpFallback(view: MatchView, stage: FailureStage): DiagnosisCode | undefined {
  const replyClass = view.replyCode === undefined ? 0 : Math.floor(view.replyCode / 100);
  const isTemporary = replyClass === 4;
  const isRefusal = replyClass === 5;
  const isOdd = replyClass !== 0 && !isTemporary && !isRefusal;
  switch (stage) {
    case 'greeting':
    case 'ehlo':
      if (isTemporary) return 'smtp_temporary_failure';
      if (isRefusal) return 'smtp_service_refused';
      return isOdd ? 'smtp_unexpected_reply' : 'smtp_connection_lost';
    case 'tls':
      return isTemporary || isRefusal ? 'tls_starttls_refused' : 'tls_failed';
    case 'auth':
      if (isTemporary) return 'smtp_temporary_failure';
      if (isRefusal) return 'smtp_auth_refused';
      return isOdd ? 'smtp_unexpected_reply' : 'smtp_connection_lost';
    case 'rcpt':
      if (isTemporary) return 'smtp_temporary_failure';
      if (isRefusal) return 'smtp_recipient_refused';
      return isOdd ? 'smtp_unexpected_reply' : 'smtp_connection_lost';
    case 'mail':
    case 'data':
    case 'content':
      if (isTemporary) return 'smtp_temporary_failure';
      if (isRefusal) return 'smtp_message_refused';
      return isOdd ? 'smtp_unexpected_reply' : 'smtp_connection_lost';
    case 'final':
      if (isTemporary) return 'smtp_temporary_failure';
      return isRefusal ? 'smtp_message_refused' : 'unknown_outcome';
    default:
      return undefined;
  }
}

function otherFallback(view: MatchView, stage: FailureStage): DiagnosisCode {
  if (view.replyCode !== undefined && view.replyCode >= 400 && view.replyCode < 500) return 'smtp_temporary_failure';
  if (isBeforeMail(stage) && view.replyCode !== undefined && view.replyCode >= 500) return 'smtp_service_refused';
  const status = view.httpStatus ?? 0;
  const isClientFault = status >= 400 && status < 500 && status !== 408 && status !== 429;
  switch (stage) {
    case 'settings':
      return 'settings_invalid';
    case 'identity':
      return isClientFault ? 'identity_refused' : 'identity_unavailable';
    case 'vault':
      if (status === 429) return 'vault_throttled';
      if (isClientFault) return 'vault_refused';
      return status >= 500 ? 'vault_unavailable' : 'vault_unreachable';
    case 'token':
      if (status === 429) return 'entra_throttled';
      if (isClientFault || [...view.errorCodes].some(code => code.startsWith('AADSTS'))) return 'entra_refused';
      return status >= 500 ? 'entra_unavailable' : 'entra_unreachable';
    case 'dns':
      return 'dns_unavailable';
    case 'tcp':
      return 'tcp_timeout';
    case 'storage':
      return status === 429 ? 'storage_throttled' : 'storage_unavailable';
    case 'request':
      return 'request_invalid';
    default:
      return 'internal_error';
  }
}
