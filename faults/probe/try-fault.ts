import { setTimeout as sleep } from 'node:timers/promises';
import { CLIENT_ID, newMailbox, secretVersion, TENANT_ID } from '../../local/m365/default-world.ts';
import type { M365 } from '../../local/m365/m365.ts';
import { type App, startApp } from '../../test/support/app.ts';
import { startWebhookReceiver } from '../../test/support/webhook-receiver.ts';
import { HOOK_SECRET, isOfType, type Notice, noticeOf } from './notices.ts';
import { MAILBOX, OTHER_MAILBOX, type ProbeFault } from './probe-fault.ts';
import { CERTIFICATE } from './probe-faults.ts';

/** What came of one fault. */
export interface Trial {
  readonly fault: ProbeFault;
  /** Everything that arrived, in its order. */
  readonly notices: readonly Notice[];
  /** Runs until the alert that saw the fault or could have. Undefined without an alert. */
  readonly runs?: number;
  readonly seconds?: number;
  /** Why the trial itself could not be carried through. */
  readonly broken?: string;
}

/** A probe run as the API gives it, what is looked at of it. */
interface SeenRun {
  /** When it began, ISO 8601. */
  readonly at: string;
  readonly ms: number;
  readonly ok: boolean | null;
}

const EVERY_FIVE_SECONDS = '*/5 * * * * *';
const NEVER = '0 0 0 1 1 *';
const ALERT_PATIENCE_MS = 60_000;
const CLOSE_PATIENCE_MS = 60_000;
const RUN_PATIENCE_MS = 60_000;
/** Runs that are watched for a second alert, and for another word after the end. */
const MORE_RUNS = 2;

/**
 * Starts a cloud of its own, waits until all is well, switches the fault on, waits for the alert, takes the fault away and
 * waits for the end of the alert. A cloud for each: what one fault leaves behind must not make the next one easier.
 */
export async function tryFault(fault: ProbeFault): Promise<Trial> {
  const receiver = await startWebhookReceiver();
  const mailboxes = fault.mailboxes ?? [MAILBOX, OTHER_MAILBOX];
  let app: App | undefined;
  try {
    app = await startApp({
      env: {
        PROBE_SCHEDULE: EVERY_FIVE_SECONDS,
        PROBE_CANARY_SCHEDULE: NEVER,
        MAIL_SENDERS: JSON.stringify([senderOf(mailboxes)]),
        ALERT_CHANNELS: JSON.stringify([
          { kind: 'webhook', url: `http://127.0.0.1:${receiver.port}/`, secretName: 'hook-secret' },
        ]),
      },
      m365: {
        world: world => ({
          ...world,
          mailboxes: mailboxes.map(address => newMailbox(address, [world.clientId])),
          vault: { ...world.vault, secrets: { ...world.vault.secrets, 'hook-secret': [secretVersion(HOOK_SECRET)] } },
        }),
      },
    });
    const { m365 } = app;
    await untilRuns(app, Date.now(), 1, ({ ok }) => ok === true);
    const heal = healer(m365);
    await fault.strike(m365);
    const onMs = Date.now();
    const opened = await receiver.waitFor(isOfType('incident.opened'), ALERT_PATIENCE_MS).catch(() => undefined);
    if (!opened) return { fault, notices: receiver.calls.map(noticeOf) };
    const runs = (await runsOf(app)).filter(run => isLook(run, onMs) && Date.parse(run.at) <= opened.atMs).length;
    await untilRuns(app, Date.now(), MORE_RUNS);
    heal();
    await receiver.waitFor(isOfType('incident.closed'), CLOSE_PATIENCE_MS).catch(() => undefined);
    await untilRuns(app, Date.now(), MORE_RUNS);
    return { fault, notices: receiver.calls.map(noticeOf), runs, seconds: (opened.atMs - onMs) / 1000 };
  } finally {
    await app?.close();
    await receiver.close();
  }
}

const senderOf = (mailboxes: readonly string[]) => ({
  mailboxes,
  tenantId: TENANT_ID,
  clientId: CLIENT_ID,
  credential: { kind: 'certificate', name: CERTIFICATE },
});

/** Keeps the world as it is now; what it gives brings it back. */
function healer({ world, faults }: M365): () => void {
  const pristine = structuredClone(world);
  return () => {
    faults.clear();
    Object.assign(world, pristine);
  };
}

/** Began with the fault on, or met it on its way. */
function isLook({ at, ms, ok }: SeenRun, onMs: number): boolean {
  const startMs = Date.parse(at);
  return startMs >= onMs || (startMs + ms >= onMs && ok === false);
}

async function runsOf(app: App): Promise<readonly SeenRun[]> {
  const { body } = await app.call('GET', `/api/probes?mailbox=${MAILBOX}&limit=100`);
  return body.runs;
}

/** Until so many runs that fit have begun after that time and ended. */
async function untilRuns(app: App, sinceMs: number, count: number, fits = (_run: SeenRun) => true): Promise<void> {
  const endMs = Date.now() + RUN_PATIENCE_MS;
  while ((await runsOf(app)).filter(run => Date.parse(run.at) > sinceMs && fits(run)).length < count) {
    if (Date.now() > endMs) throw new Error(`There were not ${count} such runs within ${RUN_PATIENCE_MS / 1000} s.`);
    await sleep(250);
  }
}
