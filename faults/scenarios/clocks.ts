import { setTimeout as sleep } from 'node:timers/promises';
import { nodeOptions } from '../support/host-hooks.ts';
import { mailboxesOf, type Rig } from '../support/rig.ts';
import { eachOf, type Run, type Scenario, timesOf } from './scenario.ts';

const MINUTE_MS = 60_000;

/** Clocks that are off: of the host, of one of two hosts, of the services. */
export const clocks: Scenario = {
  rig: () => ({ mailboxes: mailboxesOf('clock', 8), connections: 8 }),
  // What was deferred by a host that lives four minutes ahead is due that much later.
  settleMs: 720_000,
  async run(rig, run) {
    for (const minutes of [4, -4]) {
      run.progress(`host clock ${minutes} min`);
      await hostClock(rig, run, minutes);
    }
    run.progress('two hosts, three minutes apart');
    await twoClocks(rig, run);
    for (const minutes of [20, -20]) {
      run.progress(`services' clock ${minutes} min`);
      await servicesClock(rig, run, minutes);
    }
    await rig.restartHost();
    return [];
  },
};

/** A host with a wrong clock sends, is killed at work, and its successor has the right time. */
async function hostClock(rig: Rig, run: Run, minutes: number): Promise<void> {
  const { faults } = rig.cloud.m365;
  faults.set([
    { at: 'smtp.dot', action: 'delay', ms: 200 },
    { at: 'smtp.mail', action: 'drop', times: 5 },
  ]);
  await rig.restartHost({ clockMs: minutes * MINUTE_MS });
  const sign = minutes > 0 ? '+' : '−';
  const posts = eachOf(timesOf(run.isShort ? 8 : 80), 10, index =>
    rig.send('clock of the host', `${sign}${Math.abs(minutes)} min`, own(rig)[index % 8]),
  );
  await sleep(run.isShort ? 600 : 3_000);
  await rig.killHost();
  await posts;
  faults.clear();
}

/**
 * One of two hosts takes the claims of the other for lapsed, and sweeps again and again while that one is at work: only
 * the ETag stands between them.
 */
async function twoClocks(rig: Rig, run: Run): Promise<void> {
  const { faults } = rig.cloud.m365;
  faults.set({ at: 'smtp.dot', action: 'delay', ms: 700 });
  await rig.restartHost();
  const ahead = await rig.cloud.startHostProcess({ env: { NODE_OPTIONS: nodeOptions({ clockMs: 3 * MINUTE_MS }) } });
  let isOver = false;
  const sweeping = (async () => {
    for (; !isOver; await sleep(500 + run.lots.between(0, 500))) await rig.sweep(ahead.url);
  })();
  await eachOf(timesOf(run.isShort ? 12 : 160), 12, index =>
    rig.send('two clocks', '3 min apart', own(rig)[index % 8]),
  );
  await sleep(run.isShort ? 1_000 : 6_000);
  isOver = true;
  await sweeping;
  await ahead.stop();
  faults.clear();
}

/** Entra, the vault and Exchange live at another time than the host: assertions and tokens are not valid there. */
async function servicesClock(rig: Rig, run: Run, minutes: number): Promise<void> {
  const { world } = rig.cloud.m365;
  world.clockOffsetMs = minutes * MINUTE_MS;
  await rig.restartHost();
  const sign = minutes > 0 ? '+' : '−';
  await eachOf(timesOf(run.isShort ? 4 : 40), 10, index =>
    rig.send('clock of the services', `${sign}${Math.abs(minutes)} min`, own(rig)[index % 8]),
  );
  await sleep(run.isShort ? 500 : 3_000);
  world.clockOffsetMs = 0;
}

const own = (rig: Rig): string[] => rig.mailboxes.filter(mailbox => mailbox.startsWith('clock'));
