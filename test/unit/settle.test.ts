import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FailureFacts } from '../../shared/domain/diagnosis/diagnosis.ts';
import { isFinal, type MessageRecord, mayFollow, withEvent } from '../../shared/domain/message-record.ts';
import { type SettleContext, settleLapsedClaim, settleOverdue, settleSubmission } from '../../shared/domain/settle.ts';
import type { SubmitResult } from '../../shared/domain/transport-ports.ts';
import { messageRecord } from '../support/records.ts';
import { NOW_MS } from '../support/requests.ts';

const HOUR = 3_600_000;
const context: SettleContext = { nowMs: NOW_MS, random: 0.5, retention: { afterSentMs: 0, afterFailureMs: 72 * HOUR } };
const [ada, bo] = ['ada@example.com', 'bo@example.com'] as const;

const accepted = (
  addresses: readonly string[],
  refused: readonly (readonly [string, string])[] = [],
): SubmitResult => ({
  kind: 'accepted',
  reply: '250 2.0.0 OK <x@y.prod.outlook.com> [Hostname=Y]',
  accepted: addresses,
  refused: refused.map(([address, reply]) => ({ address, facts: replyFacts(reply, 'rcpt') })),
  timings: {},
});
const failed = (facts: FailureFacts, inDoubt = false): SubmitResult => ({
  kind: 'failed',
  facts,
  inDoubt,
  refused: [],
});
const replyFacts = (reply: string, stage: FailureFacts['stage']): FailureFacts => ({
  stage,
  text: reply,
  replyCode: Number(reply.slice(0, 3)),
});

test('250 for everybody: sent, and the content goes', () => {
  const record = settleSubmission(messageRecord(), accepted([ada]), context);
  assert.equal(record.status, 'sent');
  assert.equal(record.content.isDeleted, true);
  assert.equal(record.claim, undefined);
  assert.equal(record.recipients[0]?.outcome, 'accepted');
});

test('one refused for good: the rest is sent, and the refusal is told', () => {
  const record = settleSubmission(
    messageRecord([ada, bo]),
    accepted([ada], [[bo, '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found']]),
    context,
  );
  assert.equal(record.status, 'sent');
  assert.equal(record.events.at(-1)?.refusedRecipients, 1);
  assert.equal(record.recipients[1]?.outcome, 'refused');
});

test('one refused for good and then the attempt fails for now: the other one still waits', () => {
  const refused = [{ address: bo, facts: replyFacts('550 5.1.10 Recipient not found', 'rcpt') }];
  const later: SubmitResult = { kind: 'failed', facts: replyFacts('451 4.7.0 x', 'final'), inDoubt: false, refused };
  const record = settleSubmission(messageRecord([ada, bo]), later, context);
  assert.equal(record.status, 'deferred');
  assert.deepEqual(
    record.recipients.map(recipient => recipient.outcome),
    ['pending', 'refused'],
  );
  const never = settleSubmission(
    messageRecord([ada, bo]),
    { ...later, facts: replyFacts('554 5.6.0 Corrupt message content', 'final') },
    context,
  );
  assert.equal(never.status, 'failed');
  assert.deepEqual(
    never.recipients.map(recipient => recipient.outcome),
    ['refused', 'refused'],
  );
});

test('a timeline of many events keeps its doubts', () => {
  let { events } = messageRecord();
  for (let at = 0; at < 200; at++)
    events = withEvent(events, { atMs: at, status: 'deferred', ...(at === 20 ? { inDoubt: true } : {}) });
  assert.equal(events.length, 40);
  assert.deepEqual(
    events.filter(event => event.inDoubt).map(event => event.atMs),
    [20],
  );
  assert.equal(events.at(-1)?.atMs, 199);
});

test('one refused with 4xx is tried again alone; the content stays until then', () => {
  const first = settleSubmission(messageRecord([ada, bo]), accepted([ada], [[bo, '450 4.2.1 mailbox busy']]), context);
  assert.equal(first.status, 'deferred');
  assert.notEqual(first.content.isDeleted, true);
  assert.ok(first.dueAtMs > NOW_MS && first.dueAtMs <= NOW_MS + 30_000, 'first retry within 30 s');
  const second = settleSubmission({ ...first, status: 'sending' }, accepted([bo]), context);
  assert.equal(second.status, 'sent');
});

