import { z } from 'zod';
import { diagnosisSchema, problemSchema, statusSchema } from './common-schemas.ts';

const instant = (description: string) => z.iso.datetime().meta({ description });
const count = () => z.int().min(0);

const recipientSchema = z
  .object({
    address: z.string(),
    outcome: z.enum(['pending', 'accepted', 'deferred', 'refused']).meta({
      description:
        '`pending` has no answer yet. `accepted`: Exchange answered 250 for this address. `deferred`: refused for now (4xx) and tried again alone. `refused`: refused for good.',
    }),
    reply: z.string().optional().meta({ description: 'Last SMTP reply for this recipient, secrets removed.' }),
    diagnosis: diagnosisSchema.optional(),
  })
  .meta({ id: 'Recipient', description: 'One address of To, Cc or Bcc and what became of it.' });

const eventSchema = z
  .object({
    at: instant('When it happened.'),
    status: statusSchema.meta({ description: 'State of the message from here on.' }),
    attempt: count().optional().meta({ description: 'Number of the attempt, from 1.' }),
    reply: z.string().optional().meta({ description: 'SMTP reply of the attempt, secrets removed.' }),
    diagnosis: diagnosisSchema.optional(),
    nextAttemptAt: instant('When the next attempt is due; with `deferred`.').optional(),
    inDoubt: z.literal(true).optional().meta({
      description: 'The attempt ended without it being known whether Exchange took the mail.',
    }),
    refusedRecipients: count().optional().meta({ description: 'Recipients refused for good.' }),
    note: z.string().optional().meta({ description: 'What a person should know and no field says.' }),
  })
  .meta({ id: 'MessageEvent', description: 'One step of a message.' });

const identity = {
  id: z
    .string()
    .regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
    .meta({ description: 'ULID: ids sort by the time of acceptance.' }),
  status: statusSchema,
  createdAt: instant('When the message was accepted.'),
  updatedAt: instant('Last change of the record.'),
  from: z.string().meta({ description: 'Address the mail is sent as. Empty for a queue request that was refused.' }),
  mailbox: z.string().meta({ description: 'Mailbox it is submitted by. Empty for a queue request that was refused.' }),
  attempts: count().meta({ description: 'Attempts begun so far.' }),
  metadata: z.record(z.string(), z.string()).meta({ description: 'As the request gave it; never sent.' }),
};

/** `GET` and `DELETE /messages/{id}`. */
export const messageSchema = z
  .object({
    ...identity,
    finalAt: instant('When the message reached a final state.').optional(),
    priority: z.enum(['high', 'normal', 'low']),
    sendAt: instant('Not submitted before this time.').optional(),
    expiresAt: instant('Not submitted after this time.').optional(),
    deadlineAt: instant('Attempts end here.'),
    nextAttemptAt: instant('When the next attempt is due; while `queued` or `deferred`.').optional(),
    bytes: count().meta({ description: 'Size of the composed mail.' }),
    messageId: z.string().meta({ description: 'Message-ID header of the mail, with angle brackets.' }),
    serverMessageId: z.string().optional().meta({
      description:
        'The Message-ID that Exchange put in its place, as its 250 names it; the one to look for in a message trace.',
    }),
    recipients: z.array(recipientSchema),
    refusedRecipients: count().optional().meta({ description: 'How many were refused for good; left out when none.' }),
    reply: z.string().optional().meta({ description: 'Last SMTP reply, secrets removed.' }),
    diagnosis: diagnosisSchema.optional().meta({ description: 'Why the message is where it is; never on `sent`.' }),
    errors: problemSchema.shape.errors.optional().meta({ description: 'Faults of a queue request that was refused.' }),
    simulated: z.literal(true).optional().meta({ description: 'Sandbox: nothing was submitted to Exchange.' }),
    traceId: z.string().meta({ description: 'The trace of the request that brought the message.' }),
    events: z.array(eventSchema).meta({ description: 'Timeline: the first 3 and the latest events, 40 at most.' }),
  })
  .meta({ id: 'Message', description: 'A message: state, timeline, and the outcome for each recipient.' });

/** One line of a list. */
export const messageSummarySchema = z
  .object({
    ...identity,
    recipientCount: count(),
    code: z.string().optional().meta({ description: 'Code of the diagnosis; never on `sent`.' }),
  })
  .meta({ id: 'MessageSummary', description: 'A message without timeline and recipients.' });

