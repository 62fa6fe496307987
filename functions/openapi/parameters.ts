import { EXAMPLE_ID } from './answer-examples.ts';
import type { Header, Parameter, Reference } from './document-types.ts';
import { EXAMPLE_TRACE_ID } from './problem-examples.ts';

/** Parameters that several operations share, by the name of their component. */
export const sharedParameters = {
  MessageId: {
    name: 'id',
    in: 'path',
    required: true,
    description: 'Id of the message, as the 202 gave it. Upper case counts.',
    schema: { type: 'string', pattern: '^[0-7][0-9A-HJKMNP-TV-Z]{25}$' },
    example: EXAMPLE_ID,
  },
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'Your name for this message: the same key with the same content gives the first answer again and sends nothing. Bare or in double quotes. See the section Idempotency.',
    schema: { type: 'string', minLength: 1, maxLength: 512, pattern: '^[\\u0020-\\u007e]+$' },
    example: 'invoice-42',
  },
  TraceParent: {
    name: 'traceparent',
    in: 'header',
    description: 'W3C Trace Context. Its trace id becomes the `traceId` of answers, messages and log lines.',
    schema: { type: 'string' },
    example: `00-${EXAMPLE_TRACE_ID}-b7ad6b7169203331-01`,
  },
} satisfies Record<string, Parameter>;

/** A parameter of `components.parameters`. */
export function parameterRef(name: keyof typeof sharedParameters): Reference {
  return { $ref: `#/components/parameters/${name}` };
}

/** Headers of answers, as `components.headers`. */
export const answerHeaders: Record<string, Header> = {
  Location: { description: 'Address of the message.', required: true, schema: { type: 'string', format: 'uri' } },
  'Retry-After': {
    description: 'Seconds to wait: before asking for the state after a 202, before trying again after a refusal.',
    schema: { type: 'integer', minimum: 0 },
  },
  'Idempotent-Replayed': {
    description: 'There when the Idempotency-Key was known: this is the first answer, again.',
    schema: { type: 'string', const: 'true' },
  },
  'WWW-Authenticate': { description: 'How to prove who calls.', schema: { type: 'string' } },
};
