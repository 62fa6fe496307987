import { z } from 'zod';
import { mailRequestSchema } from '../../shared/domain/mail-request.ts';
import {
  acceptedSchema,
  acknowledgedSchema,
  alertTestSchema,
  batchAnswerSchema,
  dryRunSchema,
  explanationSchema,
  healthSchema,
  messageListSchema,
  messageSchema,
} from './answer-schemas.ts';
import { problemSchema } from './common-schemas.ts';
import type { JsonSchema } from './document-types.ts';
import { probeHistorySchema, probeRunsSchema } from './probe-schemas.ts';
import { asHttpRequest } from './request-schemas.ts';
import { statusReportSchema } from './status-schemas.ts';

/**
 * Every schema with an id, as `components.schemas`: requests from the very schema that checks them, as a caller writes
 * them. Answers stay open for fields to come; requests do not, since unknown fields are refused.
 */
export function componentSchemas(): Record<string, JsonSchema> {
  const all = z.object({
    request: mailRequestSchema,
    accepted: acceptedSchema,
    dryRun: dryRunSchema,
    batch: batchAnswerSchema,
    list: messageListSchema,
    message: messageSchema,
    problem: problemSchema,
    probeRuns: probeRunsSchema,
    probeHistory: probeHistorySchema,
    explanation: explanationSchema,
    health: healthSchema,
    status: statusReportSchema,
    acknowledged: acknowledgedSchema,
    alertTest: alertTestSchema,
  });
  const { $defs } = z.toJSONSchema(all, {
    io: 'input',
    target: 'draft-2020-12',
    override: ({ jsonSchema }) => tidy(jsonSchema as JsonSchema),
  });
  const text = JSON.stringify($defs).replaceAll('"#/$defs/', '"#/components/schemas/');
  const schemas = asHttpRequest(JSON.parse(text) as Record<string, JsonSchema>);
  return Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Zod writes more than its type says: the pattern behind a format, the range of safe integers. */
function tidy(schema: JsonSchema): void {
  if (schema.format === 'date-time') delete schema.pattern;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.type === 'number' && Number.isInteger(schema.const)) schema.type = 'integer';
}
