import { z } from 'zod';
import { PROBE_PHASES } from '../../shared/domain/probe-run.ts';
import { diagnosisSchema } from './common-schemas.ts';

const instant = (description: string) => z.iso.datetime().meta({ description });
const count = () => z.int().min(0);
const code = () => z.string().optional().meta({ description: 'Code of the diagnosis; see `diagnoses`.' });
const phaseName = z.enum(PROBE_PHASES);

const phaseSchema = z.object({
  phase: phaseName,
  ok: z.boolean().nullable().meta({ description: 'Null: not reached.' }),
  ms: z.number().min(0),
  detail: z.string().meta({ description: 'What was found, or what could not be told and why.' }),
  code: code(),
});

const probeSchema = z.object({
  mailbox: z.string(),
  at: instant('When it began.'),
  ok: z.boolean().nullable().meta({ description: 'Null: neutral, nothing could be told.' }),
  ms: z.number().min(0),
  code: code(),
  phases: z.array(phaseSchema),
});

const incidentSchema = z.object({
  id: z.string(),
  mailboxes: z.array(z.string()),
  code: z.string(),
  cause: z.string(),
  remedy: z.string(),
  since: instant('When it began.'),
  lastGood: instant('When it last worked; absent when that was never seen.').optional(),
  state: z.enum(['open', 'closed']),
  acknowledged: z.boolean().meta({ description: 'No reminders until it closes.' }),
});

const credentialSchema = z.object({
  kind: z.enum(['certificate', 'managedIdentity', 'secret']),
  name: z.string().nullable().meta({ description: 'Name in Key Vault; null for a managed identity.' }),
  version: z.string().nullable().meta({ description: 'Null: not known yet.' }),
  expiresAt: instant('Null: not known, or without an end.').nullable(),
  daysLeft: z.int().nullable().meta({ description: 'Whole days; negative after the end.' }),
  fallback: z
    .object({
      reason: z.enum(['refused', 'disabled', 'notYetValid', 'expired', 'unusable']),
      since: instant('Since when, as far as this instance knows.'),
      version: z.string().optional().meta({ description: 'The newest version, which is not in use.' }),
      code: code(),
    })
    .optional()
    .meta({ description: 'An older version serves in place of the newest.' }),
});

const quotaSchema = (description: string) =>
  z.object({ limit: z.int().min(1), used: count().nullable().meta({ description }) });

const uptimeSchema = z.object({
  ratio: z.number().min(0).max(1).nullable().meta({ description: 'Good ÷ (good + failed); null without runs.' }),
  from: instant('Start of the first step.'),
  stepSeconds: z.int().min(1),
  steps: z
    .array(z.array(count()).min(3).max(3))
    .meta({ description: 'Good, failed and neutral runs of each step, oldest first.' }),
});

const historySchema = z.object({
  coveredFrom: instant('How far back runs have been read by this instance; older steps say nothing until then.'),
  day: uptimeSchema,
  week: uptimeSchema,
  phases: z
    .array(
      z.object({
        phase: phaseName,
        p50: z.number().nullable().meta({ description: 'ms, last 24 h.' }),
        p95: z.number().nullable().meta({ description: 'ms, last 24 h.' }),
        recent: z.array(z.number().nullable()).meta({ description: 'ms of the latest runs, oldest first.' }),
      }),
    )
    .meta({ description: 'Times of the phases, of runs in which they went well.' }),
  failures: z
    .array(
      z.object({
        at: instant('When the run began.'),
        phase: phaseName.nullable(),
        code: z.string().nullable(),
        detail: z.string(),
      }),
    )
    .meta({ description: 'The latest failed runs of the week, newest first.' }),
});

const mailboxSchema = z
  .object({
    mailbox: z.string(),
    state: z.enum(['healthy', 'degraded', 'failing', 'unknown']).meta({
      description:
        '`failing`: an incident is open, the breaker is not closed, or the credential has ended. `degraded`: the last probe failed, could not tell or carries a warning, the credential ends within 14 days, or 80 % of the day’s recipients are used. `healthy`: the last probe was good, or without one mail went out in the last 24 h. `unknown`: none of these.',
    }),
    reasons: z
      .array(z.object({ text: z.string(), code: code() }))
      .meta({ description: 'Why it is in this state; empty when healthy.' }),
    lastProbe: probeSchema.nullable().meta({ description: 'Null: none yet, or probes are in `missing`.' }),
    credential: credentialSchema,
    quota: z.object({
      messagesPerMinute: quotaSchema('Turns of the last 60 s, on all instances; null: not known.'),
      recipientsPerDay: quotaSchema('Recipients of the last 24 h, counted by half hours; null: not known.'),
    }),
    breaker: z
      .object({
        state: z.enum(['closed', 'open', 'halfOpen']),
        since: instant('Left out while it is closed.').optional(),
        code: code(),
        nextTrialAt: instant('When one message goes as a trial.').optional(),
      })
      .nullable()
      .meta({ description: 'Null: not known, mailboxes are in `missing`.' }),
    history: historySchema.nullable().meta({ description: 'Null without probes.' }),
  })
  .meta({ id: 'MailboxState', description: 'A mailbox: whether it works, and how far its limits are used.' });

/** `GET /status`. */
export const statusReportSchema = z
  .object({
    at: instant('When it was put together.'),
    mode: z.enum(['live', 'allow-list', 'sandbox']),
    incidents: z.array(incidentSchema).meta({ description: 'Open ones first, then those closed in the last 7 days.' }),
    mailboxes: z.array(mailboxSchema),
    queues: z
      .array(z.object({ name: z.string(), length: count() }))
      .meta({ description: 'As the storage service counts: approximate, hidden messages included.' }),
    open: z
      .object({
        queued: count().meta({ description: 'Due, waiting for its turn.' }),
        sending: count(),
        deferred: count().meta({ description: 'Tried before, waiting for the next attempt.' }),
        scheduled: count().meta({ description: 'Due later.' }),
        oldestOverdueSeconds: count().meta({ description: 'From its due time; 0 when none is due.' }),
        truncated: z.literal(true).optional().meta({ description: 'There is more than was counted.' }),
      })
      .nullable()
      .meta({ description: 'Messages that are not final. Null: not known, messages are in `missing`.' }),
    diagnoses: z.record(z.string(), diagnosisSchema).meta({ description: 'The texts of every code above.' }),
    missing: z
      .array(
        z.object({
          source: z.enum(['incidents', 'probes', 'mailboxes', 'queues', 'messages']),
          code: z.string(),
          detail: z.string(),
        }),
      )
      .meta({ description: 'What did not answer: the rest stands without it.' }),
  })
  .meta({ id: 'StatusReport', description: 'All that is known of the app at this moment.' });
