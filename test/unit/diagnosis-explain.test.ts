import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { DiagnosisCode } from '../../shared/domain/diagnosis/catalogue.ts';
import { diagnose } from '../../shared/domain/diagnosis/diagnose.ts';
import { explain } from '../../shared/domain/diagnosis/explain.ts';

const PASTED: readonly (readonly [string, string, DiagnosisCode])[] = [
  [
    'a dump of a nodemailer error',
    `Error: Invalid login: 535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information. [FR0P281CA0001.DEUP281.PROD.OUTLOOK.COM 2026-11-20T10:00:00.000Z 08DE27F3A1B2C3D4]
    at SMTPConnection._formatError (/app/node_modules/nodemailer/lib/smtp-connection/index.js:809:19) {
  code: 'EAUTH',
  response: '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.',
  responseCode: 535,
  command: 'AUTH XOAUTH2'
}`,
    'smtp_auth_disabled_tenant',
  ],
  [
    '.NET',
    'System.Net.Mail.SmtpException: The SMTP server requires a secure connection or the client was not authenticated. The server response was: 5.7.57 Client not authenticated to send mail. Error: 535 5.7.139 Authentication unsuccessful, basic authentication is disabled. [YT3PR01CA0122.CANPRD01.PROD.OUTLOOK.COM]',
    'smtp_basic_auth_disabled',
  ],
  [
    'Python',
    "smtplib.SMTPDataError: (554, b'5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process message')",
    'smtp_send_as_denied',
  ],
  [
    'MailKit',
    'MailKit.Security.AuthenticationException: 535: 5.7.3 Authentication unsuccessful [AM5PR0701CA0008.eurprd07.prod.outlook.com]',
    'smtp_auth_unsuccessful',
  ],
  [
    'PHPMailer',
    'SMTP ERROR: DATA END command failed: 550 5.7.60 SMTP; Client does not have permissions to send as this sender [DB4PR04MB505.eurprd04.prod.outlook.com]',
    'smtp_send_as_denied',
  ],
  [
    'JavaMail',
    'com.sun.mail.smtp.SMTPSendFailedException: 432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded [Hostname=AM0PR04MB0001.eurprd04.prod.outlook.com]',
    'smtp_connection_limit',
  ],
  [
    'Postfix',
    'postfix/smtp[123]: 4ABC: to=<a@example.com>, relay=smtp.office365.com[52.97.1.1]:587, dsn=5.2.252, status=bounced (host smtp.office365.com[52.97.1.1] said: 554 5.2.252 SendAsDenied; a@contoso.com not allowed to send as b@contoso.com (in reply to end of DATA command))',
    'smtp_send_as_denied',
  ],
  [
    'Postfix that gets no connection',
    'Nov 20 10:00:00 mail postfix/smtp[1]: connect to smtp.office365.com[52.97.1.1]:587: Connection timed out',
    'tcp_timeout',
  ],
  ['the words of a connection that timed out', 'Connection timed out', 'tcp_timeout'],
  ['the same words in a reply', '421 4.4.1 Connection timed out', 'smtp_idle_closed'],
  ['a full mailbox as Microsoft writes it', 'MapiException(Shutoff)QuotaExceeded', 'smtp_mailbox_full'],
  [
    'the whole of that text',
    '554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiException(Shutoff)QuotaExceeded',
    'smtp_mailbox_full',
  ],
  [
    'the same exception on the way in',
    'STOREDRV.Deliver.Exception:QuotaExceededException.MapiException(Shutoff)QuotaExceeded',
    'smtp_recipient_mailbox_full',
  ],
  ['words alone', 'Authentication unsuccessful', 'smtp_auth_unsuccessful'],
  ['an enhanced code alone', '5.7.60', 'smtp_send_as_denied'],
  ['an AADSTS number alone', 'AADSTS7000222', 'entra_secret_expired'],
  [
    'an Entra body',
    '{"error":"invalid_client","error_description":"AADSTS700027: Client assertion contains an invalid signature. [Reason - The key was not found.]","error_codes":[700027]}',
    'entra_certificate_not_registered',
  ],
  [
    'a Node error',
    'Error: getaddrinfo ENOTFOUND smtp.office365.com\n    at GetAddrInfoReqWrap.onlookupall [as oncomplete] (node:dns:122:26)',
    'dns_not_found',
  ],
  ['a Node error about another host', 'Error: getaddrinfo ENOTFOUND login.microsoftonline.com', 'entra_unreachable'],
  ['a lost connection', 'Error: read ECONNRESET', 'smtp_connection_lost'],
  [
    'a log line of ours',
    '{"event":"delivery.deferred","level":"warn","phase":"auth","code":"breaker_open","mailbox":"billing@contoso.com","attempt":3}',
    'breaker_open',
  ],
  [
    'a log line inside another log’s JSON',
    '{"message":"{\\"event\\":\\"message.failed\\",\\"code\\":\\"smtp_mailbox_full\\"}","severity":1}',
    'smtp_mailbox_full',
  ],
  [
    'a problem document',
    '{"type":"https://github.com/exosend/exosend/blob/main/docs/errors.md#idempotency_key_reused","title":"…","status":422,"code":"idempotency_key_reused"}',
    'idempotency_key_reused',
  ],
  ['a link', 'https://github.com/exosend/exosend/blob/main/docs/errors.md#vault_forbidden', 'vault_forbidden'],
  ['a bare code', 'smtp_shut_off_send_as', 'smtp_shut_off_send_as'],
  ['an unknown 4xx', '450 4.9.9 come back', 'smtp_temporary_failure'],
  ['an unknown 5xx', '550 5.9.9 never', 'smtp_message_refused'],
  ['an unknown 5xx at RCPT', "{ response: '550 5.9.9 never', command: 'RCPT TO' }", 'smtp_recipient_refused'],
  ['an unknown status of the vault', 'https://kv-mail.vault.azure.net status code 507', 'vault_unavailable'],
];

