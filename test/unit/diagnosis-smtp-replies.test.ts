import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DiagnosisCode } from '../../shared/domain/diagnosis/catalogue.ts';
import { diagnose } from '../../shared/domain/diagnosis/diagnose.ts';
import type { DiagnosisClass, FailureStage, RetryKind } from '../../shared/domain/diagnosis/diagnosis.ts';
import { explain } from '../../shared/domain/diagnosis/explain.ts';
import { parseReply } from '../../shared/domain/diagnosis/reply.ts';

/** What Exchange puts behind its replies; it must never change the answer. */
const HOST = ' [AM0PR04CA0001.eurprd04.prod.outlook.com 2026-11-20T10:00:00.000Z 08DE27F3A1B2C3D4]';

type Row = readonly [stage: FailureStage, reply: string, code: DiagnosisCode, kind: DiagnosisClass, retry: RetryKind];

const UNSUCCESSFUL = '535 5.7.139 Authentication unsuccessful,';

/** Replies as the services give them, by stage. */
const ROWS: readonly Row[] = [
  ['auth', '535 5.7.3 Authentication unsuccessful', 'smtp_auth_unsuccessful', 'authentication', 'onceRefreshed'],
  [
    'auth',
    `${UNSUCCESSFUL} SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information.`,
    'smtp_auth_disabled_tenant',
    'configuration',
    'afterAuthFix',
  ],
  [
    'auth',
    `${UNSUCCESSFUL} SmtpClientAuthentication is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information.`,
    'smtp_auth_disabled_mailbox',
    'configuration',
    'afterAuthFix',
  ],
  [
    'auth',
    `${UNSUCCESSFUL} basic authentication is disabled.`,
    'smtp_basic_auth_disabled',
    'configuration',
    'afterAuthFix',
  ],
  [
    'auth',
    '550 5.7.30 Basic authentication is not supported for Client Submission.',
    'smtp_basic_auth_disabled',
    'configuration',
    'afterAuthFix',
  ],
  [
    'auth',
    `${UNSUCCESSFUL} user is locked by your organization's security defaults policy. Contact your administrator.`,
    'smtp_auth_security_defaults',
    'authentication',
    'afterAuthFix',
  ],
  [
    'auth',
    `${UNSUCCESSFUL} the user credentials were incorrect.`,
    'smtp_auth_wrong_password',
    'authentication',
    'afterAuthFix',
  ],
  [
    'auth',
    `${UNSUCCESSFUL} the request did not meet the criteria to be authenticated successfully. Contact your administrator.`,
    'smtp_auth_policy',
    'authentication',
    'afterAuthFix',
  ],
  [
    'auth',
    `${UNSUCCESSFUL} the organization configuration doesn't allow this authentication request.`,
    'smtp_auth_organisation',
    'authentication',
    'afterAuthFix',
  ],
  ['auth', `${UNSUCCESSFUL} federated STS service was unreachable.`, 'smtp_auth_sts_unreachable', 'transient', 'slow'],
  ['auth', `${UNSUCCESSFUL} STS URL does not support HTTPS.`, 'smtp_auth_sts_unreachable', 'transient', 'slow'],
  [
    'auth',
    '535 5.7.144 XOAUTH2 authentication failed. Invalid API permissions.',
    'smtp_auth_permissions_invalid',
    'authentication',
    'afterAuthFix',
  ],
  [
    'mail',
    '530 5.7.57 Client not authenticated to send mail.',
    'smtp_auth_required',
    'authentication',
    'onceRefreshed',
  ],
  [
    'mail',
    '550 5.7.57 Client not authenticated to send mail.',
    'smtp_auth_required',
    'authentication',
    'onceRefreshed',
  ],
  [
    'mail',
    '535 5.7.57 Client not authenticated to send mail.',
    'smtp_auth_required',
    'authentication',
    'onceRefreshed',
  ],
  [
    'mail',
    '530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM',
    'smtp_auth_required',
    'authentication',
    'onceRefreshed',
  ],
  ['auth', '504 5.7.4 Unrecognized authentication type', 'smtp_xoauth2_not_offered', 'configuration', 'slow'],
  [
    'mail',
    '550 5.7.60 SMTP; Client does not have permissions to send as this sender',
    'smtp_send_as_denied',
    'configuration',
    'never',
  ],
  [
    'data',
    '550 5.7.60 SMTP; Client does not have permissions to send as this sender',
    'smtp_send_as_denied',
    'configuration',
    'never',
  ],
  [
    'final',
    '554 5.2.252 SendAsDenied; a@contoso.com not allowed to send as b@contoso.com',
    'smtp_send_as_denied',
    'configuration',
    'never',
  ],
  [
    'final',
    '554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process message due to a permanent exception with message Cannot submit message.',
    'smtp_send_as_denied',
    'configuration',
    'never',
  ],
  [
    'mail',
    '550 5.2.251 Sender throttled due to continuous mailbox full errors.',
    'smtp_shut_off_mailbox_full',
    'blocked',
    'quotaWindow',
  ],
  [
    'final',
    '550 5.2.252 Sender throttled due to continuous send as denied errors.',
    'smtp_shut_off_send_as',
    'blocked',
    'quotaWindow',
  ],
  [
    'auth',
    '550 5.2.253 Sender throttled due to continuous invalid license errors.',
    'smtp_shut_off_licence',
    'blocked',
    'quotaWindow',
  ],
  [
    'rcpt',
    '550 5.2.254 Sender throttled due to continuous too many recipients errors.',
    'smtp_shut_off_too_many_recipients',
    'blocked',
    'quotaWindow',
  ],
  [
    'rcpt',
    '550 5.2.255 Sender throttled due to continuous invalid recipients errors.',
    'smtp_shut_off_invalid_recipients',
    'blocked',
    'quotaWindow',
  ],
  [
    'final',
    '432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information.',
    'smtp_connection_limit',
    'throttled',
    'soon',
  ],
  [
    'final',
    '432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded',
    'smtp_connection_limit',
    'throttled',
    'soon',
  ],
  [
    'final',
    '432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded',
    'smtp_recipient_throttled',
    'throttled',
    'slow',
  ],
  [
    'final',
    '554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException',
    'smtp_submission_quota',
    'quota',
    'quotaWindow',
  ],
  ['final', '550 5.2.2 Submission quota exceeded', 'smtp_submission_quota', 'quota', 'quotaWindow'],
  [
    'data',
    "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients",
    'smtp_recipient_quota',
    'quota',
    'quotaWindow',
  ],
  ['final', '550 5.7.232 trial tenant, limit for external recipients', 'smtp_tenant_quota', 'quota', 'quotaWindow'],
  ['final', '550 5.7.233 tenant, limit for external recipients', 'smtp_tenant_quota', 'quota', 'quotaWindow'],
  [
    'final',
    '554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded; Failed to process message',
    'smtp_mailbox_full',
    'quota',
    'afterAuthFix',
  ],
  ['final', '554 5.2.2 mailbox full; MapiExceptionQuotaExceeded', 'smtp_mailbox_full', 'quota', 'afterAuthFix'],
  ['final', '554 5.2.270', 'smtp_content_conversion_failed', 'content', 'never'],
  ['mail', '552 5.3.4 Message size exceeds fixed maximum message size', 'smtp_message_too_large', 'content', 'never'],
  ['final', '552 5.3.4 Message size exceeds fixed maximum message size', 'smtp_message_too_large', 'content', 'never'],
  [
    'final',
    '430 4.2.0 STOREDRV; mailbox logon failure; STOREDRV.Storage.Exception:ConnectionFailedTransientException.MapiExceptionLogonFailed; Failed to process message due to a transient exception with message Cannot open mailbox',
    'smtp_mailbox_logon_failed',
    'configuration',
    'fewTries',
  ],
  ['final', '550 5.1.8 Access denied, bad outbound sender', 'smtp_sender_blocked', 'blocked', 'afterAuthFix'],
  ['final', '550 5.7.501 Access denied, spam abuse detected', 'smtp_sender_blocked', 'blocked', 'afterAuthFix'],
  ['final', '550 5.7.502 Access denied, banned sender', 'smtp_sender_blocked', 'blocked', 'afterAuthFix'],
  ['final', '550 5.7.503 Access denied, banned sender', 'smtp_sender_blocked', 'blocked', 'afterAuthFix'],
  [
    'final',
    '550 5.7.606 Access denied, banned sending IP [20.61.10.12]',
    'smtp_ip_reputation',
    'blocked',
    'afterAuthFix',
  ],
  [
    'final',
    '550 5.7.649 Access denied, banned sending IP [20.61.10.12]',
    'smtp_ip_reputation',
    'blocked',
    'afterAuthFix',
  ],
  [
    'final',
    '550 5.7.705 Access denied, tenant has exceeded threshold',
    'smtp_tenant_blocked',
    'blocked',
    'afterAuthFix',
  ],
  [
    'final',
    '550 5.7.708 Access denied, traffic not accepted from this IP',
    'smtp_ip_reputation',
    'blocked',
    'afterAuthFix',
  ],
  [
    'final',
    '550 5.7.750 Service unavailable. Client blocked from sending from unregistered domains',
    'smtp_domain_unregistered',
    'blocked',
    'afterAuthFix',
  ],
  ['mail', '451 4.7.500 Access denied, please try again later', 'smtp_access_denied_later', 'throttled', 'slow'],
  ['final', '451 4.7.699 Access denied, please try again later', 'smtp_access_denied_later', 'throttled', 'slow'],
  ['mail', '451 4.7.850 Access denied, please try again later', 'smtp_access_denied_later', 'throttled', 'slow'],
  ['mail', '451 4.7.899 Access denied, please try again later', 'smtp_access_denied_later', 'throttled', 'slow'],
  ['mail', '421 4.4.1 Connection timed out', 'smtp_idle_closed', 'transient', 'soon'],
  ['mail', '421 4.4.2 Connection dropped', 'smtp_idle_closed', 'transient', 'soon'],
  [
    'final',
    '421 4.4.2 Message submission rate for this client has exceeded the configured limit',
    'smtp_rate_limited',
    'throttled',
    'slow',
  ],
  ['greeting', '421 4.3.2 Service not active', 'smtp_service_not_active', 'transient', 'soon'],
  ['mail', '421 Try again later, closing connection.', 'smtp_temporary_failure', 'transient', 'soon'],
  ['auth', '451 4.7.0 Temporary server error. Please try again later. PRX4', 'smtp_proxy_error', 'transient', 'soon'],
  ['mail', '451 4.7.0 Temporary server error. Please try again later. PRX5', 'smtp_proxy_error', 'transient', 'soon'],
  ['rcpt', '452 4.5.3 Too many recipients', 'smtp_too_many_recipients', 'transient', 'soon'],
  [
    'rcpt',
    "550 5.2.121 Recipient's per hour message receive limit from specific sender exceeded",
    'smtp_recipient_hourly_limit',
    'recipient',
    'never',
  ],
  [
    'rcpt',
    "550 5.2.122 Recipient's per hour message receive limit exceeded",
    'smtp_recipient_hourly_limit',
    'recipient',
    'never',
  ],
  [
    'rcpt',
    '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient nobody@contoso.com not found by SMTP address lookup',
    'smtp_recipient_unknown',
    'recipient',
    'never',
  ],
  ['rcpt', '550 5.1.1 Bad destination mailbox address', 'smtp_recipient_unknown', 'recipient', 'never'],
  ['rcpt', '550 5.4.1 Recipient address rejected: Access denied', 'smtp_recipient_unknown', 'recipient', 'never'],
  ['rcpt', '550 5.7.1 Delivery not authorized', 'smtp_recipient_not_authorized', 'recipient', 'never'],
  ['rcpt', '550 5.7.124 Sender not in allowed-senders list', 'smtp_recipient_restricted', 'recipient', 'never'],
  ['rcpt', '550 5.7.133 Sender not authenticated for group', 'smtp_recipient_restricted', 'recipient', 'never'],
  ['rcpt', '550 5.7.134 Sender was not authenticated for mailbox', 'smtp_recipient_restricted', 'recipient', 'never'],
  ['rcpt', '550 5.7.136 Sender was not authenticated', 'smtp_recipient_restricted', 'recipient', 'never'],
  ['rcpt', '552 5.2.2 mailbox full', 'smtp_recipient_mailbox_full', 'recipient', 'never'],
  ['final', '550 5.6.11 Invalid characters', 'smtp_bare_line_feed', 'content', 'never'],
  [
    'final',
    '550 5.1.20 Multiple From addresses are not allowed without Sender address',
    'smtp_several_from',
    'content',
    'never',
  ],
];

