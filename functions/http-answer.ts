import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import { findEntry } from '../shared/domain/diagnosis/catalogue.ts';
import { problemType } from '../shared/domain/diagnosis/docs-url.ts';
import type { Problem } from '../shared/domain/problem.ts';

const COMMON_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

export function jsonAnswer(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): HttpResponseInit {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...COMMON_HEADERS, ...headers },
    body: JSON.stringify(body),
  };
}

/** A refusal as RFC 9457 application/problem+json. */
export function problemBody(found: Problem, traceId: string) {
  const entry = findEntry(found.code);
  return {
    type: problemType(found.code),
    title: entry?.title ?? found.code,
    status: found.status,
    detail: found.detail,
    code: found.code,
    errors: found.errors,
    retryable: found.retryable,
    ...(entry ? { remedy: entry.remedy } : {}),
    traceId,
  };
}

export function problemAnswer(found: Problem, traceId: string, challenge?: string): HttpResponseInit {
  const answer = jsonAnswer(found.status, problemBody(found, traceId), {
    'content-type': 'application/problem+json; charset=utf-8',
    ...(found.retryAfterSeconds === undefined ? {} : { 'retry-after': String(found.retryAfterSeconds) }),
    ...(found.status === 401 && challenge !== undefined ? { 'www-authenticate': challenge } : {}),
  });
  return answer;
}

/** Where the messages are, as this caller reached us: `https://host/api/messages`. */
export function messagesUrl(request: HttpRequest): string {
  const url = new URL(request.url);
  const at = url.pathname.indexOf('/messages');
  return `${url.origin}${url.pathname.slice(0, at < 0 ? url.pathname.length : at)}/messages`;
}
