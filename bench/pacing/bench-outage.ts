import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchOptions, Findings } from '../support/row.ts';
import { until } from '../support/until.ts';
import { acceptMails, FUNCTIONS, type PacedWorld, shortMail, startPacedWorld } from './paced-world.ts';

const HOSTS = 2;
/** High, so that the backlog drains within minutes; what is judged here is the outage and the order, not the rate. */
const PER_MINUTE = 1200;
const PROBE_EVERY_MS = 60_000;

/**
 * A backlog that meets a mailbox whose sign-in is refused for three minutes, with a probe every minute: how often sign-in
 * is tried, what happens to the backlog meanwhile, and how it drains.
 */
export async function benchOutage({ quick, progress, appFolder }: BenchOptions): Promise<Findings> {
  const mails = quick ? 500 : 10_000;
  const outageMs = quick ? 75_000 : 180_000;
  const world = await startPacedWorld({
    root: await appFolder(),
    hosts: HOSTS,
    mailboxes: 1,
    perMinute: PER_MINUTE,
    functions: [...FUNCTIONS, 'probe'],
  });
  const probes = probeRegularly(world);
  try {
    return await measure(world, mails, outageMs, probes, progress);
  } finally {
    await probes.stop();
    await world.close();
  }
}

interface Probes {
  /** Rounds begun so far; each signs in once. */
  rounds(): number;
  /** Resolves when the next round is over. */
  next(): Promise<void>;
  stop(): Promise<void>;
}

/** The app's own schedule is set to once a year here: so the bench knows how many rounds there were, and when. */
function probeRegularly({ hosts }: PacedWorld): Probes {
  let rounds = 0;
  let round = Promise.resolve();
  const listeners: (() => void)[] = [];
  const timer = setInterval(() => {
    rounds++;
    round = (hosts[0]?.call<void>('run', 'probe') ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => {
        for (const listener of listeners.splice(0)) listener();
      });
  }, PROBE_EVERY_MS);
  return {
    rounds: () => rounds,
    next: () => new Promise(resolve => listeners.push(resolve)),
    async stop() {
      clearInterval(timer);
      await round;
    },
  };
}

async function measure(
  world: PacedWorld,
  mails: number,
  outageMs: number,
  probes: Probes,
  progress: BenchOptions['progress'],
): Promise<Findings> {
  const { m365, taken, mailboxes, hostStorage } = world;
  const [mailbox] = m365.world.mailboxes;
  if (!mailbox) throw new Error('There is no mailbox.');
  mailbox.smtpAuthDisabled = true;
  const begunMs = Date.now();
  const ids = await acceptMails(
    world,
    Array.from({ length: mails }, (_, index) => shortMail(mailboxes[0] ?? '', index)),
  );
  const acceptedMs = Date.now();
  await sleep(Math.max(0, begunMs + outageMs - Date.now()));
  // The worst moment to recover: a probe has just failed, the next one is a whole interval off.
  await probes.next();
  const refused = Object.values(m365.counters.signInFailures).reduce((sum, count) => sum + count, 0);
  const byDeliveries = refused - probes.rounds();
  const reads = hostStorage.messagesRead('mail-submissions');
  mailbox.smtpAuthDisabled = false;
  const recoveredMs = Date.now();
  const quotaMs = (mails / PER_MINUTE) * 60_000;
  await until('all mails', quotaMs * 2 + 3 * PROBE_EVERY_MS, async () => {
    progress(`outage: ${taken.length} of ${mails}`);
    await sleep(200);
    return taken.length >= mails ? true : undefined;
  });
  const first = taken[0]?.atMs ?? 0;
  const last = taken.at(-1)?.atMs ?? 0;
  const far = placesOff(ids, taken);
  const at = (share: number) => far[Math.floor((far.length - 1) * share)] ?? 0;
  const seconds = (ms: number) => (ms / 1000).toFixed(1);
  const name = 'outage';
  return {
    rows: [
      {
        name,
        measured: `sign-ins by deliveries in ${seconds(recoveredMs - begunMs)} s, ${mails} mails waiting, ${HOSTS} hosts`,
        floor: '',
        result: byDeliveries,
        unit: 'sign-ins',
        target: { atMost: 8 },
      },
      {
        name,
        measured: 'queue reads per mail before recovery',
        floor: '',
        result: reads / mails,
        unit: 'reads',
        target: { atMost: 1.1 },
      },
      {
        name,
        measured: 'first mail after recovery',
        floor: '',
        result: (first - recoveredMs) / 1000,
        unit: 's',
        target: { atMost: PROBE_EVERY_MS / 1000 + 10 },
      },
      {
        name,
        measured: '99 % of the mails no further from their place by age than',
        floor: '',
        result: at(0.99),
        unit: 'turns',
        target: { atMost: PER_MINUTE / 20 },
      },
    ],
    remarks: [
      `outage: accepting took ${seconds(acceptedMs - begunMs)} s. ${refused} sign-ins refused, ${probes.rounds()} probes in all; recovery came right after a probe. By age: half of the mails went within ${at(0.5)} places of theirs, 99 % within ${at(0.99)}, all within ${at(1)}; three seconds have ${PER_MINUTE / 20} turns. They took ${seconds(last - first)} s, the quota itself needs ${seconds(quotaMs)} s.`,
    ],
  };
}

/** How many places each mail went before or behind its place by age, in order of size. An id begins with the time at which its mail was accepted. */
function placesOff(ids: readonly string[], taken: readonly { readonly id: string }[]): readonly number[] {
  const place = new Map(ids.toSorted().map((id, index) => [id, index]));
  return taken.map(({ id }, index) => Math.abs((place.get(id) ?? 0) - index)).toSorted((a, b) => a - b);
}