test('nobody accepted: failed, with the refusal as diagnosis, kept for a retry', () => {
  const refusal = [bo, '550 5.1.1 unknown'] as const;
  const record = settleSubmission(
    messageRecord([bo]),
    {
      kind: 'failed',
      facts: replyFacts('550 5.1.1 unknown', 'rcpt'),
      inDoubt: false,
      refused: [{ address: refusal[0], facts: replyFacts(refusal[1], 'rcpt') }],
    },
    context,
  );
  assert.equal(record.status, 'failed');
  assert.equal(record.content.deleteAfterMs, NOW_MS + 72 * HOUR);
});

test('an explicit 4xx after the dot is a refusal, not doubt: retried', () => {
  const record = settleSubmission(messageRecord(), failed(replyFacts('451 4.7.500 Server busy', 'final')), context);
  assert.equal(record.status, 'deferred');
  assert.equal(record.resends, 0);
});

test('a 5xx before MAIL is the service’s trouble: retried', () => {
  for (const stage of ['greeting', 'ehlo', 'tls'] as const) {
    assert.equal(
      settleSubmission(messageRecord(), failed(replyFacts('554 5.3.2 not now', stage)), context).status,
      'deferred',
      stage,
    );
  }
});

test('SendAs denied after the dot: never again', () => {
  const record = settleSubmission(
    messageRecord(),
    failed(replyFacts('554 5.2.252 SendAsDenied; a not allowed to send as b', 'final')),
    context,
  );
  assert.equal(record.status, 'failed');
  assert.equal(record.code, 'smtp_send_as_denied');
});

test('in doubt: once more after a minute, then unknown, each said in the timeline', () => {
  const doubt = failed({ stage: 'final', errorCode: 'ECONNECTION' }, true);
  const first = settleSubmission(messageRecord(), doubt, context);
  assert.equal(first.status, 'deferred');
  assert.equal(first.events.at(-1)?.inDoubt, true);
  const second = settleSubmission({ ...first, status: 'sending' }, doubt, context);
  assert.equal(second.status, 'unknown');
  assert.equal(second.events.at(-1)?.inDoubt, true);
  assert.equal(settleSubmission(messageRecord([ada], { onUnknown: 'hold' }), doubt, context).status, 'unknown');
  assert.equal(settleLapsedClaim(messageRecord([ada], { onUnknown: 'hold' }), context).code, 'claim_lapsed');
});

test('expiresAt ends a message as expired, the deadline as failed', () => {
  assert.equal(settleOverdue(messageRecord([ada], { expiresAtMs: NOW_MS }), context)?.status, 'expired');
  const late = settleOverdue(messageRecord([ada], { deadlineAtMs: NOW_MS }), context);
  assert.deepEqual([late?.status, late?.code], ['failed', 'deadline_exceeded']);
  assert.equal(settleOverdue(messageRecord(), context), undefined);
});

test('no attempt is planned past expiresAt or the deadline', () => {
  const busy = failed(replyFacts('451 4.7.500 Server busy. Please try again in 2 hours', 'mail'));
  assert.equal(settleSubmission(messageRecord([ada], { expiresAtMs: NOW_MS + HOUR }), busy, context).status, 'expired');
  assert.equal(
    settleSubmission(messageRecord([ada], { deadlineAtMs: NOW_MS + HOUR }), busy, context).code,
    'deadline_exceeded',
  );
});

test('a failure with few tries ends after them', () => {
  const facts = replyFacts(
    '430 4.2.0 STOREDRV; mailbox logon failure; Cannot open mailbox; MapiExceptionLogonFailed',
    'final',
  );
  let record = messageRecord();
  for (let tries = 0; tries < 10 && !isFinal(record.status); tries++)
    record = settleSubmission({ ...record, status: 'sending' }, failed(facts), context);
  assert.equal(record.status, 'failed');
});

