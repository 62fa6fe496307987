import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reasonsFor535 } from '../../shared/domain/diagnosis/auth-reasons.ts';
import { diagnose } from '../../shared/domain/diagnosis/diagnose.ts';
import { docsUrl, problemType } from '../../shared/domain/diagnosis/docs-url.ts';
import {
  innerAuthRefusal,
  normaliseReplyText,
  parseReply,
  retryAfterFromText,
} from '../../shared/domain/diagnosis/reply.ts';

describe('Taking a reply apart', () => {
  it('finds reply code, enhanced code and words', () => {
    assert.deepEqual(parseReply('535 5.7.3 Authentication unsuccessful\r\n'), {
      replyCode: 535,
      enhancedCode: '5.7.3',
      text: 'Authentication unsuccessful',
    });
  });

  it('joins the lines of one reply', () => {
    assert.deepEqual(parseReply('550-5.7.1 Delivery not authorized,\r\n550 5.7.1 message refused'), {
      replyCode: 550,
      enhancedCode: '5.7.1',
      text: 'Delivery not authorized, message refused',
    });
  });

  it('takes a reply without words, without enhanced code, or without number', () => {
    assert.deepEqual(parseReply('554 5.2.270'), { replyCode: 554, enhancedCode: '5.2.270', text: '' });
    assert.deepEqual(parseReply('334'), { replyCode: 334, text: '' });
    assert.deepEqual(parseReply('421 Closing'), { replyCode: 421, text: 'Closing' });
    assert.deepEqual(parseReply('5.7.57 Client not authenticated'), {
      enhancedCode: '5.7.57',
      text: 'Client not authenticated',
    });
    assert.deepEqual(parseReply('no numbers'), { text: 'no numbers' });
    assert.deepEqual(parseReply(''), { text: '' });
  });

  it('does not take other numbers for codes', () => {
    assert.equal(parseReply('5500 items').replyCode, undefined);
    assert.equal(parseReply('112 no').replyCode, undefined);
    assert.equal(parseReply('550 5.7.1.2 is an address').enhancedCode, undefined);
  });

  it('finds the refusal inside 5.7.57', () => {
    assert.equal(
      innerAuthRefusal('5.7.57 Client not authenticated. Error: 535 5.7.139 Authentication unsuccessful, x'),
      '535 5.7.139 Authentication unsuccessful, x',
    );
    assert.equal(innerAuthRefusal('535 5.7.139 Authentication unsuccessful'), undefined);
    assert.equal(innerAuthRefusal('530 5.7.57 Client not authenticated'), undefined);
  });
});

describe('A reply for grouping', () => {
  it('loses what differs from one time to the next', () => {
    const seen = [
      '432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded [Hostname=AM0PR04MB0001.eurprd04.prod.outlook.com]',
      '432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded [AM0PR04CA0001.eurprd04.prod.outlook.com 2026-11-20T10:00:00.000Z 08DE27F3A1B2C3D4]',
      '432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded',
    ];
    assert.equal(new Set(seen.map(normaliseReplyText)).size, 1);
  });

  it('loses store serials, addresses and ids', () => {
    assert.equal(
      normaliseReplyText('554 5.2.0 SendAsDeniedException; a@b.com Cannot submit. 0.35250:0A007C85, 1.36674:0A000000'),
      '554 5.2.0 SendAsDeniedException; <address> Cannot submit.',
    );
    assert.equal(
      normaliseReplyText(
        'AADSTS90033: Try again. Trace ID: 0f1e2d3c-1111-2222-3333-444455556666 Timestamp: 2026-11-20 10:00:00Z',
      ),
      'AADSTS90033: Try again.',
    );
    assert.equal(
      normaliseReplyText('451 4.7.500 Server busy. Please try again later from [20.61.10.12]. (S77719)'),
      '451 4.7.500 Server busy. Please try again later from [<ip>]. (<serial>)',
    );
  });

  it('keeps the numbers of the reply and other brackets', () => {
    assert.equal(normaliseReplyText('550 5.7.60 no [really]'), '550 5.7.60 no [really]');
  });
});

describe('A wait asked for in words', () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['421 4.7.0 Try again in 30 seconds', 30_000],
    ['please retry after 5 minutes', 300_000],
    ['Please wait 1 minute and try once more', 60_000],
    ['try again later, in about 2 hours', 7_200_000],
    ['try again in 250 ms', 250],
    ['Retry-After: 120', 120_000],
    ['retry in 99999 hours', 86_400_000],
    [
      'Please try again later. PRX5 [AM0PR04CA0001.eurprd04.prod.outlook.com 2026-11-20T10:00:00.000Z 08DE27F3A1B2C3D4]',
      undefined,
    ],
    ['451 4.7.500 Server busy. Please try again later from [20.61.10.12]', undefined],
    ['timed out after 30 seconds', undefined],
    ['try again in 0 seconds', undefined],
    ['', undefined],
  ];
  for (const [text, waitMs] of cases) {
    it(`"${text.slice(0, 60)}" is ${waitMs ?? 'none'}`, () => assert.equal(retryAfterFromText(text), waitMs));
  }

  it('goes into the answer, after what the adapter found', () => {
    const facts = { stage: 'mail', replyCode: 451, text: 'Try again in 30 seconds' } as const;
    assert.equal(diagnose(facts).retryAfterMs, 30_000);
    assert.equal(diagnose({ ...facts, retryAfterMs: 5000 }).retryAfterMs, 5000);
    assert.equal('retryAfterMs' in diagnose({ stage: 'mail', replyCode: 451 }), false);
  });
});

describe('Addresses of the explanation', () => {
  it('are those of the page, with the code as anchor', () => {
    assert.equal(
      docsUrl('vault_forbidden'),
      'https://github.com/exosend/exosend/blob/main/docs/errors.md#vault_forbidden',
    );
    assert.equal(
      problemType('rate_limited', 'https://mail.contoso.com/errors'),
      'https://mail.contoso.com/errors#rate_limited',
    );
    assert.equal(diagnose({ stage: 'dns' }).diagnosis.docs, docsUrl('dns_unavailable'));
  });
});

describe('The reasons for 535 5.7.3', () => {
  it('come in a fixed order, each with a check and a way out', () => {
    const reasons = reasonsFor535();
    assert.equal(reasons[0]?.id, 'wrong_audience');
    assert.equal(new Set(reasons.map(reason => reason.id)).size, reasons.length);
    for (const { id, check, expected, fix } of reasons) assert.ok(check && expected && fix, id);
  });

  it('leave out those of the other way of authorising', () => {
    const ids = (mode: 'appRbac' | 'claim'): string[] => reasonsFor535(mode).map(reason => reason.id);
    assert.ok(ids('appRbac').includes('mailbox_out_of_scope') && !ids('appRbac').includes('no_mailbox_permission'));
    assert.ok(ids('claim').includes('no_mailbox_permission') && !ids('claim').includes('mailbox_out_of_scope'));
    assert.ok(ids('claim').includes('wrong_object_id'));
  });
});
