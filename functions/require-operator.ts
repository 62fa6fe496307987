import type { HttpResponseInit } from '@azure/functions';
import { problem } from '../shared/domain/problem.ts';
import { problemAnswer } from './http-answer.ts';
import type { HttpCall } from './http-handler.ts';

/** The refusal for a caller that is no operator; undefined for one that is. For routes that show or change what is not the caller's own. */
export function requireOperator({
  caller,
  traceId,
}: Pick<HttpCall, 'caller' | 'traceId'>): HttpResponseInit | undefined {
  if (caller.isOperator) return undefined;
  return problemAnswer(
    problem(
      'caller_not_allowed',
      'This is for operators: "operator": true in MAIL_CALLERS, or the app role Mail.Operate.',
    ),
    traceId,
  );
}
