import { entryOf } from '../../shared/domain/diagnosis/catalogue.ts';
import { diagnosisOf } from '../../shared/domain/diagnosis/diagnose.ts';
import { addRuns, digestView, emptyDigest, WEEK_MS } from '../../shared/domain/probe-digest.ts';
import type { ProbePhase, ProbeRun } from '../../shared/domain/probe-run.ts';
import type { MailboxStatus, StatusReport } from '../../shared/domain/status-report.ts';

const MINUTE_MS = 60_000;
const iso = (ms: number) => new Date(ms).toISOString();

const USUAL: readonly (readonly [ProbePhase, number, string])[] = [
  ['settings', 1, '1 sender, mode live'],
  ['identity', 38, 'user-assigned identity'],
  ['vault', 64, 'exosend-smtp, version 3f9c21d0'],
  ['token', 118, 'HTTP 200, 3599 s left'],
  ['dns', 6, '8 addresses'],
  ['tcp', 21, '52.98.151.66:587'],
  ['greeting', 34, '220 AM0PR04CA0001.outlook.office365.com'],
  ['ehlo', 19, 'STARTTLS offered'],
  ['tls', 52, 'TLSv1.3, TLS_AES_256_GCM_SHA384, 61 days left'],
  ['ehlo2', 20, 'AUTH LOGIN XOAUTH2, SIZE 157286400'],
  ['auth', 143, '235 2.7.0 Authentication successful'],
  ['envelope', 77, '250 2.1.5 Recipient OK'],
];

/** A run whose times vary with its number, and which fails at `failAt` where that is given. */
export function probeRun(mailbox: string, atMs: number, number: number, failAt?: ProbePhase, code?: string): ProbeRun {
  let isOver = false;
  const phases = USUAL.map(([phase, ms, detail]) => {
    const took = Math.round(ms * (0.85 + ((number * 7919) % 100) / 260));
    if (isOver) return { phase, ok: null, ms: 0, detail: `not reached: ${failAt} failed` };
    if (phase !== failAt) return { phase, ok: true, ms: took, detail };
    isOver = true;
    return { phase, ok: false, ms: took, detail: '535 5.7.3 Authentication unsuccessful', ...(code ? { code } : {}) };
  });
  const ms = phases.reduce((sum, phase) => sum + phase.ms, 0);
  return { mailbox, at: iso(atMs), ok: failAt === undefined, ms, ...(code ? { code } : {}), phases };
}

export interface MailboxStory {
  readonly mailbox: string;
  /** Failing at `auth` since so many minutes; a short failure lay in the night before anyway. */
  readonly failingMinutes?: number;
  readonly changes?: Partial<MailboxStatus>;
}

const CODE = 'smtp_auth_unsuccessful';

export function mailboxStatus(
  { mailbox, failingMinutes = 0, changes = {} }: MailboxStory,
  nowMs: number,
): MailboxStatus {
  const runs: ProbeRun[] = [];
  for (let number = 0; number < 2016; number++) {
    const atMs = nowMs - 40_000 - number * 5 * MINUTE_MS;
    const minutes = (nowMs - atMs) / MINUTE_MS;
    const isBad = minutes < failingMinutes || (minutes > 3_100 && minutes < 3_150);
    runs.push(isBad ? probeRun(mailbox, atMs, number, 'auth', CODE) : probeRun(mailbox, atMs, number));
  }
  const digest = emptyDigest();
  addRuns(digest, runs, nowMs);
  return {
    mailbox,
    state: 'healthy',
    reasons: [],
    lastProbe: runs[0] ?? null,
    credential: {
      kind: 'certificate',
      name: 'exosend-smtp',
      version: '3f9c21d0a7b84e5c9d10e2f3a4b5c6d7',
      expiresAt: iso(nowMs + 87.4 * 86_400_000),
      daysLeft: 87,
    },
    quota: { messagesPerMinute: { limit: 30, used: 12 }, recipientsPerDay: { limit: 10_000, used: 1_204 } },
    breaker: { state: 'closed' },
    history: digestView(digest, nowMs - WEEK_MS, nowMs),
    ...changes,
  };
}

const QUEUES = ['mail-requests', 'mail-submissions', 'mail-submissions-high', 'mail-events'];

