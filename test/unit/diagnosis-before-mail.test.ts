import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { catalogue, type DiagnosisCode } from '../../shared/domain/diagnosis/catalogue.ts';
import { diagnose } from '../../shared/domain/diagnosis/diagnose.ts';
import type { FailureFacts, FailureStage } from '../../shared/domain/diagnosis/diagnosis.ts';
import { explain } from '../../shared/domain/diagnosis/explain.ts';
import { parseReply } from '../../shared/domain/diagnosis/reply.ts';
import { settleSubmission } from '../../shared/domain/settle.ts';
import { messageRecord } from '../support/records.ts';
import { NOW_MS } from '../support/requests.ts';

const BEFORE_MAIL: readonly FailureStage[] = ['dns', 'tcp', 'greeting', 'ehlo', 'tls', 'auth'];

/** Numbers and texts that end a message where they answer to one. */
const REFUSALS = [
  '550 5.7.60 SMTP; Client does not have permissions to send as this sender',
  '552 5.3.4 Message size exceeds fixed maximum message size',
  '552 5.2.3 Message too large',
  '550 5.1.20 Multiple From addresses are not allowed without Sender address',
  '550 5.6.11 Invalid characters',
  '550 5.6.7 SMTPUTF8 is not supported',
  '501 5.1.7 Invalid address',
  '550 5.7.512 Access denied, message must be RFC 5322 section 3.6.2 compliant',
  '550 5.5.3 RESOLVER.ADR.RecipLimit; too many recipients',
  '550 5.1.1 user unknown',
  '550 5.7.133 Sender not authenticated for group',
  '554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied',
];

const factsOf = (stage: FailureStage, text: string): FailureFacts => {
  const { replyCode, enhancedCode } = parseReply(text);
  return { stage, text, replyCode: replyCode ?? 0, ...(enhancedCode === undefined ? {} : { enhancedCode }) };
};

describe('A 5xx before MAIL', () => {
  for (const stage of BEFORE_MAIL) {
    it(`at ${stage} never ends a message, nor blames it or its recipients`, () => {
      for (const reply of REFUSALS) {
        const facts = factsOf(stage, reply);
        const { entry } = diagnose(facts);
        assert.notEqual(entry.retry, 'never', `${reply}: ${entry.code}`);
        assert.ok(entry.scope !== 'message' && entry.scope !== 'recipient', `${reply}: ${entry.code}`);
        const settled = settleSubmission(
          messageRecord(),
          { kind: 'failed', facts, inDoubt: false, refused: [] },
          { nowMs: NOW_MS, random: 0.5, retention: { afterSentMs: 0, afterFailureMs: 0 } },
        );
        assert.equal(settled.status, 'deferred', reply);
      }
    });
  }

  it('is retried whatever its number and text', () => {
    const text = fc.oneof(fc.string(), fc.constantFrom(...catalogue.flatMap(entry => entry.samples)));
    const enhanced = fc.tuple(fc.nat(9), fc.nat(999)).map(([subject, detail]) => `5.${subject}.${detail}`);
    fc.assert(
      fc.property(
        fc.constantFrom(...BEFORE_MAIL),
        fc.integer({ min: 500, max: 599 }),
        enhanced,
        text,
        (stage, replyCode, enhancedCode, words) => {
          const { entry } = diagnose({ stage, replyCode, enhancedCode, text: words });
          assert.notEqual(entry.retry, 'never', entry.code);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('keeps the entry of its own where there is one', () => {
    const cases: readonly (readonly [FailureStage, string, DiagnosisCode])[] = [
      ['greeting', '554 5.7.606 Access denied, banned sending IP [20.61.10.12]', 'smtp_ip_reputation'],
      ['greeting', '550 5.7.60 no', 'smtp_service_refused'],
      ['ehlo', '552 5.3.4 no', 'smtp_service_refused'],
      ['tls', '550 5.1.1 user unknown', 'tls_starttls_refused'],
      ['auth', '535 5.7.3 Authentication unsuccessful', 'smtp_auth_unsuccessful'],
      ['auth', '550 5.1.1 user unknown', 'smtp_auth_refused'],
      ['tcp', '554 5.3.2 no', 'smtp_service_refused'],
    ];
    for (const [stage, reply, code] of cases) assert.equal(diagnose(factsOf(stage, reply)).entry.code, code, reply);
  });

  it('ends a message from MAIL on', () => {
    for (const reply of REFUSALS) {
      for (const stage of ['mail', 'data', 'final'] as const) {
        assert.equal(diagnose(factsOf(stage, reply)).entry.retry, 'never', `${stage}: ${reply}`);
      }
    }
  });
});

describe('Explaining a reply of which the text says that it was the greeting', () => {
  const pasted = (reply: string): readonly string[] => [
    `Error: Invalid greeting. response=${reply}: ${reply}\n    at SMTPConnection._formatError {\n  code: 'EPROTOCOL',\n  response: '${reply}',\n  command: 'CONN'\n}`,
    `postfix/smtp[123]: 4ABC: to=<a@example.com>, relay=smtp.office365.com[52.97.1.1]:587, status=deferred (host smtp.office365.com[52.97.1.1] refused to talk to me: ${reply})`,
    `smtplib.SMTPConnectError: (${reply.slice(0, 3)}, b'${reply.slice(4)}')`,
    `greeting: ${reply}`,
    `${reply} (in greeting)`,
    `{"phase":"greeting","ok":false,"detail":"${reply}"}`,
  ];

  it('gives the service the blame, and not the message', () => {
    for (const reply of ['554 5.3.2 no', '550 5.7.1 no', '550 5.7.60 no', '550 5.1.1 user unknown']) {
      for (const text of pasted(reply)) assert.equal(explain(text)[0]?.code, 'smtp_service_refused', text);
    }
  });

  it('does the same for EHLO', () => {
    for (const text of [
      'SMTP ERROR: EHLO command failed: 550 5.7.1 no',
      "smtplib.SMTPHeloError: (550, b'5.7.1 no')",
      'host smtp.office365.com said: 550 5.7.1 no (in reply to EHLO command)',
    ])
      assert.equal(explain(text)[0]?.code, 'smtp_service_refused', text);
  });

  it('lets a greeting elsewhere in a log change nothing', () => {
    for (const text of [
      'greeting received: 220 AM0PR04CA0001.outlook.office365.com\nMAIL FROM\n550 5.7.60 no',
      '{"phase":"greeting","ok":true},{"phase":"tls","ok":true},{"phase":"envelope","ok":false,"detail":"550 5.7.60 no"}',
    ])
      assert.equal(explain(text)[0]?.code, 'smtp_send_as_denied', text);
  });

  it('leaves a reply alone that says nothing of where it came', () => {
    assert.equal(explain('554 5.3.2 no')[0]?.code, 'smtp_message_refused');
    assert.equal(explain('550 5.7.60 no')[0]?.code, 'smtp_send_as_denied');
  });
});
