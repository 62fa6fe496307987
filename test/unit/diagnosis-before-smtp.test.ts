import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DiagnosisCode } from '../../shared/domain/diagnosis/catalogue.ts';
import { diagnose } from '../../shared/domain/diagnosis/diagnose.ts';
import type { FailureFacts } from '../../shared/domain/diagnosis/diagnosis.ts';
import { explain } from '../../shared/domain/diagnosis/explain.ts';

const IDS =
  'Trace ID: 0f1e2d3c-1111-2222-3333-444455556666 Correlation ID: 4b5a6978-1111-2222-3333-444455556666 Timestamp: 2026-11-20 10:00:00Z';

/** AADSTS number, OAuth error, text, code. */
const ENTRA: readonly (readonly [string, string, string, DiagnosisCode])[] = [
  [
    '700016',
    'unauthorized_client',
    "Application with identifier 'x' was not found in the directory 'Contoso'.",
    'entra_app_not_found',
  ],
  [
    '7000229',
    'invalid_client',
    'The client application x is missing service principal in the tenant y.',
    'entra_service_principal_missing',
  ],
  [
    '90002',
    'invalid_request',
    "Tenant 'x' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
    'entra_tenant_not_found',
  ],
  ['7000112', 'unauthorized_client', "Application 'x' is disabled.", 'entra_app_disabled'],
  ['7000215', 'invalid_client', 'Invalid client secret provided.', 'entra_secret_invalid'],
  ['7000222', 'invalid_client', "The provided client secret keys for app 'x' are expired.", 'entra_secret_expired'],
  [
    '700027',
    'invalid_client',
    'The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found.]',
    'entra_certificate_not_registered',
  ],
  [
    '700027',
    'invalid_client',
    'Client assertion contains an invalid signature. [Reason - The key was not found.]',
    'entra_certificate_not_registered',
  ],
  [
    '700027',
    'invalid_client',
    'Client assertion contains an invalid signature. [Reason - The key used is expired., Thumbprint of key used by client]',
    'entra_certificate_expired',
  ],
  [
    '700027',
    'invalid_client',
    'The certificate used to sign the client assertion is expired.',
    'entra_certificate_expired',
  ],
  ['700027', 'invalid_client', 'Client assertion failed signature validation.', 'entra_assertion_signature'],
  [
    '50012',
    'invalid_client',
    'AuthenticationFailed - the subject name of the signing certificate is not authorized.',
    'entra_certificate_rejected',
  ],
  [
    '50012',
    'invalid_client',
    'Client assertion contains an invalid signature. [Reason - The key used is expired.]',
    'entra_certificate_expired',
  ],
  ['50012', 'invalid_client', 'Invalid client secret is provided.', 'entra_secret_invalid'],
  [
    '700030',
    'invalid_client',
    'Invalid certificate - subject name in certificate is not authorized.',
    'entra_certificate_rejected',
  ],
  ['700024', 'invalid_client', 'Client assertion is not within its valid time range.', 'entra_clock_skew'],
  [
    '700023',
    'invalid_scope',
    'The provided value for the input parameter scope is not valid when request an access token.',
    'entra_scope_invalid',
  ],
  [
    '700023',
    'invalid_client',
    'Client assertion audience claim does not match Realm issuer.',
    'entra_authority_invalid',
  ],
  ['70011', 'invalid_scope', "The provided request must include a 'scope' input parameter.", 'entra_scope_invalid'],
  [
    '28002',
    'invalid_scope',
    'Provided value for the input parameter scope is not valid when requesting an access token.',
    'entra_scope_invalid',
  ],
  [
    '500011',
    'invalid_resource',
    'The resource principal named x was not found in the tenant named y.',
    'entra_resource_not_found',
  ],
  [
    '650057',
    'invalid_resource',
    'Invalid resource. The client has requested access to a resource which is not listed.',
    'entra_resource_not_registered',
  ],
  [
    '65001',
    'invalid_grant',
    'The user or administrator has not consented to use the application.',
    'entra_consent_missing',
  ],
  ['650056', 'invalid_client', 'Misconfigured application.', 'entra_consent_missing'],
  ['90094', 'invalid_grant', 'AdminConsentRequired', 'entra_consent_missing'],
  ['53003', 'access_denied', 'Access has been blocked by Conditional Access policies.', 'entra_conditional_access'],
  ['530035', 'access_denied', 'Access has been blocked by security defaults.', 'entra_security_defaults'],
  ['530032', 'access_denied', 'Blocked by a security policy of the tenant.', 'entra_tenant_policy'],
  ['90055', 'temporarily_unavailable', 'Tenant throttling error.', 'entra_throttled'],
  ['90006', 'temporarily_unavailable', 'ExternalServerRetryableError', 'entra_unavailable'],
  ['90024', 'temporarily_unavailable', 'RequestBudgetExceededError', 'entra_unavailable'],
  ['90033', 'temporarily_unavailable', 'A transient error has occurred.', 'entra_unavailable'],
  ['90012', 'invalid_request', 'RequestTimeout', 'entra_unavailable'],
  ['50034', 'invalid_grant', 'The user account does not exist in the directory.', 'entra_user_flow'],
  [
    '700213',
    'invalid_request',
    'No matching federated identity record found for presented assertion subject.',
    'entra_federation_mismatch',
  ],
  ['7009999', 'invalid_client', 'A number that is not known.', 'entra_refused'],
];

