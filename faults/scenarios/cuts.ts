import { setTimeout as sleep } from 'node:timers/promises';
import type { Lots } from '../../test/support/seeded.ts';
import { mailboxesOf, type Rig } from '../support/rig.ts';
import type { Cut } from '../support/smtp-gate.ts';
import { eachOf, type Scenario, timesOf } from './scenario.ts';

/** Sessions differ by some bytes: signatures and ids are not all of one length. */
const SPARE_BYTES = 40;
const FULL_MAILS = 1_800;
const SHORT_CUTS = 29;
const SENDERS = 16;
const CUTS_LIMIT_MS = 20 * 60_000;
const SHORT_LIMIT_MS = 10_000;

/**
 * A cut after every byte count of one conversation, in both directions: each connection is cut at
 * another place until no place is left. A message is tried again until it gets through.
 */
export const cuts: Scenario = {
  rig: isShort => ({
    // A mailbox for each message, so that none waits for the connection of another.
    mailboxes: mailboxesOf('cut', isShort ? SHORT_CUTS + 1 : FULL_MAILS),
    connections: 1,
    // Back-offs draw short lots: the first waits a second, the eighth half a minute.
    hooks: { random: 0.02 },
  }),
  settleMs: 420_000,
  async run(rig, run) {
    const own = rig.mailboxes.filter(mailbox => mailbox.startsWith('cut'));
    const length = await measure(rig, own[0] as string);
    const all = shuffled(cutsOf(length), run.lots).slice(0, run.isShort ? SHORT_CUTS : undefined);
    const before = rig.smtp.struck();
    const endMs = Date.now() + (run.isShort ? SHORT_LIMIT_MS : CUTS_LIMIT_MS);
    rig.smtp.arm(all);
    let posted = 0;
    await eachOf(own.slice(1), SENDERS, async mailbox => {
      await rig.send('cut connection', 'cut', mailbox);
      if (++posted % 100 === 0) run.progress(`${all.length - rig.smtp.waiting()} of ${all.length} cuts`);
    });
    while (rig.smtp.waiting() > 0 && Date.now() < endMs) {
      run.progress(`${all.length - rig.smtp.waiting()} of ${all.length} cuts`);
      await sleep(run.isShort ? 100 : 5_000);
    }
    // The last connections are still on their way to their cuts.
    await sleep(run.isShort ? 500 : 10_000);
    return [
      `Cut: ${rig.smtp.struck() - before} of ${all.length} connections, ${rig.smtp.waiting()} cuts left; undisturbed, the client sends ${length.client} bytes and the server ${length.server}.`,
    ];
  },
};

/** How long one conversation is in each direction, from an undisturbed one. */
async function measure(rig: Rig, mailbox: string): Promise<{ client: number; server: number }> {
  const { id } = await rig.send('cut connection', 'none', mailbox);
  await rig.cloud.m365.mails.waitFor(({ raw }) => raw.includes(id), 30_000);
  await sleep(200);
  return rig.smtp.newest();
}

function cutsOf({ client, server }: { client: number; server: number }): Cut[] {
  return [
    ...timesOf(client + SPARE_BYTES).map(after => ({ from: 'client' as const, after })),
    ...timesOf(server + SPARE_BYTES).map(after => ({ from: 'server' as const, after })),
  ];
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], lots: Lots): T[] {
  const mixed = [...items];
  for (let at = mixed.length - 1; at > 0; at--) {
    const other = lots.between(0, at);
    [mixed[at], mixed[other]] = [mixed[other] as T, mixed[at] as T];
  }
  return mixed;
}