describe('Replies of Exchange Online', () => {
  for (const [stage, reply, code, kind, retry] of ROWS) {
    it(`${stage}: ${reply.slice(0, 90)} is ${code}`, () => {
      for (const text of [reply, reply + HOST]) {
        const { replyCode, enhancedCode } = parseReply(text);
        const facts = { stage, replyCode: replyCode ?? 0, ...(enhancedCode === undefined ? {} : { enhancedCode }) };
        const { entry } = diagnose({ ...facts, text });
        assert.deepEqual([entry.code, entry.class, entry.retry], [code, kind, retry]);
        // An adapter may hand over the words without the numbers, or leave the enhanced code in the text.
        assert.equal(diagnose({ ...facts, text: parseReply(text).text }).entry.code, code);
        assert.equal(diagnose({ stage, replyCode: replyCode ?? 0, text }).entry.code, code);
      }
    });
  }

  it('explains each without being told the stage', () => {
    for (const [, reply, code] of ROWS) {
      // These two need the stage: "mailbox full" is ours or the recipient's, and a bare 421 has no text of its own.
      if (reply === '552 5.2.2 mailbox full') continue;
      assert.equal(explain(reply + HOST)[0]?.code, code, reply);
    }
  });
});

describe('Where the number does not decide', () => {
  const codeOf = (stage: FailureStage, text: string): string =>
    diagnose({ stage, text, replyCode: Number(text.slice(0, 3)) }).entry.code;

  it('554 5.2.0 with an exception that nobody knows is a refused message', () => {
    assert.equal(
      codeOf('final', '554 5.2.0 STOREDRV.Submission.Exception:NewException; no idea'),
      'smtp_message_refused',
    );
  });

  it('554 5.2.252 is one refusal, 550 5.2.252 shuts the mailbox off and only time opens it', () => {
    const once = diagnose({ stage: 'final', replyCode: 554, enhancedCode: '5.2.252' });
    const shut = diagnose({ stage: 'final', replyCode: 550, enhancedCode: '5.2.252' });
    assert.deepEqual([once.entry.retry, once.entry.breaker], ['never', 'none']);
    assert.deepEqual([shut.entry.class, shut.entry.breaker], ['blocked', 'timeOnly']);
  });

  it('5.7.60 is not 5.7.606, and 5.7.650 is neither', () => {
    assert.equal(codeOf('final', '550 5.7.60 no text'), 'smtp_send_as_denied');
    assert.equal(codeOf('final', '550 5.7.606 no text'), 'smtp_ip_reputation');
    assert.equal(codeOf('final', '550 5.7.650 no text'), 'smtp_message_refused');
    assert.equal(codeOf('final', '550 5.7.6060 no text'), 'smtp_message_refused');
  });

  it('4.7.499, 4.7.700 and 4.7.900 lie outside the ranges', () => {
    for (const code of ['4.7.499', '4.7.700', '4.7.849', '4.7.900']) {
      assert.equal(codeOf('mail', `451 ${code} no text`), 'smtp_temporary_failure');
    }
  });

  it('5.7.57 gives way to the refusal inside it', () => {
    const text = `530 5.7.57 Client not authenticated to send mail. Error: ${UNSUCCESSFUL} SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information.${HOST}`;
    assert.equal(codeOf('mail', text), 'smtp_auth_disabled_tenant');
    assert.equal(
      diagnose({ stage: 'mail', replyCode: 550, enhancedCode: '5.7.57', text: parseReply(text).text }).entry.code,
      'smtp_auth_disabled_tenant',
    );
    assert.equal(explain(text)[0]?.code, 'smtp_auth_disabled_tenant');
    assert.equal(
      codeOf('mail', '535 5.7.57 Client not authenticated to send mail. Error: 535 5.7.3 Authentication unsuccessful'),
      'smtp_auth_unsuccessful',
    );
  });

  it('a full mailbox is the recipient’s at RCPT or when STOREDRV.Deliver says so, else our own', () => {
    assert.equal(codeOf('rcpt', '552 5.2.2 mailbox full'), 'smtp_recipient_mailbox_full');
    assert.equal(
      codeOf(
        'final',
        '554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded',
      ),
      'smtp_recipient_mailbox_full',
    );
    assert.equal(codeOf('final', '554 5.2.2 mailbox full'), 'smtp_mailbox_full');
  });

  it('the reply outranks what nodemailer stamps on it', () => {
    const facts = { replyCode: 421, text: '421 4.3.2 Service not active' } as const;
    assert.equal(diagnose({ ...facts, stage: 'auth', errorCode: 'EAUTH' }).entry.code, 'smtp_service_not_active');
    assert.equal(diagnose({ ...facts, stage: 'rcpt', errorCode: 'EENVELOPE' }).entry.code, 'smtp_service_not_active');
    assert.equal(
      diagnose({ ...facts, stage: 'final', errorCode: 'ECONNECTION' }).entry.code,
      'smtp_service_not_active',
    );
  });
});

