import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { catalogue, catalogueSections, entryOf, findEntry } from '../../shared/domain/diagnosis/catalogue.ts';
import { diagnose } from '../../shared/domain/diagnosis/diagnose.ts';
import { MAX_EXCERPT_LENGTH } from '../../shared/domain/diagnosis/excerpt.ts';
import { explain } from '../../shared/domain/diagnosis/explain.ts';
import type { ProblemCode } from '../../shared/domain/problem.ts';

/** A record over the type, so that a new problem code without an entry in this table does not compile. */
const PROBLEM_CODES: Readonly<Record<ProblemCode, true>> = {
  request_not_json: true,
  request_invalid: true,
  parameter_invalid: true,
  request_too_large: true,
  unsupported_media_type: true,
  sender_not_allowed: true,
  recipient_not_allowed: true,
  caller_not_allowed: true,
  unauthenticated: true,
  key_in_url: true,
  idempotency_key_invalid: true,
  idempotency_key_reused: true,
  idempotency_in_progress: true,
  message_not_found: true,
  incident_not_found: true,
  not_cancellable: true,
  not_retryable: true,
  content_gone: true,
  rate_limited: true,
  probe_in_progress: true,
  request_too_old: true,
  settings_invalid: true,
  storage_unavailable: true,
  internal_error: true,
};

const OTHER_OWN_CODES = [
  'message_expired',
  'deadline_exceeded',
  'attempts_exhausted',
  'unknown_outcome',
  'claim_lapsed',
  'poison_message',
  'breaker_open',
  'simulated_failure',
];

const patterns = catalogue.flatMap(entry =>
  entry.matches.flatMap(matcher =>
    'textPattern' in matcher && matcher.textPattern ? [{ code: entry.code, pattern: matcher.textPattern }] : [],
  ),
);

describe('The catalogue', () => {
  it('has each code once, in snake_case', () => {
    const codes = catalogue.map(entry => entry.code);
    assert.equal(new Set(codes).size, codes.length);
    for (const code of codes) assert.match(code, /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/);
  });

  it('has an entry for each of our own codes', () => {
    for (const code of [...Object.keys(PROBLEM_CODES), ...OTHER_OWN_CODES]) assert.equal(findEntry(code)?.code, code);
  });

  it('finds by code, and nothing by another name', () => {
    assert.equal(entryOf('vault_forbidden').code, 'vault_forbidden');
    assert.equal(findEntry('Vault_Forbidden'), undefined);
    assert.equal(findEntry('constructor'), undefined);
  });

  it('says everything that an entry has to say', () => {
    for (const entry of catalogue) {
      for (const text of [entry.title, entry.cause, entry.remedy, entry.source])
        assert.ok(text.trim().length > 5, entry.code);
      assert.ok(!entry.title.endsWith('.'), `${entry.code}: a title has no full stop`);
      assert.ok(entry.cause.endsWith('.'), `${entry.code}: a cause is a sentence`);
      assert.ok(entry.samples.length > 0, entry.code);
      assert.equal(entry.remedy.split('`').length % 2, 1, `${entry.code}: an open code span in the remedy`);
    }
  });

  it('gives a command, an address in a portal or a request in the remedy, unless waiting is all there is to do', () => {
    for (const entry of catalogue) {
      if (/^Nothing/.test(entry.remedy)) continue;
      assert.match(entry.remedy, /`|admin center|portal/, entry.code);
    }
  });

  it('asks for repair only where repair helps: what waits for it counts against the breaker or hits more than a message', () => {
    for (const entry of catalogue) {
      if (entry.retry === 'afterAuthFix' || entry.retry === 'onceRefreshed')
        assert.notEqual(entry.scope, 'message', entry.code);
      if (entry.breaker === 'timeOnly') assert.match(entry.code, /^smtp_shut_off_/);
      if (entry.scope === 'message' || entry.scope === 'recipient') assert.equal(entry.breaker, 'none', entry.code);
      if (entry.class === 'inDoubt') assert.equal(entry.retry, 'never', entry.code);
      if (entry.class === 'throttled')
        assert.equal(entry.breaker, 'none', `${entry.code}: throttling is never an alarm about signing in`);
    }
  });

  it('is reached by each of its own samples as the best explanation', () => {
    for (const entry of catalogue) {
      for (const sample of entry.samples) assert.equal(explain(sample)[0]?.code, entry.code, sample);
    }
  });

  it('is reached by its own code as error code', () => {
    for (const entry of catalogue) assert.equal(diagnose({ stage: 'delivery', errorCode: entry.code }).entry, entry);
  });

  it('has patterns without memory, so that one test does not change the next', () => {
    for (const { code, pattern } of patterns) assert.doesNotMatch(pattern.flags, /[gy]/, code);
  });

  it('lists each entry in one section', () => {
    assert.equal(
      catalogueSections.reduce((count, section) => count + section.entries.length, 0),
      catalogue.length,
    );
    assert.ok(catalogue.length > 150);
  });
});

describe('Hostile text', () => {
  const units = [
    'a',
    ' ',
    '\n',
    '5.',
    '550 ',
    '5.7.1 ',
    '[',
    '[a.b.c ',
    '"code":"a',
    'AADSTS1',
    '5.7.57 535 5.7.1 ',
    'a@',
    'again ',
    'E',
    '0.35250:0A',
  ];
  units.push(
    '[BeginDiagnosticData]',
    'certificate ',
    'certificate a',
    'mailbox full; ',
    'key with (name/id) a',
    'connect to a',
    'MapiException',
    'ServerError',
    "command='",
    '\\"',
    'a_',
    'é',
  );

  it('is explained and diagnosed in less than 50 ms whatever its length', () => {
    explain('warm up');
    for (const unit of units) {
      const text = unit.repeat(Math.ceil(200_000 / unit.length));
      const spentMs = fastestOf(3, () => {
        explain(text);
        diagnose({ stage: 'token', text });
        diagnose({ stage: 'rcpt', replyCode: 550, text });
      });
      assert.ok(spentMs < 50, `${JSON.stringify(unit)} took ${spentMs.toFixed(1)} ms`);
    }
  });

  it('costs no single pattern more than 10 ms', () => {
    for (const unit of units) {
      const text = unit.repeat(Math.ceil(MAX_EXCERPT_LENGTH / unit.length)).slice(0, MAX_EXCERPT_LENGTH);
      for (const { code, pattern } of patterns) {
        const spentMs = fastestOf(3, () => pattern.test(text));
        assert.ok(spentMs < 10, `${code} on ${JSON.stringify(unit)} took ${spentMs.toFixed(1)} ms`);
      }
    }
  });
});

/** The shortest of some runs: what the code costs, without what the machine does beside it. */
function fastestOf(runs: number, run: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}
