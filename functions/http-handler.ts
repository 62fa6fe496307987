import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import type { Caller } from '../shared/domain/accept-input.ts';
import { ServiceFailure } from '../shared/domain/failure.ts';
import type { Log } from '../shared/domain/ports.ts';
import { problem } from '../shared/domain/problem.ts';
import { redact } from '../shared/domain/redact.ts';
import { type CallerAuth, identifyCaller } from './caller.ts';
import { contextLog } from './context-log.ts';
import { problemAnswer } from './http-answer.ts';
import { requestHeaders } from './request-headers.ts';
import type { Runtime, RuntimeSource } from './runtime.ts';

export interface HttpCall {
  readonly request: HttpRequest;
  /** As they came in; `request.headers` may be empty (request-headers.ts). */
  readonly headers: Headers;
  readonly caller: Caller;
  readonly runtime: Runtime;
  readonly traceId: string;
  readonly log: Log;
}

/** What a 401 asks for (RFC 9110 11.6.1). */
const CHALLENGES: Record<CallerAuth, string> = { key: 'ApiKey header="x-functions-key"', entra: 'Bearer' };

/**
 * Wraps what every call shares: trace id, settings, caller, and an answer in any event. With HTTP streaming on, a
 * handler that throws leaves its client hanging, so nothing is thrown from here.
 */
export function httpHandler(
  runtimeOf: RuntimeSource,
  auth: CallerAuth,
  handle: (call: HttpCall) => Promise<HttpResponseInit>,
): HttpHandler {
  return async (request: HttpRequest, context: InvocationContext) => {
    const log = contextLog(context);
    const headers = requestHeaders(context.invocationId, request.headers);
    const traceId = traceIdOf(headers, context);
    try {
      const caller = identifyCaller(auth, request.url, headers, process.env);
      if (!caller.ok) return problemAnswer(caller.problem, traceId, CHALLENGES[auth]);
      const runtime = runtimeOf(log);
      if (!runtime) {
        return problemAnswer(
          problem('settings_invalid', 'Settings of the app are missing or invalid; its log names each of them.', {
            retryAfterSeconds: 60,
          }),
          traceId,
        );
      }
      return await handle({ request, headers, caller: caller.value, runtime, traceId, log });
    } catch (error) {
      return failureAnswer(error, traceId, log);
    } finally {
      // A body that was refused unread would keep the connection busy.
      if (request.body && !request.body.locked) request.body.cancel().catch(() => undefined);
    }
  };
}

function failureAnswer(error: unknown, traceId: string, log: Log): HttpResponseInit {
  const detail = redact(error instanceof Error ? error.message : String(error), 500);
  if (error instanceof ServiceFailure) {
    log('error', { event: 'request.failed', traceId, code: 'storage_unavailable', phase: error.facts.stage, detail });
    return problemAnswer(
      problem(
        'storage_unavailable',
        'A service this app depends on does not answer. Nothing is known to be stored; try again, with an Idempotency-Key to be safe.',
        { retryAfterSeconds: 5 },
      ),
      traceId,
    );
  }
  log('error', {
    event: 'request.failed',
    traceId,
    code: 'internal_error',
    detail,
    stack: error instanceof Error ? redact(error.stack ?? '', 2000) : '',
  });
  return problemAnswer(
    problem('internal_error', `A fault of this app, recorded in its log under traceId ${traceId}.`),
    traceId,
  );
}

/** The trace of the caller where it brings one (W3C Trace Context), otherwise a new one. */
function traceIdOf(headers: Headers, context: InvocationContext): string {
  for (const header of [headers.get('traceparent'), context.traceContext?.traceParent]) {
    const id = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(header ?? '')?.[1];
    if (id !== undefined && !/^0+$/.test(id)) return id;
  }
  return context.invocationId.replaceAll('-', '').toLowerCase().padEnd(32, '0').slice(0, 32);
}
