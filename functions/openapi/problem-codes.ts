import { type ProblemCode, problem } from '../../shared/domain/problem.ts';

/** Every code once: a code that is added does not compile until it stands here. */
const CODES = {
  request_not_json: true,
  idempotency_key_invalid: true,
  parameter_invalid: true,
  unauthenticated: true,
  key_in_url: true,
  caller_not_allowed: true,
  sender_not_allowed: true,
  recipient_not_allowed: true,
  message_not_found: true,
  incident_not_found: true,
  idempotency_in_progress: true,
  not_cancellable: true,
  probe_in_progress: true,
  not_retryable: true,
  content_gone: true,
  request_too_large: true,
  unsupported_media_type: true,
  request_invalid: true,
  idempotency_key_reused: true,
  request_too_old: true,
  rate_limited: true,
  internal_error: true,
  settings_invalid: true,
  storage_unavailable: true,
} as const satisfies Record<ProblemCode, true>;

/** All codes of refusals, by status. */
export const PROBLEM_CODES = Object.keys(CODES) as [ProblemCode, ...ProblemCode[]];

/** Codes that no HTTP answer carries: they end a request from the queue, which then shows as a failed message. */
export const QUEUE_ONLY_CODES: ReadonlySet<ProblemCode> = new Set(['request_too_old']);

/** The HTTP status of a code. */
export function statusOfCode(code: ProblemCode): number {
  return problem(code, '').status;
}
