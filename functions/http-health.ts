import type { HttpHandler } from '@azure/functions';
import { contextLog } from './context-log.ts';
import { jsonAnswer } from './http-answer.ts';
import type { RuntimeSource } from './runtime.ts';

/** `GET /api/health`: anonymous, cheap, no detail. */
export function health(runtimeOf: RuntimeSource): HttpHandler {
  return async (_request, context) =>
    runtimeOf(contextLog(context)) ? jsonAnswer(200, { status: 'ok' }) : jsonAnswer(503, { status: 'unavailable' });
}
