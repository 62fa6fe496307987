import type { HttpResponseInit } from '@azure/functions';
import { ServiceFailure } from '../shared/domain/failure.ts';
import { parseIdempotencyKey } from '../shared/domain/idempotency.ts';
import { invalid } from '../shared/domain/parse-mail-request.ts';
import { problem, refused } from '../shared/domain/problem.ts';
import { acceptMail } from '../shared/usecases/accept-mail.ts';
import { jsonAnswer, problemAnswer, problemBody } from './http-answer.ts';
import type { HttpCall } from './http-handler.ts';
import { acceptanceBody } from './http-send.ts';
import { mediaType, parseJson, readBody } from './request-body.ts';

export const MAX_BATCH_ITEMS = 100;
export const MAX_BATCH_BYTES = 50 * 1024 * 1024;
/** Stored side by side, so that a hundred items do not wait for a hundred round trips. */
const AT_ONCE = 8;

/** `POST /api/messages/batch`: an array of mails → 207, per item its id or its problem, in order. */
export async function sendBatch(call: HttpCall): Promise<HttpResponseInit> {
  const { request, headers, traceId } = call;
  const key = parseIdempotencyKey(headers.get('idempotency-key'));
  if (!key.ok) return problemAnswer(key.problem, traceId);
  if (mediaType(headers) !== 'application/json') {
    return problemAnswer(problem('unsupported_media_type', 'Content-Type must be application/json.'), traceId);
  }
  const body = await readBody(request, headers, MAX_BATCH_BYTES);
  if (!body.ok) return problemAnswer(body.problem, traceId);
  const parsed = parseJson(body.value);
  if (!parsed.ok) return problemAnswer(parsed.problem, traceId);
  const items = parsed.value;
  if (!Array.isArray(items) || items.length === 0 || items.length > MAX_BATCH_ITEMS) {
    return problemAnswer(
      invalid([{ pointer: '', detail: `must be an array of 1 to ${MAX_BATCH_ITEMS} mails` }]).problem,
      traceId,
    );
  }
  const results = new Array<unknown>(items.length);
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let index = next++; index < items.length; index = next++)
        results[index] = await acceptItem(call, items[index], index, key.value);
    }),
  );
  return jsonAnswer(207, { results });
}

async function acceptItem(call: HttpCall, value: unknown, index: number, key: string | undefined): Promise<unknown> {
  const { request, runtime, caller, traceId, log } = call;
  const found = await accept();
  if (!found.ok) return { index, status: found.problem.status, problem: problemBody(found.problem, traceId) };
  const acceptance = found.value;
  if (acceptance.kind === 'dryRun') {
    const { kind: _kind, ...rest } = acceptance;
    return { index, status: 200, dryRun: true, ...rest };
  }
  return {
    index,
    status: 202,
    message: acceptanceBody(request, acceptance),
    ...(acceptance.replayed ? { replayed: true } : {}),
  };

  async function accept() {
    try {
      return await acceptMail(
        runtime.accept,
        {
          caller,
          channel: 'http',
          body: { kind: 'request', value },
          traceId,
          ...(key === undefined ? {} : { idempotencyKey: `${key}#${index}` }),
        },
        log,
      );
    } catch (error) {
      // One item's trouble with storage is told for that item: the others may be stored already.
      if (!(error instanceof ServiceFailure)) throw error;
      log('error', {
        event: 'request.failed',
        traceId,
        code: 'storage_unavailable',
        phase: 'storage',
        detail: error.message,
      });
      return refused(
        problem(
          'storage_unavailable',
          'Storage did not answer; nothing is known to be stored. Try this item again, with an Idempotency-Key to be safe.',
        ),
      );
    }
  }
}
