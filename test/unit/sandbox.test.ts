import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modeTransport } from '../../shared/adapters/sandbox-transport.ts';
import { EXCHANGE_ONLINE_LIMITS, type Sender } from '../../shared/domain/sender.ts';
import { settleSubmission } from '../../shared/domain/settle.ts';
import type { MailTransport, SubmitJob, SubmitResult } from '../../shared/domain/transport-ports.ts';
import { messageRecord } from '../support/records.ts';
import { NOW_MS } from '../support/requests.ts';

const sender: Sender = {
  mailboxes: ['billing@contoso.com'],
  from: ['billing@contoso.com'],
  tenantId: '',
  clientId: '',
  credential: { kind: 'certificate', name: '', sign: 'local' },
  limits: EXCHANGE_ONLINE_LIMITS,
};
const silent = () => undefined;
const unwanted = () => Promise.reject(new Error('nothing may leave'));

function job(recipients: readonly string[], more: Partial<SubmitJob> = {}): SubmitJob {
  return {
    messageId: 'm',
    from: 'billing@contoso.com',
    recipients,
    bytes: 1,
    eightBit: false,
    simulated: true,
    attempt: 1,
    signal: new AbortController().signal,
    content: unwanted,
    beforeFinal: unwanted,
    ...more,
  };
}

async function submit(transport: MailTransport, what: SubmitJob): Promise<SubmitResult> {
  const result = await transport.connect(sender, 'billing@contoso.com', 'm', silent);
  assert.ok(result.kind === 'connected');
  try {
    return await result.connection.submit(what, silent);
  } finally {
    result.connection.release();
  }
}

const sandbox = modeTransport('sandbox', unwanted);
const retention = { afterSentMs: 0, afterFailureMs: 1 };

test('in a sandbox a message is taken without anything leaving', async () => {
  const result = await submit(sandbox, job(['ada@example.com', 'bo@example.com']));
  assert.ok(result.kind === 'accepted');
  assert.deepEqual(result.accepted, ['ada@example.com', 'bo@example.com']);
  assert.match(result.reply, /simulated/);
});

test('the simulator’s addresses end as they say', async () => {
  const settle = async (recipients: readonly string[], attempt: number, random = 0.03) => {
    const result = await submit(sandbox, job(recipients, { attempt }));
    const record = messageRecord(recipients, { attempts: attempt, onUnknown: 'hold', simulated: true });
    return settleSubmission(record, result, { nowMs: NOW_MS, random, retention });
  };
  const failed = await settle(['Failed@Simulator.invalid'], 1);
  assert.equal(failed.status, 'failed');
  assert.equal(failed.code, 'simulated_failure');
  assert.equal((await settle(['unknown@simulator.invalid', 'ada@example.com'], 1)).status, 'unknown');
  for (const attempt of [1, 2]) {
    const deferred = await settle(['deferred@simulator.invalid'], attempt);
    assert.equal(deferred.status, 'deferred');
    assert.equal(deferred.code, 'simulated_deferral');
    assert.ok(deferred.dueAtMs - NOW_MS <= 2_000);
  }
  assert.equal((await settle(['deferred@simulator.invalid'], 3)).status, 'sent');
  const mixed = await settle(['ada@example.com', 'failed@simulator.invalid'], 1);
  assert.equal(mixed.status, 'sent');
  assert.deepEqual(
    mixed.recipients.map(recipient => recipient.outcome),
    ['accepted', 'refused'],
  );
});

test('a real message waits while the mode is sandbox', async () => {
  const { simulated: _none, ...real } = job(['ada@example.com']);
  const result = await submit(sandbox, real);
  assert.ok(result.kind === 'failed' && !result.inDoubt);
  const settled = settleSubmission(messageRecord(), result, { nowMs: NOW_MS, random: 0, retention });
  assert.equal(settled.status, 'deferred');
  assert.equal(settled.code, 'held_by_sandbox');
});

test('a simulated message stays one when the mode is live again; others go their way', async () => {
  let submitted = 0;
  let released = 0;
  const real: MailTransport = {
    connect: async () => ({
      kind: 'connected',
      connection: {
        submit: async ({ recipients }) => {
          submitted++;
          return { kind: 'accepted', reply: '250 2.0.0 OK', accepted: recipients, refused: [], timings: {} };
        },
        release: () => void released++,
      },
    }),
  };
  const live = modeTransport('live', async () => real);
  const simulated = await submit(live, job(['ada@example.com']));
  assert.ok(simulated.kind === 'accepted' && /simulated/.test(simulated.reply));
  assert.equal(submitted, 0);
  const { simulated: _none, ...ordinary } = job(['ada@example.com']);
  await submit(live, ordinary);
  assert.equal(submitted, 1);
  assert.equal(released, 2);
});
