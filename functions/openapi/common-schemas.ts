import { z } from 'zod';
import { PROBLEM_CODES } from './problem-codes.ts';

/** States of a message. */
export const statusSchema = z
  .enum(['queued', 'sending', 'deferred', 'sent', 'failed', 'expired', 'unknown', 'cancelled'])
  .meta({
    id: 'MessageStatus',
    description:
      '`queued`, `sending` and `deferred` are open; the others are final. `sent` means that Exchange answered 250, not that the mail has arrived. `unknown` means that nobody can tell whether Exchange took it.',
  });

/** What is wrong and what to do, from the catalogue of known failures. */
export const diagnosisSchema = z
  .object({
    code: z.string().meta({ description: 'Stable name; new ones may come.' }),
    class: z
      .enum([
        'transient',
        'throttled',
        'authentication',
        'configuration',
        'recipient',
        'content',
        'quota',
        'blocked',
        'inDoubt',
      ])
      .meta({ description: 'What kind of trouble it is, and so who must act.' }),
    cause: z.string().meta({ description: 'Why it happens, in plain words.' }),
    remedy: z.string().meta({ description: 'What to do, with the exact command.' }),
    docs: z.url().meta({ description: 'The entry in the list of errors.' }),
  })
  .meta({ id: 'Diagnosis', description: 'A failure explained.' });

/** One thing wrong with a request. */
export const problemDetailSchema = z
  .object({
    pointer: z.string().meta({
      description:
        'Where: an RFC 6901 pointer into the JSON body, `/name` for a query parameter, empty for the whole request or a header.',
    }),
    detail: z.string().meta({ description: 'What is wrong there.' }),
  })
  .meta({ id: 'ProblemDetail' });

/** RFC 9457. */
export const problemSchema = z
  .object({
    type: z.url().meta({ description: 'Address of the explanation of `code`.' }),
    title: z.string(),
    status: z.int().min(400).max(599).meta({ description: 'The HTTP status, again.' }),
    detail: z.string().meta({ description: 'What is wrong with this very request.' }),
    code: z.enum(PROBLEM_CODES).meta({ id: 'ProblemCode', description: 'Stable name of the refusal.' }),
    errors: z
      .array(problemDetailSchema)
      .meta({ description: 'Each fault by its place; empty where there is no more to say than `detail` does.' }),
    retryable: z.boolean().meta({ description: 'Whether the same request can succeed later.' }),
    remedy: z.string().optional().meta({ description: 'What to do.' }),
    traceId: z.string().meta({ description: 'Names this request in the log.' }),
  })
  .meta({ id: 'Problem', description: 'A refusal as RFC 9457 problem document.' });
