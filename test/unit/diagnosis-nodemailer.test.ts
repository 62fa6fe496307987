import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ERROR_CODES } from 'nodemailer/lib/errors';
import { smtpFacts } from '../../shared/adapters/smtp/smtp-facts.ts';
import type { DiagnosisCode } from '../../shared/domain/diagnosis/catalogue.ts';
import { diagnose } from '../../shared/domain/diagnosis/diagnose.ts';
import { explain } from '../../shared/domain/diagnosis/explain.ts';

/** Every code of nodemailer, pasted alone. A code that a new version adds is missing here, and the first test says so. */
const CODES: Readonly<Record<string, DiagnosisCode>> = {
  ECONNECTION: 'smtp_connection_lost',
  ETIMEDOUT: 'tcp_timeout',
  ESOCKET: 'smtp_connection_lost',
  EDNS: 'dns_unavailable',
  ETLS: 'tls_failed',
  EREQUIRETLS: 'smtp_client_message_rejected',
  EPROTOCOL: 'smtp_protocol_error',
  EENVELOPE: 'smtp_envelope_invalid',
  EMESSAGE: 'smtp_message_refused',
  EOTP: 'smtp_client_message_rejected',
  ESTREAM: 'smtp_content_unreadable',
  EABORT: 'smtp_client_stopped',
  EAUTH: 'smtp_auth_refused',
  ENOAUTH: 'smtp_credentials_missing',
  EOAUTH2: 'entra_refused',
  EMAXLIMIT: 'smtp_client_stopped',
  EMAXRECIPIENTS: 'smtp_recipient_limit',
  ESENDMAIL: 'smtp_client_misconfigured',
  ESES: 'smtp_client_misconfigured',
  ECONFIG: 'smtp_client_misconfigured',
  EPROXY: 'tcp_proxy_failed',
  EFILEACCESS: 'smtp_client_message_rejected',
  EURLACCESS: 'smtp_client_message_rejected',
  EFETCH: 'smtp_content_unreadable',
};

/** What tells of the network, and is the same as a lost connection in the middle of a session. */
const NETWORK = ['ECONNECTION', 'ESOCKET', 'ETIMEDOUT', 'EDNS'];

describe('nodemailer’s own codes', () => {
  it('are all known', () => assert.deepEqual(Object.keys(CODES).sort(), Object.keys(ERROR_CODES).sort()));

  for (const [errorCode, code] of Object.entries(CODES)) {
    it(`${errorCode} is ${code}, alone and in a dump without a reply`, () => {
      assert.equal(explain(errorCode)[0]?.code, code);
      assert.equal(explain(`Error: x {\n  code: '${errorCode}'\n}`)[0]?.code, code);
    });
  }

  it('are told from a lost connection where there was no reply', () => {
    for (const [errorCode, code] of Object.entries(CODES)) {
      if (NETWORK.includes(errorCode)) continue;
      const stage = errorCode === 'EAUTH' || errorCode === 'ENOAUTH' ? 'auth' : 'mail';
      if (errorCode === 'EPROXY') assert.equal(diagnose({ stage: 'tcp', errorCode }).entry.code, code);
      else if (errorCode !== 'EOAUTH2') assert.equal(diagnose({ stage, errorCode }).entry.code, code, errorCode);
    }
  });

  it('end a message only where it is the message’s own fault', () => {
    const ending = Object.keys(CODES).filter(
      errorCode => diagnose({ stage: 'mail', errorCode }).entry.retry === 'never',
    );
    assert.deepEqual(ending.sort(), [
      'EENVELOPE',
      'EFILEACCESS',
      'EMAXRECIPIENTS',
      'EMESSAGE',
      'EOTP',
      'EREQUIRETLS',
      'EURLACCESS',
    ]);
  });

  it('are read with their text', () => {
    const facts = (code: string, message: string) => smtpFacts({ code, message, command: 'API' }, 'mail');
    const cases: readonly (readonly [string, string, DiagnosisCode])[] = [
      ['EENVELOPE', 'No recipients defined', 'smtp_envelope_invalid'],
      ['EMESSAGE', 'Message size larger than allowed 36700160', 'smtp_message_too_large'],
      ['EMESSAGE', 'Empty message', 'smtp_message_refused'],
      ['EAUTH', 'Missing credentials for "PLAIN"', 'smtp_credentials_missing'],
    ];
    for (const [code, message, expected] of cases) {
      assert.equal(diagnose(facts(code, message)).entry.code, expected, message);
      assert.equal(explain(`Error: ${message} { code: '${code}', command: 'API' }`)[0]?.code, expected, message);
    }
  });

  it('say nothing beside a reply, nor after the last byte', () => {
    const dump = "Error: Can't send mail - all recipients were rejected: 451 4.7.500 Server busy { code: 'EENVELOPE' }";
    assert.deepEqual(
      explain(dump).map(match => match.code),
      ['smtp_access_denied_later'],
    );
    for (const errorCode of Object.keys(CODES))
      assert.equal(diagnose({ stage: 'final', errorCode }).entry.code, 'unknown_outcome', errorCode);
  });

  it('make no refusal of an answer that is no reply', () => {
    const cases = [
      ['auth', 'EAUTH'],
      ['mail', 'EENVELOPE'],
      ['rcpt', 'EENVELOPE'],
      ['content', 'EMESSAGE'],
    ] as const;
    for (const [stage, code] of cases) {
      const facts = smtpFacts({ code, message: 'Mail command failed: <html>', response: '<html>' }, stage);
      assert.equal(diagnose(facts).entry.code, 'smtp_protocol_error', stage);
    }
  });

  it('give way to the number of Entra ID', () => {
    const dump = "Error: AADSTS7000222: The provided client secret keys are expired. { code: 'EOAUTH2' }";
    assert.equal(explain(dump)[0]?.code, 'entra_secret_expired');
  });
});
