import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { catalogue, findEntry } from '../../shared/domain/diagnosis/catalogue.ts';
import { diagnose } from '../../shared/domain/diagnosis/diagnose.ts';
import type { FailureFacts, FailureStage } from '../../shared/domain/diagnosis/diagnosis.ts';
import { explain } from '../../shared/domain/diagnosis/explain.ts';
import { normaliseReplyText, parseReply, retryAfterFromText } from '../../shared/domain/diagnosis/reply.ts';

const STAGES: Readonly<Record<FailureStage, true>> = {
  settings: true,
  identity: true,
  vault: true,
  token: true,
  dns: true,
  tcp: true,
  greeting: true,
  ehlo: true,
  tls: true,
  auth: true,
  mail: true,
  rcpt: true,
  data: true,
  content: true,
  final: true,
  storage: true,
  request: true,
  delivery: true,
};

const samples = catalogue.flatMap(entry => entry.samples);
const errorCodes = [
  ...catalogue.flatMap(entry => entry.matches.flatMap(matcher => matcher.errorCodes ?? [])),
  ...catalogue.map(entry => entry.code),
];

const stage = fc.constantFrom(...(Object.keys(STAGES) as FailureStage[]));
const enhancedCode = fc.oneof(
  fc.tuple(fc.constantFrom(2, 4, 5), fc.nat(9), fc.nat(999)).map(parts => parts.join('.')),
  fc.string(),
);
const text = fc.oneof(
  fc.string(),
  fc.constantFrom(...samples),
  fc.tuple(fc.constantFrom(...samples), fc.string()).map(parts => parts.join(' ')),
);

function facts(replyCode: fc.Arbitrary<number>): fc.Arbitrary<FailureFacts> {
  return fc.record(
    {
      stage,
      replyCode,
      enhancedCode,
      text,
      errorCode: fc.oneof(fc.string(), fc.constantFrom(...errorCodes)),
      httpStatus: fc.integer({ min: 0, max: 999 }),
      retryAfterMs: fc.nat(),
    },
    { requiredKeys: ['stage', 'replyCode'] },
  );
}

const anyFacts: fc.Arbitrary<FailureFacts> = fc.oneof(
  facts(fc.integer({ min: -1, max: 1000 })),
  facts(fc.integer({ min: 200, max: 599 })),
  facts(fc.constant(0)).map(({ replyCode: _, ...rest }) => rest),
);

describe('For whatever comes', () => {
  it('diagnose gives an entry of the catalogue', () => {
    fc.assert(
      fc.property(anyFacts, found => {
        const { entry, diagnosis } = diagnose(found);
        assert.equal(findEntry(entry.code), entry);
        assert.equal(diagnosis.code, entry.code);
        assert.ok(diagnosis.docs.endsWith(`#${entry.code}`));
      }),
      { numRuns: 2000 },
    );
  });

  it('a 4xx never ends a message, and never blames recipient or content for good', () => {
    fc.assert(
      fc.property(facts(fc.integer({ min: 400, max: 499 })), found => {
        assert.notEqual(diagnose(found).entry.retry, 'never');
      }),
      { numRuns: 2000 },
    );
  });

  it('after the last byte nothing but a 4xx or 5xx settles the outcome', () => {
    const noVerdict = anyFacts.filter(({ replyCode = 0 }) => replyCode < 400 || replyCode > 599);
    fc.assert(
      fc.property(noVerdict, found => {
        assert.equal(diagnose({ ...found, stage: 'final' }).entry.class, 'inDoubt');
      }),
      { numRuns: 1000 },
    );
  });

  it('an answer is in doubt only after the last byte, or when the caller says so', () => {
    fc.assert(
      fc.property(anyFacts, found => {
        const { entry } = diagnose(found);
        if (entry.class !== 'inDoubt') return;
        assert.ok(found.stage === 'final' || found.errorCode === entry.code);
      }),
      { numRuns: 1000 },
    );
  });

  it('the host suffix changes nothing', () => {
    const suffix = ' [AM0PR04CA0001.eurprd04.prod.outlook.com 2026-11-20T10:00:00.000Z 08DE27F3A1B2C3D4]';
    const smtp = fc.constantFrom<FailureStage>('auth', 'mail', 'rcpt', 'data', 'final');
    fc.assert(
      fc.property(
        smtp,
        fc.integer({ min: 400, max: 599 }),
        enhancedCode,
        fc.constantFrom(...samples.filter(sample => /^\d{3} /.test(sample))),
        (at, replyCode, code, words) => {
          const one = { stage: at, replyCode, enhancedCode: code, text: words };
          assert.equal(diagnose({ ...one, text: words + suffix }).entry.code, diagnose(one).entry.code);
        },
      ),
    );
  });

  it('explain gives at most five matches of the catalogue, and the readers never throw', () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: 'binary', maxLength: 500 })), pasted => {
        const matches = explain(pasted);
        assert.ok(matches.length <= 5);
        for (const match of matches) assert.ok(findEntry(match.code));
        assert.ok(normaliseReplyText(pasted).length <= 500);
        assert.ok((retryAfterFromText(pasted) ?? 1) > 0);
        const { replyCode } = parseReply(pasted);
        assert.ok(replyCode === undefined || (replyCode >= 200 && replyCode <= 599));
      }),
      { numRuns: 1000 },
    );
  });

  it('a reply put together is taken apart again', () => {
    const words = fc.stringMatching(/^[A-Za-z][A-Za-z ;:]{0,60}[A-Za-z]$/);
    const enhanced = fc.tuple(fc.constantFrom(4, 5), fc.nat(9), fc.nat(999)).map(parts => parts.join('.'));
    fc.assert(
      fc.property(fc.integer({ min: 400, max: 599 }), enhanced, words, (replyCode, code, said) => {
        assert.deepEqual(parseReply(`${replyCode} ${code} ${said}\r\n`), { replyCode, enhancedCode: code, text: said });
      }),
    );
  });
});
