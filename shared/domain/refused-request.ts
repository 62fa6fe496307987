import { createHash } from 'node:crypto';
import type { MessageRecord } from './message-record.ts';
import type { ProblemDetail } from './problem.ts';

/** Row that ties the text of a refused request to its record, so that its copy in the poison queue is not recorded again. */
export function requestDigestRow(text: string): string {
  return `x${createHash('sha256').update(text).digest('hex')}`;
}

/** A request from a queue that cannot be taken: nobody waits for an answer, so the refusal becomes a failed message. */
export function refusedRecord(
  id: string,
  nowMs: number,
  why: {
    readonly code: string;
    readonly caller: string;
    readonly traceId: string;
    readonly errors: readonly ProblemDetail[];
    readonly row: string;
  },
): MessageRecord {
  return {
    id,
    status: 'failed',
    caller: why.caller,
    from: '',
    mailbox: '',
    recipients: [],
    priority: 'normal',
    metadata: {},
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    deadlineAtMs: nowMs,
    onUnknown: 'hold',
    dueAtMs: nowMs,
    generation: 1,
    attempts: 0,
    resends: 0,
    content: { kind: 'inline', bytes: 0, eightBit: false, isDeleted: true },
    messageIdHeader: '',
    code: why.code,
    finalAtMs: nowMs,
    errors: why.errors,
    idempotencyRow: why.row,
    traceId: why.traceId,
    events: [{ atMs: nowMs, status: 'failed', code: why.code }],
  };
}
