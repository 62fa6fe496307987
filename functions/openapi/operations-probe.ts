import type { z } from 'zod';
import type { Operation, Parameter } from './document-types.ts';
import type { probeHistorySchema, probeRunsSchema } from './probe-schemas.ts';
import { jsonResponse, problemResponses } from './responses.ts';

type Run = z.infer<typeof probeRunsSchema>['runs'][number];

const good: Run = {
  mailbox: 'billing@contoso.com',
  at: '2026-12-01T08:00:00.010Z',
  ok: true,
  ms: 912,
  phases: [
    {
      phase: 'settings',
      ok: true,
      ms: 0,
      detail: 'app … with certificate exosend-smtp; smtp.office365.com:587; mode live',
    },
    { phase: 'token', ok: true, ms: 143, detail: 'HTTP 200; aud https://outlook.office365.com; …; 3598 s left' },
    { phase: 'auth', ok: true, ms: 380, detail: '235 2.7.0 Authentication successful' },
    { phase: 'envelope', ok: true, ms: 95, detail: 'MAIL and RCPT accepted, taken back with RSET' },
  ],
};
const failed: Run = {
  ...good,
  ok: false,
  code: 'entra_certificate_not_registered',
  phases: [
    ...good.phases.slice(0, 1),
    {
      phase: 'token',
      ok: false,
      ms: 120,
      detail:
        'HTTP 401: AADSTS700027: The certificate with identifier used to sign the client assertion is not registered …',
      code: 'entra_certificate_not_registered',
    },
    { phase: 'auth', ok: null, ms: 0, detail: 'not known whether the mailbox may sign in: token failed' },
  ],
};
const history: z.infer<typeof probeHistorySchema> = {
  runs: [failed, good],
  summary: [
    {
      mailbox: good.mailbox,
      from: good.at,
      runs: 2,
      neutral: 0,
      uptime: 0.5,
      phases: [{ phase: 'token', p50: 143, p95: 143, count: 1 }],
    },
  ],
};

const mailbox: Parameter = {
  name: 'mailbox',
  in: 'query',
  description: 'Only this mailbox.',
  schema: { type: 'string', maxLength: 254 },
  example: 'billing@contoso.com',
};

export const probeNow: Operation = {
  operationId: 'probeNow',
  tags: ['Watching'],
  summary: 'Probe now',
  description:
    'Walks the mail’s way for every mailbox, or one: managed identity, Key Vault, Entra ID, DNS, TCP, TLS, sign-in, MAIL and RCPT. Nothing is sent, and nothing is taken from a cache. Where a round is under way, its runs are the answer. Takes seconds; up to a minute or two while servers are silent.',
  parameters: [mailbox],
  responses: {
    200: jsonResponse('What was found.', 'ProbeRuns', {
      good: { summary: 'All is well', value: { runs: [good] } },
      failed: { summary: 'Entra ID refuses the certificate', value: { runs: [failed] } },
    }),
    ...problemResponses('parameter_invalid', 'probe_in_progress'),
  },
};

export const listProbes: Operation = {
  operationId: 'listProbes',
  tags: ['Watching'],
  summary: 'List runs of the probe',
  description:
    'Newest first, with uptime and times per phase over the whole range. Runs are kept 30 days, failed ones 90. Other query parameters are refused.',
  parameters: [
    mailbox,
    {
      name: 'from',
      in: 'query',
      description: 'Begun at this time or later; default: 24 hours before `to`.',
      schema: { type: 'string', format: 'date-time' },
      example: '2026-12-01T00:00:00Z',
    },
    {
      name: 'to',
      in: 'query',
      description: 'Begun at this time or earlier; default: now.',
      schema: { type: 'string', format: 'date-time' },
      example: '2026-12-02T00:00:00Z',
    },
    {
      name: 'limit',
      in: 'query',
      description: 'How many at most.',
      schema: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
      example: 50,
    },
    {
      name: 'continuation',
      in: 'query',
      description: 'As the page before gave it, with the same filters.',
      schema: { type: 'string', maxLength: 512 },
    },
  ],
  responses: {
    200: jsonResponse('A page.', 'ProbeHistory', { page: { summary: 'A failed and a good run', value: history } }),
    ...problemResponses('parameter_invalid'),
  },
};