describe('What nobody has seen yet', () => {
  const cases: readonly (readonly [FailureStage, number, DiagnosisCode])[] = [
    ['greeting', 450, 'smtp_temporary_failure'],
    ['greeting', 554, 'smtp_service_refused'],
    ['ehlo', 502, 'smtp_service_refused'],
    ['tls', 502, 'tls_starttls_refused'],
    ['tls', 454, 'tls_starttls_refused'],
    ['auth', 454, 'smtp_temporary_failure'],
    ['auth', 538, 'smtp_auth_refused'],
    ['mail', 450, 'smtp_temporary_failure'],
    ['mail', 555, 'smtp_message_refused'],
    ['rcpt', 450, 'smtp_temporary_failure'],
    ['rcpt', 550, 'smtp_recipient_refused'],
    ['rcpt', 559, 'smtp_recipient_refused'],
    ['data', 451, 'smtp_temporary_failure'],
    ['data', 554, 'smtp_message_refused'],
    ['content', 554, 'smtp_message_refused'],
    ['final', 451, 'smtp_temporary_failure'],
    ['final', 554, 'smtp_message_refused'],
    ['mail', 354, 'smtp_unexpected_reply'],
    ['final', 354, 'unknown_outcome'],
    ['final', 250, 'unknown_outcome'],
  ];
  for (const [stage, replyCode, code] of cases) {
    it(`${replyCode} at ${stage} is ${code}`, () => {
      assert.equal(diagnose({ stage, replyCode, text: `${replyCode} what is this` }).entry.code, code);
    });
  }

  it('a 5xx before MAIL is trouble of the service and tried again', () => {
    for (const stage of ['greeting', 'ehlo', 'tls'] as const) {
      const { entry } = diagnose({ stage, replyCode: 554, enhancedCode: '5.9.9', text: '554 5.9.9 No' });
      assert.equal(entry.class, 'transient');
      assert.notEqual(entry.retry, 'never');
    }
  });
});