describe('Answers of Entra ID', () => {
  for (const [number, error, words, code] of ENTRA) {
    it(`AADSTS${number}: ${words.slice(0, 60)} is ${code}`, () => {
      const text = `AADSTS${number}: ${words} ${IDS}`;
      const body = JSON.stringify({ error, error_description: text, error_codes: [Number(number)] });
      const forms: readonly Partial<FailureFacts>[] = [
        { errorCode: error, text, httpStatus: 400 },
        { errorCode: `AADSTS${number}`, text: words },
        { errorCode: number, text },
        { text: body, httpStatus: 401 },
      ];
      for (const form of forms) assert.equal(diagnose({ stage: 'token', ...form }).entry.code, code);
      assert.equal(explain(body)[0]?.code, code);
      assert.equal(explain(`ServerError: ${error}: ${number} - [2026-11-20] ${text}`)[0]?.code, code);
    });
  }

  it('only passing faults are tried again by themselves', () => {
    for (const number of ['90006', '90024', '90033', '90012', '90055', '700024']) {
      const { entry } = diagnose({ stage: 'token', errorCode: `AADSTS${number}` });
      assert.ok(entry.retry === 'soon' || entry.retry === 'slow', number);
      assert.equal(entry.breaker, 'none', number);
    }
  });

  it('knows the library’s own errors', () => {
    const cases: readonly (readonly [Partial<FailureFacts>, DiagnosisCode])[] = [
      [{ errorCode: 'token_parsing_error' }, 'entra_answer_unreadable'],
      [{ httpStatus: 502, text: '<!DOCTYPE html><html>Bad Gateway' }, 'entra_answer_unreadable'],
      [{ errorCode: 'network_error' }, 'entra_unreachable'],
      [
        { errorCode: 'network_error', text: 'Network request failed: connect ETIMEDOUT 20.190.1.1:443' },
        'entra_unreachable',
      ],
      [{ errorCode: 'endpoints_resolution_error' }, 'entra_authority_invalid'],
      [{ errorCode: 'missing_tenant_id_error' }, 'entra_authority_invalid'],
      [{ errorCode: 'temporarily_unavailable' }, 'entra_unavailable'],
      [{ errorCode: 'msal_throttled' }, 'entra_throttle_memory'],
      [{ errorCode: '90033 90006' }, 'entra_unavailable'],
      [{ httpStatus: 429 }, 'entra_throttled'],
      [{ httpStatus: 500 }, 'entra_unavailable'],
      [{ httpStatus: 507 }, 'entra_unavailable'],
      [{ httpStatus: 418 }, 'entra_refused'],
      // The throttle memory of MSAL: an error without code, text or status must not count as a refusal.
      [{ errorCode: '', text: '' }, 'entra_unreachable'],
    ];
    for (const [facts, code] of cases)
      assert.equal(diagnose({ stage: 'token', ...facts }).entry.code, code, JSON.stringify(facts));
  });
});

