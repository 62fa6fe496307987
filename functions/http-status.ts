import type { HttpResponseInit } from '@azure/functions';
import { reportStatus } from '../shared/usecases/report-status.ts';
import { jsonAnswer } from './http-answer.ts';
import type { HttpCall } from './http-handler.ts';
import { requireOperator } from './require-operator.ts';

/** `GET /api/status`: for operators. */
export async function status(call: HttpCall): Promise<HttpResponseInit> {
  return requireOperator(call) ?? jsonAnswer(200, await reportStatus(call.runtime.status, call.log));
}
