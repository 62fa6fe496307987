/** One thing wrong with a request: where (RFC 6901 JSON pointer, '' for the whole) and what. */
export interface ProblemDetail {
  readonly pointer: string;
  readonly detail: string;
}

/** Stable codes of refusals; each has an entry of the same name in the diagnosis catalogue. */
export type ProblemCode =
  | 'request_not_json'
  | 'request_invalid'
  | 'parameter_invalid'
  | 'request_too_large'
  | 'unsupported_media_type'
  | 'sender_not_allowed'
  | 'recipient_not_allowed'
  | 'caller_not_allowed'
  | 'unauthenticated'
  | 'key_in_url'
  | 'idempotency_key_invalid'
  | 'idempotency_key_reused'
  | 'idempotency_in_progress'
  | 'message_not_found'
  | 'incident_not_found'
  | 'not_cancellable'
  | 'not_retryable'
  | 'content_gone'
  | 'rate_limited'
  | 'probe_in_progress'
  | 'request_too_old'
  | 'settings_invalid'
  | 'storage_unavailable'
  | 'internal_error';

const STATUS: Record<ProblemCode, number> = {
  request_not_json: 400,
  request_invalid: 422,
  parameter_invalid: 400,
  request_too_large: 413,
  unsupported_media_type: 415,
  sender_not_allowed: 403,
  recipient_not_allowed: 403,
  caller_not_allowed: 403,
  unauthenticated: 401,
  key_in_url: 401,
  idempotency_key_invalid: 400,
  idempotency_key_reused: 422,
  idempotency_in_progress: 409,
  message_not_found: 404,
  incident_not_found: 404,
  not_cancellable: 409,
  not_retryable: 409,
  content_gone: 410,
  rate_limited: 429,
  probe_in_progress: 409,
  request_too_old: 422,
  settings_invalid: 503,
  storage_unavailable: 503,
  internal_error: 500,
};

const RETRYABLE: ReadonlySet<ProblemCode> = new Set([
  'idempotency_in_progress',
  'rate_limited',
  'probe_in_progress',
  'storage_unavailable',
  'settings_invalid',
  'internal_error',
]);

/** A refusal that a use case hands to the edge. `detail` is for the caller: no secrets, no other caller's data. */
export interface Problem {
  readonly code: ProblemCode;
  readonly status: number;
  readonly detail: string;
  readonly errors: readonly ProblemDetail[];
  readonly retryable: boolean;
  readonly retryAfterSeconds?: number;
}

/** Builds a refusal. `retryAfterSeconds` becomes the header Retry-After; `retryable` overrides what the code says. */
export function problem(
  code: ProblemCode,
  detail: string,
  more: {
    readonly errors?: readonly ProblemDetail[];
    readonly retryAfterSeconds?: number;
    readonly retryable?: boolean;
  } = {},
): Problem {
  return {
    code,
    status: STATUS[code],
    detail,
    errors: more.errors ?? [],
    retryable: more.retryable ?? RETRYABLE.has(code),
    ...(more.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: more.retryAfterSeconds }),
  };
}

/** Success or refusal: use cases return this instead of throwing what a caller did wrong. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

export function refused(found: Problem): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem: found };
}

export function accepted<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/** An RFC 6901 pointer from path segments. */
export function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map(segment => `/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
