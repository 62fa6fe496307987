import type { ProblemCode } from '../../shared/domain/problem.ts';
import type { Example, JsonSchema, MediaType, Reference, Response } from './document-types.ts';
import { statusOfCode } from './problem-codes.ts';
import { titleOfCode } from './problem-examples.ts';

/** Codes that any call with a key can get. */
const ANY_CALL: readonly ProblemCode[] = [
  'unauthenticated',
  'key_in_url',
  'caller_not_allowed',
  'internal_error',
  'settings_invalid',
  'storage_unavailable',
];

/** Codes whose answer says when to come again, where that would help. */
const WITH_RETRY_AFTER: ReadonlySet<ProblemCode> = new Set([
  'idempotency_in_progress',
  'rate_limited',
  'not_cancellable',
  'not_retryable',
  'probe_in_progress',
  'settings_invalid',
  'storage_unavailable',
]);

const STATUS_NOTES: Readonly<Record<number, string>> = {
  401: 'A missing or wrong function key is refused by the platform before the app is reached: then the body is empty.',
};

/** A schema of `components.schemas`. */
export function schemaRef(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

/** A header of `components.headers`, by name. */
export function headerRefs(...names: string[]): Record<string, Reference> {
  return Object.fromEntries(names.map(name => [name, { $ref: `#/components/headers/${name}` }]));
}

/** A JSON answer. */
export function jsonResponse(
  description: string,
  schema: string,
  examples: Record<string, Example>,
  headers?: Record<string, Reference>,
): Response {
  const content: Record<string, MediaType> = { 'application/json': { schema: schemaRef(schema), examples } };
  return { description, ...(headers ? { headers } : {}), content };
}

/** The refusals of an operation by status: its own, and those that any call with a key can get. */
export function problemResponses(...codes: ProblemCode[]): Record<string, Response> {
  const byStatus = Map.groupBy([...codes, ...ANY_CALL], statusOfCode);
  return Object.fromEntries(
    [...byStatus].sort(([a], [b]) => a - b).map(([status, of]) => [status, refusal(status, of)]),
  );
}

function refusal(status: number, codes: readonly ProblemCode[]): Response {
  const headers = [
    ...(codes.some(code => WITH_RETRY_AFTER.has(code)) ? ['Retry-After'] : []),
    ...(status === 401 ? ['WWW-Authenticate'] : []),
  ];
  const note = STATUS_NOTES[status];
  return {
    description: `${codes.map(code => `- \`${code}\`: ${titleOfCode(code)}.`).join('\n')}${note ? `\n\n${note}` : ''}`,
    ...(headers.length > 0 ? { headers: headerRefs(...headers) } : {}),
    content: {
      'application/problem+json': {
        schema: schemaRef('Problem'),
        examples: Object.fromEntries(codes.map(code => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  };
}
