import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvocationContext } from '@azure/functions';
import { queueSubmissions } from '../../functions/queue-submissions.ts';
import type { Runtime } from '../../functions/runtime.ts';
import { ServiceFailure } from '../../shared/domain/failure.ts';
import type { MessageRecord } from '../../shared/domain/message-record.ts';
import type { TrafficSign } from '../../shared/domain/watch-ports.ts';
import { messageRecord } from '../support/records.ts';
import { NOW_MS } from '../support/requests.ts';

const AWAY = new ServiceFailure('the table service is away', { stage: 'storage', httpStatus: 503 });

interface World {
  record?: MessageRecord;
  readFails?: boolean;
  watchFails?: boolean;
}

/** One wake-up on a runtime of which only what it touches is there. */
async function wake({ record, readFails, watchFails }: World) {
  const lines: { event: string; code?: string; detail?: string }[] = [];
  const told: TrafficSign[] = [];
  let watchLoads = 0;
  const runtime = {
    deliver: {
      settings: { senders: [], retention: { afterSentMs: 0, afterFailureMs: 0 } },
      clock: { now: () => NOW_MS + 600_000, random: () => 0.5 },
      store: {
        read: async () => {
          if (readFails) throw AWAY;
          return record && { record, etag: '1' };
        },
        write: async () => ({ ok: true, etag: '2' }),
      },
      wakeUps: { put: async () => undefined },
    },
    transport: async () => ({}),
    watch: async () => {
      watchLoads++;
      if (watchFails) throw new Error('the incidents cannot be read for ada@example.com');
      return { noteTraffic: async (sign: TrafficSign) => void told.push(sign) };
    },
  } as unknown as Runtime;
  const handler = queueSubmissions(Object.assign(() => runtime, { close: async () => undefined }));
  const logHandler = (_level: string, ...args: unknown[]) => void lines.push(JSON.parse(String(args[0])));
  const context = new InvocationContext({ functionName: 'deliver', invocationId: 'i', logHandler });
  const { id } = messageRecord();
  const error = await Promise.resolve(handler({ messageId: id, generation: 1 }, context)).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { error, lines, told, watchLoads };
}

/** Its last instance stopped behind the last byte. */
const inDoubt = messageRecord(undefined, {
  onUnknown: 'hold',
  claim: { token: 't', untilMs: NOW_MS + 120_000, phase: 'final' },
});

test('a wake-up that shows nothing of its mailbox does not load what watches over mailboxes', async () => {
  const { error, watchLoads } = await wake({});
  assert.deepEqual([error, watchLoads], [undefined, 0]);
});

test('what a mail has shown is told', async () => {
  const { error, told } = await wake({ record: inDoubt });
  assert.equal(error, undefined);
  assert.deepEqual(
    told.map(({ mailbox, ok }) => [mailbox, ok]),
    [['billing@contoso.com', false]],
  );
});

test('watching that fails is logged, and the wake-up has done its work', async () => {
  const { error, lines } = await wake({ record: inDoubt, watchFails: true });
  assert.equal(error, undefined);
  const line = lines.find(({ event }) => event === 'watch.failed');
  assert.equal(line?.code, 'internal_error');
  assert.match(line?.detail ?? '', /cannot be read/);
  assert.doesNotMatch(line?.detail ?? '', /ada@/);
});

test('a fault of the delivery reaches the host', async () => {
  assert.equal((await wake({ readFails: true, watchFails: true })).error, AWAY);
});

test('bad settings keep the wake-up and say where to look', async () => {
  const handler = queueSubmissions(Object.assign(() => undefined, { close: async () => undefined }));
  const context = new InvocationContext({ functionName: 'deliver', invocationId: 'i', logHandler: () => undefined });
  await assert.rejects(async () => handler({}, context), /^Error: settings_invalid: .*settings\.invalid/);
});