describe('Explaining pasted text', () => {
  for (const [what, text, code] of PASTED) {
    it(`${what}: ${code}`, () =>
      assert.equal(explain(text)[0]?.code, code, JSON.stringify(explain(text).map(match => match.code))));
  }

  it('gives nothing for text in which nothing is known', () => {
    for (const text of ['', 'hello', 'It does not work', '{"a":1}', '587', 'port 465 is open since 2024', 'error 42']) {
      assert.deepEqual(explain(text), [], text);
    }
  });

  it('leads with the unknown certificate where AADSTS700027 stands alone, and names the wrong signature next', () => {
    const codes = explain('AADSTS700027').map(match => match.code);
    assert.deepEqual(codes.slice(0, 2), ['entra_certificate_not_registered', 'entra_assertion_signature']);
    const { entry } = diagnose({ stage: 'token', errorCode: '700027' });
    assert.equal(entry.code, 'entra_certificate_not_registered');
  });

  it('gives at most five, the best first, none twice', () => {
    const codes = explain('ETIMEDOUT ECONNREFUSED ECONNRESET ENOTFOUND EAI_AGAIN EPIPE').map(match => match.code);
    assert.ok(codes.length > 1 && codes.length <= 5);
    assert.equal(new Set(codes).size, codes.length);
  });

  it('carries what /api/explain answers, and no more', () => {
    assert.deepEqual(Object.keys(explain('535 5.7.3 Authentication unsuccessful')[0] ?? {}), [
      'code',
      'class',
      'cause',
      'remedy',
      'source',
      'retry',
    ]);
  });

  it('finds a cause that stands behind much other text', () => {
    assert.equal(
      explain(`${'x '.repeat(3000)}535 5.7.3 Authentication unsuccessful`)[0]?.code,
      'smtp_auth_unsuccessful',
    );
  });

  it('sees no permanent cause in a 4xx', () => {
    assert.equal(
      explain('450 5.1.1 <a@example.com>: user unknown [mx.example.com]')[0]?.code,
      'smtp_temporary_failure',
    );
  });
});

describe('npm run explain', () => {
  const script = fileURLToPath(new URL('../../scripts/explain.ts', import.meta.url));
  const run = (args: string[], input = ''): { code: number | null; out: string; err: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { input, encoding: 'utf8' });
    return { code: status, out: stdout, err: stderr };
  };

  it('prints cause, remedy and the checks for 535 5.7.3', () => {
    const { code, out } = run(['535 5.7.3 Authentication unsuccessful']);
    assert.equal(code, 0);
    assert.match(out, /smtp_auth_unsuccessful.*Get-ServicePrincipal.*Fine when/s);
  });

  it('reads standard input and prints JSON', () => {
    const { code, out } = run(['--json'], 'AADSTS7000222: expired');
    assert.equal(code, 0);
    assert.equal(JSON.parse(out).matches[0].code, 'entra_secret_expired');
  });

  it('says when nothing is known, and how it is used', () => {
    assert.equal(run(['what is this']).code, 1);
    const empty = run([]);
    assert.equal(empty.code, 2);
    assert.match(empty.err, /npm run explain/);
  });
});
