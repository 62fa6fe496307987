import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchOptions, Findings } from '../support/row.ts';
import { until } from '../support/until.ts';
import { acceptMails, type PacedWorld, shortMail, startPacedWorld } from './paced-world.ts';

const HOSTS = 2;
/** High, so that the backlog drains within minutes; what is judged here is the outage and the order, not the rate. */
const PER_MINUTE = 1200;
/** Trials come a minute after the breaker opened, then two, then four; `sweep` brings one within the next minute. */
const TRIAL_AND_SWEEP_S = 240 + 60;

/**
 * A backlog that meets a mailbox whose sign-in is refused for three minutes: how often sign-in is tried, what happens to
 * the backlog meanwhile, and how it drains.
 */
export async function benchOutage({ quick, full, progress, appFolder }: BenchOptions): Promise<Findings> {
  const mails = full ? 10_000 : quick ? 500 : 2000;
  const outageMs = quick ? 75_000 : 180_000;
  const world = await startPacedWorld({
    root: await appFolder(),
    hosts: HOSTS,
    mailboxes: 1,
    perMinute: PER_MINUTE,
  });
  try {
    return await measure(world, mails, outageMs, progress);
  } finally {
    await world.close();
  }
}

async function measure(
  world: PacedWorld,
  mails: number,
  outageMs: number,
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
  const refused = Object.values(m365.counters.signInFailures).reduce((sum, count) => sum + count, 0);
  const reads = hostStorage.messagesRead('mail-submissions');
  mailbox.smtpAuthDisabled = false;
  const recoveredMs = Date.now();
  await until('all mails', (TRIAL_AND_SWEEP_S + (mails / PER_MINUTE) * 120 + 120) * 1000, async () => {
    progress(`outage: ${taken.length} of ${mails}`);
    await sleep(200);
    return taken.length >= mails ? true : undefined;
  });
  const firstS = ((taken[0]?.atMs ?? 0) - recoveredMs) / 1000;
  const place = new Map(ids.map((id, index) => [id, index]));
  const far = taken.map(({ id }, index) => Math.abs((place.get(id) ?? 0) - index)).toSorted((a, b) => a - b);
  const at = (share: number) => far[Math.floor((far.length - 1) * share)] ?? 0;
  const name = 'outage';
  return {
    rows: [
      {
        name,
        measured: `sign-ins tried in ${Math.round(outageMs / 1000)} s, ${mails} mails waiting, ${HOSTS} hosts`,
        floor: '',
        result: refused,
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
        result: firstS,
        unit: 's',
        target: { atMost: TRIAL_AND_SWEEP_S + 10 },
      },
    ],
    remarks: [
      `outage: accepting took ${Math.round((acceptedMs - begunMs) / 1000)} s. No probe runs here: a trial closes the breaker. In order of age: half of the mails went within ${at(0.5)} places of theirs, 99 % within ${at(0.99)}, all within ${at(1)}.`,
    ],
  };
}
