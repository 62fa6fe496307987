import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readEvidence } from '../../shared/domain/diagnosis/evidence.ts';
import { excerptOf, MAX_EXCERPT_LENGTH, MAX_PASTED_LENGTH } from '../../shared/domain/diagnosis/excerpt.ts';
import { explain } from '../../shared/domain/diagnosis/explain.ts';

const DULL =
  '2026-11-20T10:00:00.000Z INFO message 01KAQY7Z5V8J3K2M4N6P8R0T1W accepted, 12 waiting in queue number 7\n';
const TOO_OFTEN = '2026-11-20T10:00:00.000Z WARN smtp <- 421 4.4.2 Connection dropped due to SocketError\n';
const fill = (line: string, length: number): string => line.repeat(Math.ceil(length / line.length));

const ERRORS: readonly (readonly [string, string])[] = [
  ['535 5.7.3 Authentication unsuccessful [AM0PR04CA0001.eurprd04.prod.outlook.com]', 'smtp_auth_unsuccessful'],
  ['554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException', 'smtp_send_as_denied'],
  ['AADSTS7000222: The provided client secret keys are expired.', 'entra_secret_expired'],
  ['{"event":"message.failed","code":"smtp_mailbox_full"}', 'smtp_mailbox_full'],
  ['Error: connect ECONNREFUSED 40.99.10.34:587', 'tcp_refused'],
];

describe('A long log', () => {
  for (const [error, code] of ERRORS) {
    it(`is searched for ${code} from its beginning to its end`, () => {
      for (const length of [9_000, 60_000, 300_000, 2 * MAX_PASTED_LENGTH]) {
        const dull = fill(DULL, length);
        assert.equal(explain(`${error}\n${dull}`)[0]?.code, code, `at the beginning of ${length}`);
        assert.equal(explain(`${dull}${error}`)[0]?.code, code, `at the end of ${length}`);
        assert.equal(explain(`${dull}${error}\n${dull.slice(-900_000)}`)[0]?.code, code, `in the middle of ${length}`);
      }
    });
  }

  it('tells the one refusal among a thousand lost connections', () => {
    const noise = fill(TOO_OFTEN, 100_000);
    const refusal = '550 5.7.60 SMTP; Client does not have permissions to send as this sender\n';
    for (const text of [`${noise}${refusal}`, `${noise}${refusal}${noise}`, `${refusal}${noise}`])
      assert.ok(
        explain(text).some(match => match.code === 'smtp_send_as_denied'),
        JSON.stringify(explain(text).map(match => match.code)),
      );
  });

  it('is cut at blanks: half a number is another number', () => {
    for (let shift = 0; shift < 40; shift++) {
      const text = `${'x'.repeat(shift)} ${fill('id=15507 5.7.600 ', 200_000)}`;
      assert.deepEqual(
        explain(text).filter(match => match.code === 'smtp_send_as_denied'),
        [],
        `shifted by ${shift}`,
      );
    }
  });
});

describe('A megabyte of hostile text', () => {
  const units = [
    'a',
    ' ',
    '\n',
    '5.',
    '550 ',
    '\n550-5.7.1 ',
    "'550 x",
    '5.7.57 535 5.7.1 ',
    'a_',
    '\\n',
    'AADSTS1',
    'error ',
  ];
  const counted = [
    '\n550 5.N.N ',
    ' errorN_failed ',
    ' AADSTSN ',
    '\n"code":"aN"',
    ' NException ',
    '"phase":"auth" 554 5.0.N ',
  ];

  it('leaves the patterns no more than 64 KiB, and no more than 32 replies of 2 KiB', () => {
    const texts = [
      ...units.map(unit => fill(unit, MAX_PASTED_LENGTH + 1)),
      // Never the same twice, so that nothing can be left out for being known.
      ...counted.map(unit =>
        Array.from({ length: 100_000 }, (_, n) => unit.replaceAll('N', String(n % 1000))).join(''),
      ),
    ];
    for (const text of texts) {
      const about = JSON.stringify(text.slice(0, 30));
      assert.ok(excerptOf(text).length <= MAX_EXCERPT_LENGTH, about);
      const { whole, replies, named, mentioned } = readEvidence(text);
      assert.ok(whole.text.length <= MAX_EXCERPT_LENGTH, about);
      assert.ok(replies.length <= 32, about);
      for (const reply of replies) assert.ok(reply.text.length <= 2048, about);
      assert.ok(named.length + mentioned.length <= MAX_EXCERPT_LENGTH / 5, about);
      assert.ok(explain(text).length <= 5, about);
    }
  });

  it('is not searched beyond the megabyte: its beginning and its end are', () => {
    const far = fill(DULL, 600_000);
    const text = `${far}550 5.7.60 no\n${far}${far}${far}`;
    assert.ok(text.length > 2 * MAX_PASTED_LENGTH);
    assert.deepEqual(explain(text), []);
  });
});
