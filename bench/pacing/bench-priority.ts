import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchOptions, Findings } from '../support/row.ts';
import { until } from '../support/until.ts';
import { acceptMails, shortMail, startPacedWorld } from './paced-world.ts';

const HOSTS = 2;
const PER_MINUTE = 30;
const STORAGE_DELAY_MS = 20;

/** Where a mail of high priority gets in a mailbox with 5,000 others to send, with 20 ms on every storage call. */
export async function benchPriority({ quick, progress, appFolder }: BenchOptions): Promise<Findings> {
  const mails = quick ? 500 : 5000;
  const rounds = quick ? 1 : 3;
  const world = await startPacedWorld({
    root: await appFolder(),
    hosts: HOSTS,
    mailboxes: 1,
    perMinute: PER_MINUTE,
    storageDelayMs: STORAGE_DELAY_MS,
  });
  const { taken, mailboxes } = world;
  const from = mailboxes[0] ?? '';
  try {
    progress('priority: accepting');
    await acceptMails(
      world,
      Array.from({ length: mails }, (_, index) => shortMail(from, index)),
    );
    await until('some mails', 120_000, async () => (taken.length >= 5 ? true : undefined));
    const places: number[] = [];
    for (let round = 0; round < rounds; round++) {
      progress(`priority: round ${round + 1} of ${rounds}`);
      const [id] = await acceptMails(world, [shortMail(from, mails + round, { priority: 'high' })]);
      const before = taken.length;
      const found = await until('the mail of high priority', 120_000, async () => {
        const at = taken.findIndex(one => one.id === id);
        return at < 0 ? undefined : at;
      });
      places.push(found - before + 1);
      await sleep(3_000);
    }
    return {
      rows: [
        {
          name: 'priority',
          measured: `turns until a mail of high priority is out, behind ${mails} others`,
          floor: '',
          result: Math.max(...places),
          spread: [Math.min(...places), Math.max(...places)],
          unit: 'turns',
          target: { atMost: 6 },
        },
      ],
      remarks: [
        `priority: ${PER_MINUTE} a minute, ${HOSTS} hosts, ${STORAGE_DELAY_MS} ms on every storage call of app and host, ${rounds} rounds.`,
      ],
    };
  } finally {
    await world.close();
  }
}
