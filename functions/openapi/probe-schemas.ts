import { z } from 'zod';
import { PROBE_PHASES } from '../../shared/domain/probe-run.ts';

const phaseName = z.enum(PROBE_PHASES);

const phaseSchema = z
  .object({
    phase: phaseName,
    ok: z.boolean().nullable().meta({
      description: 'null: not reached, because an earlier phase failed or no connection was free; `detail` says which.',
    }),
    ms: z.int().min(0).meta({ description: 'How long it took.' }),
    detail: z
      .string()
      .meta({ description: 'What was found, or why nothing could be told. For people; secrets removed.' }),
    code: z.string().optional().meta({
      description: 'Code of the diagnosis where it failed; on a phase that went well, of the warning it carries.',
    }),
  })
  .meta({ id: 'ProbePhase', description: 'One step of the mail’s way.' });

const runSchema = z
  .object({
    mailbox: z.string(),
    at: z.iso.datetime().meta({ description: 'When it began.' }),
    ok: z.boolean().nullable().meta({
      description:
        'null: neutral. Nothing could be told, for example because all connections were busy with mail that goes through.',
    }),
    ms: z.int().min(0).meta({ description: 'The whole run’s time.' }),
    code: z.string().optional().meta({ description: 'Code of the diagnosis of the first phase that failed.' }),
    phases: z.array(phaseSchema).meta({ description: 'In order; a phase that does not apply is left out.' }),
    transcript: z
      .array(z.string())
      .optional()
      .meta({ description: 'What was said over SMTP, secrets removed; of a run that failed there.' }),
  })
  .meta({ id: 'ProbeRun', description: 'One walk of the mail’s way for one mailbox, without sending anything.' });

/** `200` of `POST /probe`. */
export const probeRunsSchema = z
  .object({ runs: z.array(runSchema).meta({ description: 'One for each mailbox.' }) })
  .meta({ id: 'ProbeRuns' });

const summarySchema = z
  .object({
    mailbox: z.string(),
    from: z.iso.datetime().meta({ description: 'When the oldest run that counted began.' }),
    runs: z.int().min(0).meta({ description: 'Runs that told something.' }),
    neutral: z.int().min(0).meta({ description: 'Runs in which nothing could be told; they count neither way.' }),
    uptime: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .meta({ description: 'Good runs of those that told something; null where none did.' }),
    phases: z
      .array(
        z.object({
          phase: phaseName,
          p50: z.int().min(0),
          p95: z.int().min(0),
          count: z.int().min(1),
        }),
      )
      .meta({ description: 'Times in ms of each phase, where it went well.' }),
  })
  .meta({ id: 'ProbeSummary' });

/** `200` of `GET /probes`. */
export const probeHistorySchema = z
  .object({
    runs: z.array(runSchema).meta({ description: 'Newest first.' }),
    summary: z.array(summarySchema).optional().meta({
      description:
        'Of the whole range, by mailbox; with the first page alone. A long range over many mailboxes is cut to its newest part.',
    }),
    continuation: z
      .string()
      .optional()
      .meta({ description: 'There are more: give this as `continuation` with the same filters.' }),
  })
  .meta({ id: 'ProbeHistory' });