export function healthyStatus(nowMs = Date.now()): StatusReport {
  return {
    at: iso(nowMs),
    mode: 'live',
    incidents: [],
    mailboxes: [
      mailboxStatus({ mailbox: 'billing@contoso.com' }, nowMs),
      mailboxStatus(
        {
          mailbox: 'noreply@contoso.com',
          changes: {
            quota: { messagesPerMinute: { limit: 30, used: 3 }, recipientsPerDay: { limit: 10_000, used: 318 } },
          },
        },
        nowMs,
      ),
    ],
    queues: QUEUES.flatMap(name => [
      { name, length: name === 'mail-submissions' ? 4 : 0 },
      { name: `${name}-poison`, length: 0 },
    ]),
    open: { queued: 3, sending: 1, deferred: 2, scheduled: 18, oldestOverdueSeconds: 0 },
    diagnoses: { [CODE]: diagnosisOf(entryOf(CODE)) },
    missing: [],
  };
}

export function failingStatus(nowMs = Date.now()): StatusReport {
  const since = iso(nowMs - 47 * MINUTE_MS);
  const { cause, remedy } = entryOf(CODE);
  const healthy = healthyStatus(nowMs);
  return {
    ...healthy,
    incidents: [
      {
        id: 'inc-01KAK7T',
        mailboxes: ['billing@contoso.com'],
        code: CODE,
        cause,
        remedy,
        since,
        lastGood: iso(nowMs - 52 * MINUTE_MS),
        state: 'open',
        acknowledged: false,
      },
      {
        id: 'inc-01KAJ00',
        mailboxes: ['noreply@contoso.com'],
        code: 'tcp_timeout',
        cause: entryOf('tcp_timeout').cause,
        remedy: entryOf('tcp_timeout').remedy,
        since: iso(nowMs - 3_120 * MINUTE_MS),
        state: 'closed',
        acknowledged: true,
      },
    ],
    mailboxes: [
      mailboxStatus(
        {
          mailbox: 'billing@contoso.com',
          failingMinutes: 50,
          changes: {
            state: 'failing',
            reasons: [
              { code: CODE, text: `Sending is held since ${since}.` },
              { code: CODE, text: 'The last probe failed at auth.' },
            ],
            breaker: { state: 'open', since, code: CODE, nextTrialAt: iso(nowMs + 3 * MINUTE_MS) },
          },
        },
        nowMs,
      ),
      mailboxStatus(
        {
          mailbox: 'noreply@contoso.com',
          changes: {
            state: 'degraded',
            reasons: [
              { text: 'The certificate ends in 9 days.' },
              { code: 'mailbox_quota_reached', text: '8412 of 10000 recipients of 24 hours are used.' },
            ],
            credential: {
              kind: 'certificate',
              name: 'exosend-smtp',
              version: 'a1b2c3d4e5f60718293a4b5c6d7e8f90',
              expiresAt: iso(nowMs + 9.5 * 86_400_000),
              daysLeft: 9,
            },
            quota: { messagesPerMinute: { limit: 30, used: 29 }, recipientsPerDay: { limit: 10_000, used: 8_412 } },
          },
        },
        nowMs,
      ),
    ],
    queues: healthy.queues.map(queue => (queue.name === 'mail-requests-poison' ? { ...queue, length: 2 } : queue)),
    open: { queued: 41, sending: 0, deferred: 7, scheduled: 18, oldestOverdueSeconds: 46 * 60 },
    diagnoses: {
      ...healthy.diagnoses,
      mailbox_quota_reached: diagnosisOf(entryOf('mailbox_quota_reached')),
      tcp_timeout: diagnosisOf(entryOf('tcp_timeout')),
    },
    missing: [],
  };
}

/** A fresh deployment: nothing probed, nothing sent, nothing known of the credential. */
export function emptyStatus(nowMs = Date.now()): StatusReport {
  const [first] = healthyStatus(nowMs).mailboxes;
  if (!first) throw new Error('The fixture has no mailbox.');
  return {
    ...healthyStatus(nowMs),
    mailboxes: [
      {
        ...first,
        state: 'unknown',
        lastProbe: null,
        history: null,
        credential: { ...first.credential, version: null, expiresAt: null, daysLeft: null },
        quota: { messagesPerMinute: { limit: 30, used: 0 }, recipientsPerDay: { limit: 10_000, used: 0 } },
      },
    ],
    queues: QUEUES.map(name => ({ name, length: 0 })),
    open: { queued: 0, sending: 0, deferred: 0, scheduled: 0, oldestOverdueSeconds: 0 },
    diagnoses: {},
  };
}
