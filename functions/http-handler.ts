import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import type { Caller } from '../shared/domain/accept-input.ts';
import { admitCaller } from '../shared/domain/callers.ts';
import { ServiceFailure } from '../shared/domain/failure.ts';
import type { Log } from '../shared/domain/ports.ts';
import { type Problem, problem } from '../shared/domain/problem.ts';
import { redact } from '../shared/domain/redact.ts';
import { type CallerAuth, readProof } from './caller.ts';
import { contextLog } from './context-log.ts';
import { claimRequest } from './forwarded-requests.ts';
import { problemAnswer } from './http-answer.ts';
import { drainBody } from './request-body.ts';
import type { Runtime, RuntimeSource } from './runtime.ts';

export interface HttpCall {
  readonly request: HttpRequest;
  /** As they came in; `request.headers` may be empty (forwarded-requests.ts). */
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
    const headers = claimRequest(context.invocationId, request.headers);
    const traceId = traceIdOf(headers, context);
    try {
      const proof = readProof(auth, request.url, headers, process.env);
      if (!proof.ok) return refusal(proof.problem, auth, traceId, log);
      const runtime = runtimeOf(log);
      if (!runtime) {
        return problemAnswer(
          problem('settings_invalid', 'Settings of the app are missing or invalid; its log names each of them.', {
            retryAfterSeconds: 60,
          }),
          traceId,
        );
      }
      const caller = admitCaller(runtime.settings.callers, proof.value);
      if (!caller.ok) return refusal(caller.problem, auth, traceId, log);
      return await handle({ request, headers, caller: caller.value, runtime, traceId, log });
    } catch (error) {
      return failureAnswer(error, traceId, log);
    } finally {
      void drainBody(request);
    }
  };
}

function refusal(found: Problem, auth: CallerAuth, traceId: string, log: Log): HttpResponseInit {
  log('warn', { event: 'caller.refused', traceId, code: found.code });
  return problemAnswer(found, traceId, CHALLENGES[auth]);
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
  if (isClientGone(error)) {
    log('info', { event: 'request.aborted', traceId, detail });
    return problemAnswer(problem('request_invalid', 'The request ended before its body did.'), traceId);
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

/** The client hung up in the middle of its upload. Nobody reads the answer, and it is no fault of ours. */
function isClientGone(error: unknown): boolean {
  const { message, code } = error as { message?: unknown; code?: unknown };
  return code === 'ECONNRESET' || message === 'aborted' || message === 'terminated';
}

/** The trace of the caller where it brings one (W3C Trace Context), otherwise a new one. */
function traceIdOf(headers: Headers, context: InvocationContext): string {
  for (const header of [headers.get('traceparent'), context.traceContext?.traceParent]) {
    const id = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(header ?? '')?.[1];
    if (id !== undefined && !/^0+$/.test(id)) return id;
  }
  return context.invocationId.replaceAll('-', '').toLowerCase().padEnd(32, '0').slice(0, 32);
}