/** `GET /messages`. */
export const messageListSchema = z
  .object({
    messages: z.array(messageSummarySchema).meta({ description: 'Newest first.' }),
    continuation: z.string().optional().meta({
      description:
        'There may be more: give this as `continuation` with the same filters. A page can be short or even empty and still have one.',
    }),
  })
  .meta({ id: 'MessageList' });

/** `202` of `POST /messages` and `POST /messages/{id}/retry`. */
export const acceptedSchema = z
  .object({
    id: identity.id,
    status: z.literal('queued'),
    statusUrl: z.url().meta({ description: 'Where to ask for the state; also in Location.' }),
  })
  .meta({ id: 'Accepted', description: 'The message is stored and will be sent: from here on it is ours to lose.' });

const composed = {
  dryRun: z.literal(true),
  mailbox: z.string().meta({ description: 'Mailbox that would submit the mail.' }),
  recipients: z.array(z.string()).meta({ description: 'Envelope: each address once.' }),
  headers: z.string().meta({ description: 'Header section as it would be sent.' }),
  bytes: count().meta({ description: 'Size of the whole mail.' }),
};

/** `200` of `POST /messages` with `dryRun`. */
export const dryRunSchema = z.object(composed).meta({
  id: 'DryRun',
  description: 'Everything was checked and composed; nothing was stored, nothing will be sent.',
});

const position = { index: count().meta({ description: 'Place of the mail in the request, from 0.' }) };

/** One entry of a batch answer. */
export const batchResultSchema = z
  .union([
    z
      .object({
        ...position,
        status: z.literal(202),
        message: acceptedSchema,
        replayed: z.literal(true).optional().meta({ description: 'The first answer to this key, again.' }),
      })
      .meta({ title: 'Accepted mail' }),
    z.object({ ...position, status: z.literal(200), ...composed }).meta({ title: 'Dry run of a mail' }),
    z
      .object({
        ...position,
        status: z.int().min(400).max(599).meta({ description: 'The status this mail alone would have got.' }),
        problem: problemSchema,
      })
      .meta({ title: 'Refused mail' }),
  ])
  .meta({ id: 'BatchResult', description: 'What became of one mail: told apart by `message`, `dryRun` or `problem`.' });

/** `207` of `POST /messages/batch`. */
export const batchAnswerSchema = z
  .object({ results: z.array(batchResultSchema).meta({ description: 'One per mail, in the order of the request.' }) })
  .meta({ id: 'BatchAnswer' });

const matchSchema = z
  .object({
    ...diagnosisSchema.omit({ docs: true }).shape,
    source: z.string().meta({ description: 'Public source of the facts.' }),
    retry: z
      .enum(['never', 'soon', 'slow', 'afterAuthFix', 'quotaWindow', 'fewTries', 'onceRefreshed'])
      .meta({ description: 'What the queue does about it.' }),
  })
  .meta({ id: 'ExplainMatch' });

/** `GET /explain`. */
export const explanationSchema = z
  .object({ matches: z.array(matchSchema).max(5).meta({ description: 'Best first; empty when nothing is known.' }) })
  .meta({ id: 'Explanation' });

/** `POST /incidents/{id}/ack`. */
export const acknowledgedSchema = z
  .object({ id: identity.id.meta({ description: 'Id of the incident.' }), acknowledged: z.literal(true) })
  .meta({ id: 'Acknowledged' });

/** `POST /alerts/test`. */
export const alertTestSchema = z
  .object({
    channels: z
      .array(
        z
          .object({
            kind: z.string().meta({ description: '`webhook`, `teams`, `slack`, `pagerduty` or `heartbeat`.' }),
            target: z
              .string()
              .meta({ description: 'Host of the channel, or the name of the secret with its address.' }),
            taken: z
              .boolean()
              .meta({ description: 'Whether it answered 2xx. Whether a person saw it, ask the person.' }),
            reason: z.string().optional().meta({ description: 'Why not.' }),
          })
          .meta({ id: 'ChannelTest' }),
      )
      .meta({ description: 'One for each entry of `ALERT_CHANNELS`; heartbeats last.' }),
  })
  .meta({ id: 'AlertTest' });

/** `GET /health`. */
export const healthSchema = z.object({ status: z.enum(['ok', 'unavailable']) }).meta({ id: 'Health' });
