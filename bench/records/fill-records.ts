import { randomBytes } from 'node:crypto';
import { TableClient, type TransactionAction } from '@azure/data-tables';
import { toEntity } from '../../shared/adapters/storage/record-entity.ts';
import { MESSAGES_TABLE } from '../../shared/adapters/storage/table-access.ts';
import { newMessageId } from '../../shared/domain/message-id.ts';
import type { MessageRecord } from '../../shared/domain/message-record.ts';

export interface Filling {
  readonly connectionString: string;
  readonly count: number;
  /** One of so many records is `failed`, the others `sent`. */
  readonly failedOneIn: number;
  /** Stops after this, full or not. */
  readonly limitMs: number;
  onProgress(done: number): void;
}

/** An entity-group transaction takes 100. */
const BATCH = 100;
/** Azurite works on one at a time; the next ones are made meanwhile. */
const AT_ONCE = 4;
/** 300,000 records over 25 days: none is old enough to be cleaned away. */
const SPACING_MS = 7_000;

/** Puts finished records straight into the table, newest first, as the app lays them out; gives how many. */
export async function fillRecords(filling: Filling): Promise<number> {
  const table = TableClient.fromConnectionString(filling.connectionString, MESSAGES_TABLE, {
    allowInsecureConnection: true,
  });
  await table.createTable();
  const nowMs = Date.now();
  let next = 0;
  let done = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < filling.count && Date.now() - nowMs < filling.limitMs) {
        const first = next;
        next += BATCH;
        const actions = Array.from({ length: BATCH }, (_, index): TransactionAction => {
          const isFailed = (first + index + 1) % filling.failedOneIn === 0;
          return ['create', toEntity(finished(nowMs - (first + index) * SPACING_MS, isFailed), 'bench')];
        });
        await table.submitTransaction(actions);
        done += BATCH;
        filling.onProgress(done);
      }
    }),
  );
  return done;
}

function finished(atMs: number, isFailed: boolean): MessageRecord {
  const status = isFailed ? 'failed' : 'sent';
  const id = newMessageId(atMs, randomBytes(10));
  return {
    id,
    status,
    caller: 'anonymous',
    from: 'billing@contoso.com',
    mailbox: 'billing@contoso.com',
    recipients: [{ address: 'ada@example.com', outcome: isFailed ? 'refused' : 'accepted' }],
    priority: 'normal',
    metadata: {},
    createdAtMs: atMs,
    updatedAtMs: atMs,
    deadlineAtMs: atMs + 86_400_000,
    onUnknown: 'resend',
    dueAtMs: atMs,
    generation: 1,
    attempts: 1,
    resends: 0,
    content: { kind: 'inline', bytes: 2048, eightBit: false },
    messageIdHeader: `<${id}@contoso.com>`,
    finalAtMs: atMs,
    traceId: '0af7651916cd43dd8448eb211c80319c',
    events: [
      { atMs, status: 'queued' },
      { atMs, status: 'sending', attempt: 1 },
      { atMs, status, attempt: 1, reply: '250 2.0.0 OK' },
    ],
  };
}
