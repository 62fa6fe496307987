import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { ListQuery } from '../shared/domain/message-ports.ts';
import { FINAL_STATUSES, type MessageStatus } from '../shared/domain/message-record.ts';
import { invalid } from '../shared/domain/parse-mail-request.ts';
import { accepted, type Outcome, type ProblemDetail } from '../shared/domain/problem.ts';
import { cancelMessage, findMessage, retryMessage } from '../shared/usecases/change-message.ts';
import { jsonAnswer, messagesUrl, problemAnswer } from './http-answer.ts';
import type { HttpCall } from './http-handler.ts';
import { messageSummary, messageView } from './message-view.ts';

const STATUSES: ReadonlySet<string> = new Set<MessageStatus>(['queued', 'sending', 'deferred', ...FINAL_STATUSES]);
const LIST_PARAMETERS = new Set(['status', 'mailbox', 'limit', 'continuation']);
const MAX_LIMIT = 100;
const DEFAULT_LIMIT = 50;

/** `GET /api/messages/{id}` */
export async function getMessage({ request, caller, runtime, traceId }: HttpCall): Promise<HttpResponseInit> {
  const found = await findMessage(runtime.deliver, caller, messageIdOf(request));
  return found.ok ? jsonAnswer(200, messageView(found.value.record)) : problemAnswer(found.problem, traceId);
}

/** `DELETE /api/messages/{id}` */
export async function deleteMessage({ request, caller, runtime, traceId, log }: HttpCall): Promise<HttpResponseInit> {
  const cancelled = await cancelMessage(runtime.deliver, caller, messageIdOf(request), log);
  return cancelled.ok ? jsonAnswer(200, messageView(cancelled.value)) : problemAnswer(cancelled.problem, traceId);
}

/** `POST /api/messages/{id}/retry` */
export async function retry({ request, caller, runtime, traceId, log }: HttpCall): Promise<HttpResponseInit> {
  const again = await retryMessage(runtime.deliver, caller, messageIdOf(request), log);
  if (!again.ok) return problemAnswer(again.problem, traceId);
  const statusUrl = `${messagesUrl(request)}/${again.value.id}`;
  return jsonAnswer(
    202,
    { id: again.value.id, status: again.value.status, statusUrl },
    { location: statusUrl, 'retry-after': '2' },
  );
}

/** `GET /api/messages?status=&mailbox=&limit=&continuation=`: newest first. */
export async function listMessages({ request, caller, runtime, traceId }: HttpCall): Promise<HttpResponseInit> {
  const query = listQuery(request);
  if (!query.ok) return problemAnswer(query.problem, traceId);
  const { records, continuation } = await runtime.deliver.store.list({
    ...query.value,
    ...(caller.isOperator ? {} : { caller: caller.id }),
  });
  return jsonAnswer(200, {
    messages: records.map(messageSummary),
    ...(continuation === undefined ? {} : { continuation }),
  });
}

/**
 * The id in the path. Not from `request.params`: with streaming on, these may also hold query values of the same name.
 */
function messageIdOf(request: HttpRequest): string {
  const segments = new URL(request.url).pathname.split('/');
  return segments[segments.lastIndexOf('messages') + 1] ?? '';
}

function listQuery(request: HttpRequest): Outcome<ListQuery> {
  const parameters = new URL(request.url).searchParams;
  const details: ProblemDetail[] = [];
  for (const name of parameters.keys()) {
    if (!LIST_PARAMETERS.has(name))
      details.push({
        pointer: `/${name.slice(0, 64)}`,
        detail: 'is not a query parameter; status, mailbox, limit and continuation are',
      });
  }
  const [status, mailbox, limit, continuation] = ['status', 'mailbox', 'limit', 'continuation'].map(
    name => parameters.get(name) || undefined,
  );
  if (status !== undefined && !STATUSES.has(status))
    details.push({ pointer: '/status', detail: `must be one of ${[...STATUSES].join(', ')}` });
  if (mailbox !== undefined && mailbox.length > 254) details.push({ pointer: '/mailbox', detail: 'is too long' });
  const count = limit === undefined ? DEFAULT_LIMIT : Number(limit);
  if (!Number.isInteger(count) || count < 1 || count > MAX_LIMIT)
    details.push({ pointer: '/limit', detail: `must be a whole number from 1 to ${MAX_LIMIT}` });
  if (continuation !== undefined && !isContinuation(continuation))
    details.push({ pointer: '/continuation', detail: 'is not a continuation that a list has handed out' });
  if (details.length > 0) return invalid(details);
  return accepted({
    limit: count,
    ...(status === undefined ? {} : { status: status as MessageStatus }),
    ...(mailbox === undefined ? {} : { mailbox }),
    ...(continuation === undefined ? {} : { continuation }),
  });
}

/** The storage service's own token: base64 of a small JSON object with the next keys. */
function isContinuation(text: string): boolean {
  if (text.length > 1024) return false;
  try {
    const value = JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as Record<string, unknown> | null;
    if (typeof value !== 'object' || value === null || typeof value['nextPartitionKey'] !== 'string') return false;
    return Object.values(value).every(part => typeof part === 'string');
  } catch {
    return false;
  }
}
