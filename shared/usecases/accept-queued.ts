import { ServiceFailure } from '../domain/failure.ts';
import { idempotencyRow } from '../domain/idempotency.ts';
import { newMessageId } from '../domain/message-id.ts';
import type { Log } from '../domain/ports.ts';
import { type Problem, problem } from '../domain/problem.ts';
import type { RequestQueues } from '../domain/queue-ports.ts';
import { redact } from '../domain/redact.ts';
import { refusedRecord, requestDigestRow } from '../domain/refused-request.ts';
import { type AcceptDeps, acceptMail } from './accept-mail.ts';

export interface QueuedRequest {
  /** The message's text as the producer wrote it; undefined where only the parsed value has come through. */
  readonly text: string;
  readonly value: unknown;
  /** Id of the queue message: the idempotency key of a request that brings none. */
  readonly queueMessageId: string;
  readonly insertedAtMs: number;
  readonly dequeueCount: number;
}

/** From this delivery on a request is put back for later rather than counted towards the poison queue. */
export const PUT_BACK_FROM_DEQUEUE = 3;
export const PUT_BACK_AFTER_MS = 60_000;

/**
 * Takes a request from `mail-requests`. What is wrong with it becomes a failed message with its reasons, and its text
 * goes to the poison queue; a service that is away delays it without end, since the producer has no other copy.
 */
export async function acceptQueued(
  deps: AcceptDeps & { readonly requests: RequestQueues },
  request: QueuedRequest,
  log: Log,
): Promise<void> {
  const traceId = Buffer.from(deps.clock.randomBytes(16)).toString('hex');
  const ageMs = deps.clock.now() - request.insertedAtMs;
  let { value } = request;
  try {
    value = await deps.requests.unwrapRequest(value);
    if (ageMs > deps.settings.deadlineMs) {
      return await refuse(
        deps,
        request,
        problem(
          'request_too_old',
          `The request was on the queue for ${Math.round(ageMs / 3_600_000)} hours, longer than MAIL_DEADLINE_HOURS.`,
        ),
        traceId,
        log,
      );
    }
    if (!isRequestObject(value)) {
      return await refuse(
        deps,
        request,
        problem('request_not_json', 'The queue message is not a JSON object.', {
          errors: [{ pointer: '', detail: 'must be a JSON object' }],
        }),
        traceId,
        log,
      );
    }
    const outcome = await acceptMail(
      deps,
      {
        caller: { id: 'queue', isOperator: false },
        channel: 'queue',
        body: { kind: 'request', value },
        traceId,
        judgedAtMs: request.insertedAtMs,
        ...(typeof (value as { idempotencyKey?: unknown }).idempotencyKey === 'string'
          ? {}
          : { idempotencyKey: request.queueMessageId }),
      },
      log,
    );
    if (!outcome.ok) await refuse(deps, request, outcome.problem, traceId, log);
  } catch (error) {
    if (!(error instanceof ServiceFailure) || request.dequeueCount < PUT_BACK_FROM_DEQUEUE) throw error;
    log('warn', { event: 'request.putback', traceId, attempt: request.dequeueCount, detail: error.message });
    // What is no object has no place for a key, and is refused when its time comes: its producer is to find what it wrote.
    const text = isRequestObject(value) ? withKey(request.queueMessageId, value) : request.text;
    await deps.requests.retryRequest(text, PUT_BACK_AFTER_MS);
  }
}

/** Whether the value of a queue message can be a request at all: members have their place, and so has a key. */
export function isRequestObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function refuse(
  deps: AcceptDeps & { readonly requests: RequestQueues },
  request: QueuedRequest,
  found: Problem,
  traceId: string,
  log: Log,
): Promise<void> {
  // One record for each message of the queue, however often it is brought; its text in the poison queue leads to it.
  const row = idempotencyRow('refused', request.queueMessageId);
  const id = newMessageId(deps.clock.now(), deps.clock.randomBytes(10));
  const errors = found.errors.length > 0 ? found.errors : [{ pointer: '', detail: found.detail }];
  const record = refusedRecord(id, deps.clock.now(), { code: found.code, caller: 'queue', traceId, row, errors });
  const inserted = await deps.store.insert(record, undefined, { idempotency: { row, fingerprint: row } });
  const messageId = inserted.kind === 'duplicate' ? inserted.messageId : id;
  await deps.store.noteKey(requestDigestRow(request.text), messageId);
  await deps.requests.poisonRequest(request.text);
  log('warn', {
    event: 'request.refused',
    messageId,
    traceId,
    code: found.code,
    state: 'failed',
    detail: redact(errors.map(error => error.pointer).join(' '), 300),
  });
}

/** The request with the key it has gone by so far: put back it gets another queue message id. Its own key stays where it has one. */
export function withKey(queueMessageId: string, request: object): string {
  return JSON.stringify({ idempotencyKey: queueMessageId, ...request });
}
