import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchOptions, Findings } from '../support/row.ts';
import { until } from '../support/until.ts';
import { callsPerMessage } from './calls-per-message.ts';
import { acceptMails, type PacedWorld, shortMail, startPacedWorld } from './paced-world.ts';

const HOSTS = 4;
const MAILBOXES = 10;
/** Exchange's own 30 a minute would take ten minutes. */
const PER_MINUTE = 120;

/**
 * How much of its mailboxes' quota the app uses: four hosts, ten mailboxes, 3,000 mails accepted at once, before an
 * Exchange that refuses a fourth connection at sign-in and a message over the rate of any 60 s.
 */
export async function benchQuota({ quick, progress, appFolder }: BenchOptions): Promise<Findings> {
  const mails = quick ? 600 : 3000;
  const world = await startPacedWorld({
    root: await appFolder(),
    hosts: HOSTS,
    mailboxes: MAILBOXES,
    perMinute: PER_MINUTE,
  });
  try {
    return await measure(world, mails, progress);
  } finally {
    await world.close();
  }
}

async function measure(world: PacedWorld, mails: number, progress: BenchOptions['progress']): Promise<Findings> {
  const { m365, taken, mailboxes, appStorage, hostStorage } = world;
  const begunMs = Date.now();
  const ids = await acceptMails(
    world,
    Array.from({ length: mails }, (_, index) => shortMail(mailboxes[index % MAILBOXES] ?? '', index)),
  );
  const acceptedMs = Date.now();
  const neededMs = (mails / MAILBOXES / PER_MINUTE) * 60_000;
  await until('all mails', neededMs * 2 + 120_000, async () => {
    progress(`quota: ${taken.length} of ${mails} after ${Math.round((Date.now() - begunMs) / 1000)} s`);
    await sleep(200);
    return taken.length >= mails ? true : undefined;
  });
  // The last outcome is written after its 250.
  await sleep(1_000);
  const lost = ids.filter(id => !taken.some(one => one.id === id)).length;
  const doubled = taken.length - new Set(taken.map(one => one.id)).size;
  if (lost + doubled > 0) throw new Error(`${lost} mails were lost and ${doubled} doubled.`);
  const lastMs = Math.max(...taken.map(one => one.atMs));
  // The quota's time has n turns in it, so the last mail's own turn counts.
  const usedMs = lastMs - begunMs + 60_000 / PER_MINUTE;
  const reads = hostStorage.messagesRead('mail-submissions') / mails;
  const calls = appStorage.take();
  const { signIns, throttled, maxOpenConnections } = m365.counters;
  const ends = mailboxes.map(mailbox => taken.findLast(one => one.mailbox === mailbox)?.atMs ?? begunMs);
  const seconds = (ms: number) => (ms / 1000).toFixed(1);
  const name = 'quota';
  return {
    rows: [
      {
        name,
        measured: `${seconds(usedMs)} s for ${mails} mails, ${HOSTS} hosts, ${MAILBOXES} mailboxes`,
        floor: `${seconds(neededMs)} s: the quota at ${PER_MINUTE} a minute`,
        result: usedMs / neededMs,
        spread: [Math.min(...ends.map(end => (end - begunMs + 60_000 / PER_MINUTE) / neededMs)), usedMs / neededMs],
        unit: '×',
        target: { atMost: 1.05 },
      },
      { name, measured: 'throttling replies', floor: '', result: throttled, unit: 'replies', target: { atMost: 0 } },
      { name, measured: 'queue reads per mail', floor: '', result: reads, unit: 'reads', target: { atMost: 2.2 } },
      {
        name,
        measured: 'storage calls of the app per mail, accepting included',
        floor: '',
        result: calls.length / mails,
        unit: 'calls',
        target: { atMost: 12 },
      },
    ],
    remarks: [
      `quota: the rate is scaled from 30 to ${PER_MINUTE} a minute and the window is 60 s. Accepting took ${seconds(acceptedMs - begunMs)} s of it. ${signIns} sign-ins, at most ${maxOpenConnections} connections at once. The spread is that of the mailboxes.`,
      `quota: storage calls per mail:\n${callsPerMessage(calls, mails)}`,
      `quota: the hosts' own calls for the same mails:\n${callsPerMessage(hostStorage.take(), mails)}`,
    ],
  };
}
