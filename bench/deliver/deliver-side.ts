import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { sessionPool } from '../../shared/adapters/smtp/session-pool.ts';
import { smtpTransport } from '../../shared/adapters/smtp/smtp-transport.ts';
import type { MailSettings } from '../../shared/domain/mail-settings.ts';
import { newMessageId } from '../../shared/domain/message-id.ts';
import type { MessageRecord } from '../../shared/domain/message-record.ts';
import type { Clock, Log } from '../../shared/domain/ports.ts';
import { EXCHANGE_ONLINE_LIMITS, type Sender } from '../../shared/domain/sender.ts';
import { type DeliverDeps, deliverMail } from '../../shared/usecases/deliver-mail.ts';
import { memoryContents } from './memory-contents.ts';
import { memoryQueue } from './memory-queue.ts';
import { memoryStore } from './memory-store.ts';
import { MAILBOX, RECIPIENT } from './sample-mail.ts';

/** Runs of one queue function at once, as batchSize and newBatchThreshold of host.json give it: 4 + 2. */
const RUNS_AT_ONCE = 6;

const sender: Sender = {
  mailboxes: [MAILBOX],
  from: [MAILBOX],
  tenantId: 'c0de0000-5e4d-4a11-8e57-c0a70500e001',
  clientId: '7d0a1f0e-2f4c-4c0f-9b5e-5a1c6f2d3e01',
  credential: { kind: 'certificate', name: 'exosend-smtp', sign: 'local' },
  // No pacing: this is about what the code can do, not about what the mailbox may.
  limits: { ...EXCHANGE_ONLINE_LIMITS, messagesPerMinute: 1_000_000_000, recipientsPerDay: 1_000_000_000 },
};
const settings: MailSettings = {
  senders: [sender],
  mode: 'live',
  allowList: [],
  deadlineMs: 86_400_000,
  retention: { afterSentMs: 0, afterFailureMs: 259_200_000 },
  recordRetentionMs: 2_592_000_000,
};
const clock: Clock = { now: () => Date.now(), random: () => Math.random(), randomBytes, sleep };
/** The app makes a line of JSON of each entry; where it goes is the host's part. */
const log: Log = (_level, fields) => void JSON.stringify(fields);

/** Delivers mails by the app's own use case and SMTP adapter; storage is in memory and the token at hand. */
export function deliverSide(port: number, token: string) {
  const store = memoryStore();
  const wakeUps = memoryQueue();
  const deps: DeliverDeps = {
    settings,
    store,
    contents: memoryContents(),
    wakeUps,
    transport: smtpTransport({ host: 'localhost', port }, async () => ({ token }), sessionPool(clock.now), clock.now),
    clock,
  };

  return {
    /** Puts `count` mails where accept leaves them. */
    async accept(count: number, content: Uint8Array): Promise<void> {
      for (let index = 0; index < count; index++) {
        const record = queuedRecord(content.length);
        await store.insert(record, content, { wakeAtMs: record.dueAtMs });
        await wakeUps.put({ messageId: record.id, generation: record.generation }, record.priority, 0);
      }
    },
    /** Sends all of them over warm sessions. */
    async send(): Promise<void> {
      await Promise.all(
        Array.from({ length: RUNS_AT_ONCE }, async () => {
          for (let wakeUp = wakeUps.take(); wakeUp; wakeUp = wakeUps.take()) await deliverMail(deps, wakeUp, log);
        }),
      );
      for (const row of await store.openRows(Number.POSITIVE_INFINITY, 1))
        throw new Error(`The mail ${row.id} was left as ${row.status}.`);
    },
  };
}

/** As accept leaves it. */
function queuedRecord(bytes: number): MessageRecord {
  const nowMs = clock.now();
  const id = newMessageId(nowMs, clock.randomBytes(10));
  return {
    id,
    status: 'queued',
    caller: 'anonymous',
    from: MAILBOX,
    mailbox: MAILBOX,
    recipients: [{ address: RECIPIENT, outcome: 'pending' }],
    priority: 'normal',
    metadata: {},
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    deadlineAtMs: nowMs + settings.deadlineMs,
    onUnknown: 'resend',
    dueAtMs: nowMs,
    generation: 1,
    attempts: 0,
    resends: 0,
    content: { kind: 'inline', bytes, eightBit: false },
    messageIdHeader: `<${id}@contoso.com>`,
    traceId: '0af7651916cd43dd8448eb211c80319c',
    events: [{ atMs: nowMs, status: 'queued' }],
  };
}
