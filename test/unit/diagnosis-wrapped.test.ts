import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { smtpFacts } from '../../shared/adapters/smtp/smtp-facts.ts';
import { catalogue, type DiagnosisCode } from '../../shared/domain/diagnosis/catalogue.ts';
import { diagnose } from '../../shared/domain/diagnosis/diagnose.ts';
import type { FailureStage } from '../../shared/domain/diagnosis/diagnosis.ts';
import { explain } from '../../shared/domain/diagnosis/explain.ts';

const HEAD = /^(\d{3}) (?:[245]\.\d{1,3}\.\d{1,3} )?/;

/** Ways in which a mail program, a terminal or a log breaks a text at a blank. */
const BREAKS: readonly ((before: string, after: string) => string)[] = [
  (before, after) => `${before}\n${after}`,
  (before, after) => `${before}\r\n    ${after}`,
  (before, after) => `${before}\r\n\t${after}`,
];

/** The same text as a reply of two lines, as the server sends it and as Node prints it. */
const REPLIES: readonly ((head: string, before: string, after: string) => string)[] = [
  (head, before, after) => `${dashed(before)}\r\n${head}${after}`,
  (head, before, after) => `${dashed(before)}\n${head.slice(0, 4)}${after}`,
  (head, before, after) => `S: ${dashed(before)}\nS: ${head}${after}`,
  (head, before, after) => `response: '${dashed(before)}\\n' +\n    '${head}${after}'`,
];

const dashed = (line: string): string => line.replace(/^(\d{3}) /, '$1-');

interface Broken {
  readonly whole: string;
  readonly text: string;
}

const samples = catalogue.flatMap(entry => entry.samples);
const cut = fc
  .constantFrom(...samples.filter(sample => sample.includes(' ')))
  .chain(whole => fc.constantFrom(...whole.matchAll(/ /g)).map(({ index }) => ({ whole, index })));
const wrapped: fc.Arbitrary<Broken> = fc
  .tuple(cut, fc.constantFrom(...BREAKS))
  .map(([{ whole, index }, join]) => ({ whole, text: join(whole.slice(0, index), whole.slice(index + 1)) }));
const inLines = (forms: typeof REPLIES): fc.Arbitrary<Broken> =>
  fc
    .tuple(
      cut.filter(({ whole, index }) => index >= (HEAD.exec(whole)?.[0].length ?? whole.length)),
      fc.constantFrom(...forms),
    )
    .map(([{ whole, index }, join]) => ({
      whole,
      text: join(HEAD.exec(whole)?.[0] ?? '', whole.slice(0, index), whole.slice(index + 1)),
    }));

describe('A text that is broken into lines', () => {
  it('has the explanation that it has in one', () => {
    fc.assert(
      fc.property(fc.oneof(wrapped, inLines(REPLIES)), ({ whole, text }) => {
        assert.equal(explain(text)[0]?.code, explain(whole)[0]?.code);
      }),
      { numRuns: 2000 },
    );
  });

  it('has the diagnosis that it has in one, at each stage', () => {
    const stage = fc.constantFrom<FailureStage>('greeting', 'ehlo', 'tls', 'auth', 'mail', 'rcpt', 'data', 'final');
    const isReply = ({ whole }: Broken): boolean => HEAD.test(whole);
    fc.assert(
      fc.property(stage, fc.oneof(wrapped.filter(isReply), inLines(REPLIES.slice(0, 2))), (at, { whole, text }) => {
        const { code } = diagnose(smtpFacts({ response: whole }, at)).entry;
        assert.equal(diagnose(smtpFacts({ response: text }, at)).entry.code, code, 'through the adapter');
        const replyCode = Number(text.slice(0, 3));
        assert.equal(diagnose({ stage: at, replyCode, text }).entry.code, code, 'as it came');
      }),
      { numRuns: 2000 },
    );
  });

  it('is read as it is found in logs', () => {
    const cases: readonly (readonly [string, DiagnosisCode])[] = [
      [
        '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is\n disabled for the Mailbox. Visit',
        'smtp_auth_disabled_mailbox',
      ],
      [
        '535-5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled\r\n535 5.7.139 for the Tenant. Visit',
        'smtp_auth_disabled_tenant',
      ],
      [
        '535 5.7.57 Client not authenticated to send mail. Error: 535 5.7.139 Authentication unsuccessful,\n SmtpClientAuthentication is disabled for the Tenant. Visit',
        'smtp_auth_disabled_tenant',
      ],
      [
        '530 5.7.57 Client not authenticated to send mail.\nError: 535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.',
        'smtp_auth_wrong_password',
      ],
      [
        '535-5.7.57 Client not authenticated to send mail. Error:\r\n535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.',
        'smtp_auth_wrong_password',
      ],
      ['550-5.7.60 SMTP; Client does not have\n550 5.7.60 permissions to send as this sender', 'smtp_send_as_denied'],
      ['432 4.3.2 STOREDRV.Deliver;\nrecipient thread limit exceeded', 'smtp_recipient_throttled'],
    ];
    for (const [text, code] of cases) {
      assert.equal(explain(text)[0]?.code, code, text);
      assert.equal(diagnose({ stage: 'mail', replyCode: Number(text.slice(0, 3)), text }).entry.code, code, text);
    }
  });

  it('keeps apart what only stands in neighbouring lines', () => {
    const log =
      '2026-11-20 10:00:00 S: 421 4.4.2 Connection dropped\n2026-11-20 10:00:01 S: 535 5.7.3 Authentication unsuccessful';
    const codes = explain(log).map(match => match.code);
    assert.equal(codes[0], 'smtp_auth_unsuccessful');
    assert.deepEqual(
      explain('status:\n403 Forbidden, https://kv-mail.vault.azure.net').map(match => match.code)[0],
      'vault_forbidden',
    );
  });
});

describe('The facts of a reply of several lines', () => {
  it('hold it as one, without the numbers in between', () => {
    assert.deepEqual(
      smtpFacts({ response: '550-5.7.1 Delivery not\n550-5.7.1 authorized,\n550 5.7.1 refused' }, 'rcpt'),
      {
        stage: 'rcpt',
        replyCode: 550,
        enhancedCode: '5.7.1',
        text: '550-5.7.1 Delivery not authorized, refused',
      },
    );
  });

  it('find the enhanced code in a later line', () => {
    assert.equal(smtpFacts({ response: '550-Refused\r\n550 5.7.60 by policy' }, 'mail').enhancedCode, '5.7.60');
  });
});
