import type { z } from 'zod';
import type { statusReportSchema } from './status-schemas.ts';

export const statusExample: z.infer<typeof statusReportSchema> = {
  at: '2026-12-01T08:00:00.000Z',
  mode: 'live',
  incidents: [],
  mailboxes: [
    {
      mailbox: 'billing@contoso.com',
      state: 'healthy',
      reasons: [],
      lastProbe: {
        mailbox: 'billing@contoso.com',
        at: '2026-12-01T07:55:00.120Z',
        ok: true,
        ms: 402,
        phases: [
          { phase: 'vault', ok: true, ms: 64, detail: 'exosend-smtp, 87 days left' },
          { phase: 'token', ok: true, ms: 118, detail: 'HTTP 200, 3599 s left' },
          { phase: 'auth', ok: true, ms: 143, detail: '235 2.7.0 Authentication successful' },
          { phase: 'envelope', ok: true, ms: 77, detail: '250 2.1.5 Recipient OK' },
        ],
      },
      credential: {
        kind: 'certificate',
        name: 'exosend-smtp',
        version: '3f9c21d0a7b84e5c9d10e2f3a4b5c6d7',
        expiresAt: '2027-02-26T08:00:00.000Z',
        daysLeft: 87,
      },
      quota: {
        messagesPerMinute: { limit: 30, used: 12 },
        recipientsPerDay: { limit: 10_000, used: 1204 },
      },
      breaker: { state: 'closed' },
      history: null,
    },
  ],
  queues: [
    { name: 'mail-submissions', length: 4 },
    { name: 'mail-submissions-poison', length: 0 },
  ],
  open: { queued: 3, sending: 1, deferred: 0, scheduled: 18, oldestOverdueSeconds: 0 },
  diagnoses: {},
  missing: [],
};
