import type { z } from 'zod';
import { findEntry } from '../../shared/domain/diagnosis/catalogue.ts';
import { type ProblemCode, type ProblemDetail, problem } from '../../shared/domain/problem.ts';
import { problemBody } from '../http-answer.ts';
import type { problemSchema } from './common-schemas.ts';
import type { Example } from './document-types.ts';
import { PROBLEM_CODES } from './problem-codes.ts';

/** The trace of every example. */
export const EXAMPLE_TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

const DETAILS: Record<ProblemCode, { readonly detail: string; readonly errors?: readonly ProblemDetail[] }> = {
  request_not_json: {
    detail: 'The body is not valid JSON (at character 41).',
    errors: [{ pointer: '', detail: 'must be JSON in UTF-8' }],
  },
  request_invalid: {
    detail:
      'The request cannot be taken: /to/0 has no @; write user@example.com or "Name <user@example.com>" (and 1 more).',
    errors: [
      { pointer: '/to/0', detail: 'has no @; write user@example.com or "Name <user@example.com>"' },
      { pointer: '/colour', detail: 'is not a field of a mail request' },
    ],
  },
  parameter_invalid: {
    detail: 'The query is not valid.',
    errors: [{ pointer: '/from', detail: 'must be a time as 2026-12-01T08:00:00Z' }],
  },
  request_too_large: {
    detail: 'The mail is 36912044 bytes, more than the 36700160 bytes that may be sent here.',
    errors: [{ pointer: '', detail: 'limit: 36700160 bytes' }],
  },
  unsupported_media_type: {
    detail: 'Content-Type must be application/json, message/rfc822 or multipart/form-data.',
    errors: [{ pointer: '', detail: 'header Content-Type: application/json, message/rfc822 or multipart/form-data' }],
  },
  sender_not_allowed: {
    detail: 'Nobody may send as ceo@contoso.com here.',
    errors: [{ pointer: '/from', detail: 'matches no From pattern of the configured senders' }],
  },
  recipient_not_allowed: {
    detail: 'This environment sends only to addresses on its allow-list; 1 of 2 recipients are not on it.',
    errors: [{ pointer: '', detail: 'ada@example.com is not on the allow-list (MAIL_ALLOW_LIST)' }],
  },
  caller_not_allowed: {
    detail:
      'MAIL_CALLERS does not list the calling app by its appId, and it has neither the role Mail.Send nor Mail.Operate.',
  },
  unauthenticated: { detail: 'A token from Entra ID is needed: Authorization: Bearer ….' },
  key_in_url: { detail: 'A key in the URL ends up in logs. Send it as the header x-functions-key.' },
  idempotency_key_invalid: {
    detail: 'Idempotency-Key must be 1 to 255 printable ASCII characters.',
    errors: [{ pointer: '', detail: 'header Idempotency-Key: 1 to 255 printable ASCII characters' }],
  },
  idempotency_key_reused: {
    detail: 'This Idempotency-Key was used for another message. Take a new key for each message.',
    errors: [{ pointer: '', detail: 'header Idempotency-Key: used before with other content' }],
  },
  idempotency_in_progress: { detail: 'The first request with this Idempotency-Key is still being stored.' },
  message_not_found: { detail: 'There is no message of this id.' },
  incident_not_found: { detail: 'There is no incident of this id, open or lately closed.' },
  not_cancellable: { detail: 'The message is sent; only a message that has not been submitted can be cancelled.' },
  not_retryable: { detail: 'The message is sent; only a failed or unknown one can be tried again.' },
  content_gone: { detail: 'The content of the message is no longer kept; send it anew.' },
  probe_in_progress: {
    detail: 'Another round of probes is still under way; its runs will be in GET /api/probes.',
  },
  rate_limited: { detail: 'The caller has used up its messages of this minute.' },
  request_too_old: { detail: 'The request was on the queue for 26 hours, longer than MAIL_DEADLINE_HOURS.' },
  settings_invalid: { detail: 'Settings of the app are missing or invalid; its log names each of them.' },
  storage_unavailable: {
    detail:
      'A service this app depends on does not answer. Nothing is known to be stored; try again, with an Idempotency-Key to be safe.',
  },
  internal_error: { detail: `A fault of this app, recorded in its log under traceId ${EXAMPLE_TRACE_ID}.` },
};

/** The answer with this code, made as the app makes it. */
export function problemExample(code: ProblemCode): z.infer<typeof problemSchema> {
  const { detail, errors = [] } = DETAILS[code];
  return { ...problemBody(problem(code, detail), EXAMPLE_TRACE_ID), errors: [...errors] };
}

/** One example for each code, as `components.examples`. */
export function problemExamples(): Record<string, Example> {
  return Object.fromEntries(
    PROBLEM_CODES.map(code => [code, { summary: titleOfCode(code), value: problemExample(code) }]),
  );
}

/** What the catalogue of failures calls it. */
export function titleOfCode(code: ProblemCode): string {
  return findEntry(code)?.title ?? code;
}