const OTHERS: readonly (readonly [FailureFacts, DiagnosisCode])[] = [
  [{ stage: 'settings' }, 'settings_invalid'],
  [{ stage: 'identity', errorCode: 'identity_endpoint_missing' }, 'identity_missing'],
  [{ stage: 'identity', text: 'Attempted to use the IMDS endpoint, but it is not available.' }, 'identity_missing'],
  [
    {
      stage: 'identity',
      httpStatus: 400,
      text: '{"statusCode":400,"message":"No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."}',
    },
    'identity_client_id_unknown',
  ],
  [{ stage: 'identity', httpStatus: 400, text: 'Bad Request' }, 'identity_refused'],
  [{ stage: 'identity', httpStatus: 500 }, 'identity_unavailable'],
  [{ stage: 'identity', errorCode: 'TimeoutError' }, 'identity_timeout'],
  [
    {
      stage: 'identity',
      text: "Please run 'az login' from a command prompt to authenticate before using this credential.",
    },
    'identity_cli_not_signed_in',
  ],
  [{ stage: 'identity', text: 'Azure CLI could not be found.' }, 'identity_cli_missing'],
  [{ stage: 'identity' }, 'identity_unavailable'],
  [
    { stage: 'vault', httpStatus: 403, text: 'Caller is not authorized to perform action on resource.' },
    'vault_forbidden',
  ],
  [{ stage: 'vault', httpStatus: 403 }, 'vault_forbidden'],
  [
    { stage: 'vault', httpStatus: 403, text: 'Client address is not authorized and caller is not a trusted service.' },
    'vault_network_blocked',
  ],
  [
    {
      stage: 'vault',
      httpStatus: 403,
      errorCode: 'Forbidden',
      text: 'Operation get is not allowed on a disabled secret.',
    },
    'vault_version_disabled',
  ],
  [{ stage: 'vault', httpStatus: 401, text: 'AKV10032: Invalid issuer.' }, 'vault_unauthorized'],
  [{ stage: 'vault', httpStatus: 404, errorCode: 'CertificateNotFound' }, 'vault_item_not_found'],
  [
    {
      stage: 'vault',
      httpStatus: 404,
      errorCode: 'SecretNotFound',
      text: 'A secret with (name/id) mail-certificate was not found in this key vault.',
    },
    'vault_item_not_found',
  ],
  [{ stage: 'vault', errorCode: 'ENOTFOUND' }, 'vault_not_found'],
  [{ stage: 'vault', httpStatus: 429 }, 'vault_throttled'],
  [{ stage: 'vault', httpStatus: 503 }, 'vault_unavailable'],
  [{ stage: 'vault', httpStatus: 599 }, 'vault_unavailable'],
  [{ stage: 'vault', httpStatus: 409 }, 'vault_refused'],
  [{ stage: 'vault', httpStatus: 431 }, 'vault_refused'],
  [{ stage: 'vault', errorCode: 'ETIMEDOUT' }, 'vault_unreachable'],
  [{ stage: 'vault', errorCode: 'REQUEST_SEND_ERROR', text: 'connect ECONNREFUSED 10.0.0.4:443' }, 'vault_unreachable'],
  [{ stage: 'vault', errorCode: 'certificate_expired' }, 'vault_certificate_expired'],
  [{ stage: 'vault', errorCode: 'certificate_no_private_key' }, 'vault_no_private_key'],
  [{ stage: 'vault', errorCode: 'certificate_key_unsuitable' }, 'vault_key_unsuitable'],
  [{ stage: 'vault', errorCode: 'certificate_unreadable' }, 'vault_content_unreadable'],
  [{ stage: 'vault', errorCode: 'SELF_SIGNED_CERT_IN_CHAIN' }, 'tls_certificate_untrusted'],
  [{ stage: 'dns', errorCode: 'ENOTFOUND' }, 'dns_not_found'],
  [{ stage: 'dns', errorCode: 'EDNS', text: 'getaddrinfo ENOTFOUND smtp.office365.com' }, 'dns_not_found'],
  [{ stage: 'dns', errorCode: 'EAI_AGAIN' }, 'dns_unavailable'],
  [{ stage: 'dns' }, 'dns_unavailable'],
  [{ stage: 'tcp', errorCode: 'ECONNREFUSED' }, 'tcp_refused'],
  [{ stage: 'tcp', errorCode: 'ESOCKET', text: 'connect ECONNREFUSED 127.0.0.1:587' }, 'tcp_refused'],
  [{ stage: 'tcp', errorCode: 'ETIMEDOUT' }, 'tcp_timeout'],
  [{ stage: 'tcp', errorCode: 'EHOSTUNREACH' }, 'tcp_unreachable'],
  [{ stage: 'tcp', errorCode: 'ENETUNREACH' }, 'tcp_unreachable'],
  [{ stage: 'tcp', errorCode: 'EADDRNOTAVAIL' }, 'tcp_ports_exhausted'],
  [{ stage: 'tcp', errorCode: 'ECONNRESET' }, 'smtp_connection_lost'],
  [{ stage: 'greeting', errorCode: 'ETIMEDOUT' }, 'smtp_greeting_timeout'],
  [{ stage: 'greeting', errorCode: 'ECONNECTION' }, 'smtp_connection_lost'],
  [{ stage: 'ehlo', errorCode: 'EPROTOCOL' }, 'smtp_protocol_error'],
  [{ stage: 'mail', errorCode: 'EPIPE' }, 'smtp_connection_lost'],
  [{ stage: 'rcpt', errorCode: 'ETIMEDOUT' }, 'smtp_timeout'],
  [{ stage: 'content', errorCode: 'ECONNRESET' }, 'smtp_connection_lost'],
  [{ stage: 'content', errorCode: 'ESOCKET' }, 'smtp_connection_lost'],
  [{ stage: 'tls', errorCode: 'CERT_HAS_EXPIRED' }, 'tls_certificate_expired'],
  [{ stage: 'tls', errorCode: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'tls_certificate_untrusted'],
  [{ stage: 'tls', errorCode: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, 'tls_certificate_untrusted'],
  [{ stage: 'tls', errorCode: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'tls_name_mismatch'],
  [
    { stage: 'tls', errorCode: 'EPROTO', text: 'SSL routines:ssl3_get_record:wrong version number' },
    'tls_protocol_mismatch',
  ],
  [{ stage: 'tls', errorCode: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' }, 'tls_protocol_mismatch'],
  [
    { stage: 'tls', errorCode: 'ETLS', text: 'Error initiating TLS - certificate has expired' },
    'tls_certificate_expired',
  ],
  [{ stage: 'tls', errorCode: 'ETLS' }, 'tls_failed'],
  [{ stage: 'tls', errorCode: 'ECONNRESET' }, 'smtp_connection_lost'],
  [{ stage: 'ehlo', errorCode: 'starttls_not_offered' }, 'tls_starttls_not_offered'],
  [{ stage: 'ehlo', errorCode: 'xoauth2_not_offered' }, 'smtp_xoauth2_not_offered'],
  [{ stage: 'storage', httpStatus: 403, errorCode: 'AuthorizationPermissionMismatch' }, 'storage_forbidden'],
  [{ stage: 'storage', httpStatus: 403 }, 'storage_forbidden'],
  [{ stage: 'storage', httpStatus: 403, errorCode: 'AuthorizationFailure' }, 'storage_network_blocked'],
  [{ stage: 'storage', httpStatus: 403, errorCode: 'AuthenticationFailed' }, 'storage_unauthenticated'],
  [{ stage: 'storage', httpStatus: 404, errorCode: 'QueueNotFound' }, 'storage_not_found'],
  [{ stage: 'storage', httpStatus: 503, errorCode: 'ServerBusy' }, 'storage_throttled'],
  [{ stage: 'storage', httpStatus: 429 }, 'storage_throttled'],
  [{ stage: 'storage', httpStatus: 500 }, 'storage_unavailable'],
  [{ stage: 'storage', errorCode: 'ECONNREFUSED' }, 'storage_unavailable'],
  [{ stage: 'storage' }, 'storage_unavailable'],
  [{ stage: 'request' }, 'request_invalid'],
  [{ stage: 'request', errorCode: 'sender_not_allowed' }, 'sender_not_allowed'],
  [{ stage: 'delivery', errorCode: 'message_expired' }, 'message_expired'],
  [{ stage: 'delivery', errorCode: 'deadline_exceeded' }, 'deadline_exceeded'],
  [{ stage: 'delivery', errorCode: 'claim_lapsed' }, 'claim_lapsed'],
  [{ stage: 'delivery' }, 'internal_error'],
];

describe('Failures before and beside SMTP', () => {
  for (const [facts, code] of OTHERS) {
    it(`${JSON.stringify(facts).slice(0, 110)} is ${code}`, () => assert.equal(diagnose(facts).entry.code, code));
  }
});

describe('After the last byte', () => {
  it('no error code makes a lost connection a verdict', () => {
    for (const errorCode of [
      'ECONNRESET',
      'ECONNECTION',
      'ETIMEDOUT',
      'EPROTOCOL',
      'CERT_HAS_EXPIRED',
      'smtp_recipient_unknown',
      'message_expired',
      '',
    ]) {
      const { entry } = diagnose({ stage: 'final', errorCode, text: '554 5.2.0 cut off' });
      assert.deepEqual([entry.code, entry.class], ['unknown_outcome', 'inDoubt'], errorCode);
    }
  });

  it('a lapsed claim keeps its own name', () => {
    assert.equal(diagnose({ stage: 'final', errorCode: 'claim_lapsed' }).entry.class, 'inDoubt');
    assert.equal(diagnose({ stage: 'final', errorCode: 'claim_lapsed' }).entry.code, 'claim_lapsed');
  });

  it('a 4xx or 5xx is a verdict', () => {
    assert.equal(diagnose({ stage: 'final', replyCode: 421, errorCode: 'EMESSAGE' }).entry.class, 'transient');
    assert.equal(diagnose({ stage: 'final', replyCode: 554 }).entry.class, 'content');
  });
});

describe('Mistakes in the set-up, as they surface', () => {
  const cases: readonly (readonly [string, FailureFacts, DiagnosisCode])[] = [
    [
      'public certificate not uploaded',
      { stage: 'token', text: 'AADSTS700027: … [Reason - The key was not found.]' },
      'entra_certificate_not_registered',
    ],
    [
      'certificate expired',
      { stage: 'token', text: 'AADSTS700027: … [Reason - The key used is expired.]' },
      'entra_certificate_expired',
    ],
    [
      'clock off by minutes',
      { stage: 'token', text: 'AADSTS700024: Client assertion is not within its valid time range.' },
      'entra_clock_skew',
    ],
    ['wrong tenant id', { stage: 'token', text: 'AADSTS90002: Tenant not found.' }, 'entra_tenant_not_found'],
    ['wrong client id', { stage: 'token', text: 'AADSTS700016: Application not found.' }, 'entra_app_not_found'],
    [
      'no service principal',
      { stage: 'token', text: 'AADSTS7000229: missing service principal' },
      'entra_service_principal_missing',
    ],
    [
      'token for Graph, no grant, wrong object id, mailbox out of scope',
      { stage: 'auth', replyCode: 535, enhancedCode: '5.7.3', text: 'Authentication unsuccessful' },
      'smtp_auth_unsuccessful',
    ],
    [
      'SMTP AUTH off for the mailbox',
      {
        stage: 'auth',
        replyCode: 535,
        enhancedCode: '5.7.139',
        text: 'Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.',
      },
      'smtp_auth_disabled_mailbox',
    ],
    [
      'From is another address',
      {
        stage: 'final',
        replyCode: 554,
        enhancedCode: '5.2.252',
        text: 'SendAsDenied; a@contoso.com not allowed to send as b@contoso.com',
      },
      'smtp_send_as_denied',
    ],
    [
      'Sent Items full',
      { stage: 'final', replyCode: 554, enhancedCode: '5.2.2', text: 'mailbox full' },
      'smtp_mailbox_full',
    ],
    [
      'Sent Items full and nobody looked',
      {
        stage: 'final',
        replyCode: 550,
        enhancedCode: '5.2.251',
        text: 'Sender throttled due to continuous mailbox full errors.',
      },
      'smtp_shut_off_mailbox_full',
    ],
  ];
  for (const [mistake, facts, code] of cases) {
    it(`${mistake}: ${code}`, () => assert.equal(diagnose(facts).entry.code, code));
  }

  it('says that a permission may still be propagating wherever one is changed', () => {
    for (const code of [
      'smtp_auth_unsuccessful',
      'smtp_auth_disabled_mailbox',
      'smtp_send_as_denied',
      'smtp_mailbox_logon_failed',
      'vault_forbidden',
      'storage_forbidden',
      'entra_consent_missing',
    ]) {
      assert.match(explain(`"code":"${code}"`)[0]?.remedy ?? '', /propagating/, code);
    }
  });
});