const anyResult: fc.Arbitrary<SubmitResult> = fc.oneof(
  fc
    .record({
      subset: fc.subarray([ada, bo]),
      codes: fc.array(fc.constantFrom('450 4.2.1 x', '550 5.1.1 x', '452 4.5.3 x'), { minLength: 2, maxLength: 2 }),
    })
    .map(({ subset, codes }) =>
      subset.length === 0
        ? {
            kind: 'failed' as const,
            facts: replyFacts(codes[0] ?? '', 'rcpt'),
            inDoubt: false,
            refused: [ada, bo].map((address, i) => ({ address, facts: replyFacts(codes[i] ?? '', 'rcpt') })),
          }
        : accepted(
            subset,
            [ada, bo].filter(address => !subset.includes(address)).map((address, i) => [address, codes[i] ?? '']),
          ),
    ),
  fc
    .record({
      code: fc.constantFrom('421 4.3.2 x', '451 4.7.0 x', '550 5.1.8 x', '554 5.2.0 x', '535 5.7.3 x'),
      stage: fc.constantFrom('mail', 'data', 'final', 'auth', 'greeting'),
    })
    .map(({ code, stage }) => failed(replyFacts(code, stage as FailureFacts['stage']))),
  fc.constant(failed({ stage: 'final', errorCode: 'ECONNECTION' }, true)),
  fc.constant(failed({ stage: 'tcp', errorCode: 'ECONNREFUSED' })),
);

test('any order of outcomes: only allowed transitions, nobody accepted twice, at most one resend, and an end', () => {
  fc.assert(
    fc.property(
      fc.array(anyResult, { minLength: 1, maxLength: 30 }),
      fc.constantFrom('resend' as const, 'hold' as const),
      (results, onUnknown) => {
        let record: MessageRecord = messageRecord([ada, bo], { onUnknown });
        let doubts = 0;
        for (const result of results) {
          if (isFinal(record.status)) break;
          const open = new Set(
            record.recipients
              .filter(recipient => recipient.outcome !== 'accepted' && recipient.outcome !== 'refused')
              .map(recipient => recipient.address),
          );
          const visible = restrictTo(result, open);
          const sending = { ...record, status: 'sending' as const };
          const settled = settleSubmission(sending, visible, { ...context, nowMs: Math.max(record.dueAtMs, NOW_MS) });
          assert.ok(mayFollow('sending', settled.status), settled.status);
          for (const before of record.recipients.filter(recipient => recipient.outcome === 'accepted')) {
            assert.equal(
              settled.recipients.find(recipient => recipient.address === before.address)?.outcome,
              'accepted',
            );
          }
          if (settled.status === 'sent')
            assert.ok(settled.recipients.some(recipient => recipient.outcome === 'accepted'));
          if (settled.status === 'failed')
            assert.ok(!settled.recipients.some(recipient => recipient.outcome === 'accepted'));
          if (visible.kind === 'failed' && visible.inDoubt) doubts++;
          record = settled;
        }
        assert.ok(doubts <= (onUnknown === 'hold' ? 1 : 2));
      },
    ),
  );
});

/** The server answers for the recipients it is asked for, and for no others. */
function restrictTo(result: SubmitResult, open: ReadonlySet<string>): SubmitResult {
  const refused = result.refused.filter(recipient => open.has(recipient.address));
  if (result.kind === 'failed') return { ...result, refused };
  const taken = result.accepted.filter(address => open.has(address));
  const first = refused[0];
  return taken.length > 0 || !first
    ? { ...result, accepted: taken.length > 0 ? taken : [...open], refused }
    : { kind: 'failed', facts: first.facts, inDoubt: false, refused };
}

test('a failure with few tries ends the message after them, with a breaker as without', () => {
  const logon = '430 4.2.0 STOREDRV; mailbox logon failure; MapiExceptionLogonFailed; Cannot open mailbox.';
  let record = messageRecord();
  for (let attempt = 1; attempt < 5; attempt++) {
    record = settleSubmission(record, failed(replyFacts(logon, 'final')), { ...context, parksOnBreaker: true });
    assert.equal(record.status, 'deferred');
    record = { ...record, status: 'sending' };
  }
  record = settleSubmission(record, failed(replyFacts(logon, 'final')), { ...context, parksOnBreaker: true });
  assert.deepEqual([record.status, record.code], ['failed', 'smtp_mailbox_logon_failed']);
});
