import { setTimeout as sleep } from 'node:timers/promises';
import type { Rig } from '../support/rig.ts';
import { eachOf, type Scenario, timesOf } from './scenario.ts';
import { type Cell, faultOf, smtpCells } from './smtp-cells.ts';

/** A stall of the short form: long enough to be one, and over before any time limit of the app. */
const SHORT_STALL_MS = 1_500;
const SHORT = ['4xx', '5xx', 'drop', 'stall'];

const mailboxOf = ({ phase, action }: Cell): string => `${phase}-${action}@contoso.com`;

function cellsOf(isShort: boolean): readonly Cell[] {
  const cells = smtpCells(isShort ? SHORT_STALL_MS : undefined);
  return isShort
    ? cells.filter(cell => SHORT.includes(cell.action) && !(cell.isAnonymous && cell.action === 'stall'))
    : cells;
}

/** Each phase of SMTP × 4xx, 5xx, drop, stall, slow bytes; each cell has a mailbox of its own. */
export const phases: Scenario = {
  rig: isShort => ({
    mailboxes: cellsOf(isShort).map(mailboxOf),
    connections: 3,
    // First retries come after 28.5 s, when the anonymous faults are through: else they would strike the wrong mailbox.
    hooks: { random: 0.95 },
    // A stalled mailbox holds the invocations that wait for its connections.
    invocations: 1000,
  }),
  // The reply to the dot is waited for 10 minutes; the second attempt comes a minute later.
  settleMs: 780_000,
  async run(rig, run) {
    const cells = cellsOf(run.isShort);
    const { faults } = rig.cloud.m365;
    const missed: string[] = [];
    const mails = run.isShort ? 1 : 8;
    const times = run.isShort ? 1 : 3;
    for (const cell of cells.filter(one => one.isAnonymous)) {
      run.progress(`${cell.phase} ${cell.action}`);
      const fault = faultOf(cell, mailboxOf(cell), 1);
      faults.add(fault);
      await sendTo(rig, cell, mails);
      if (!(await isStruck(rig, cell))) missed.push(`${cell.phase} ${cell.action}`);
    }
    const known = cells.filter(one => !one.isAnonymous);
    for (const cell of known) faults.add(faultOf(cell, mailboxOf(cell), times));
    await eachOf(known, 8, cell => sendTo(rig, cell, mails));
    // A warm session says QUIT after 20 s, a mailbox whose sign-in was refused is tried again after a minute.
    const isThrough = () => faults.list().every(fault => run.isShort && fault.at === 'smtp.quit');
    for (const endMs = Date.now() + (run.isShort ? 3_000 : 240_000); !isThrough() && Date.now() < endMs; )
      await sleep(50);
    // A host that stops says QUIT at once.
    if (run.isShort) await rig.restartHost();
    for (const { at, action } of faults.list()) if (!run.isShort) missed.push(`${at} ${action}`);
    return missed.length === 0 ? [] : [`Faults that did not strike as often as they could: ${missed.join(', ')}.`];
  },
};

async function sendTo(rig: Rig, cell: Cell, mails: number): Promise<void> {
  await Promise.all(timesOf(mails).map(() => rig.send(`smtp ${cell.phase}`, cell.action, mailboxOf(cell))));
}

/** Waits until the one fault that is in force has found its connection. */
async function isStruck(rig: Rig, cell: Cell, limitMs = 15_000): Promise<boolean> {
  const isThere = () => rig.cloud.m365.faults.list().some(fault => fault.at === cell.fault.at);
  for (const endMs = Date.now() + limitMs; isThere(); await sleep(10)) if (Date.now() > endMs) return false;
  return true;
}
