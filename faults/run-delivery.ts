import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { buildWhenChanged } from '../local/cloud/build-app.ts';
import { lots } from '../test/support/seeded.ts';
import { clocks } from './scenarios/clocks.ts';
import { cuts } from './scenarios/cuts.ts';
import { kills } from './scenarios/kills.ts';
import { outages } from './scenarios/outages.ts';
import { phases } from './scenarios/phases.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { startRig } from './support/rig.ts';
import { breachOf, isClean, sumOf, type Tally, tableOf, tallies } from './support/tally.ts';
import { travelUntilFinal } from './support/time-travel.ts';

export const SCENARIOS: Readonly<Record<string, Scenario>> = { phases, cuts, outages, clocks, kills };

export interface Choice {
  /** Names of scenarios; empty: all. */
  readonly only: readonly string[];
  readonly seed: number;
  readonly isShort: boolean;
}

interface Report {
  readonly rows: readonly (readonly [string, Tally])[];
  readonly remarks: readonly string[];
  readonly strays: number;
}

/**
 * The matrix for delivery. Each scenario has a local cloud and a process of its own, and all run side by side: most of
 * their time is waiting. Prints the table; the exit code is 1 when a promise was broken.
 */
export async function runDelivery(choice: Choice): Promise<number> {
  const names = choice.only.length > 0 ? choice.only : Object.keys(SCENARIOS);
  const begun = performance.now();
  process.stdout.write(`Seed ${choice.seed}\n`);
  // Once, before any host: scenarios that built side by side would build into each other.
  await buildWhenChanged(PROJECT);
  const reports = await Promise.all(names.map(name => reportOf(name, choice, names.length === 1)));
  const rows = new Map(reports.flatMap(report => report.rows));
  const strays = reports.reduce((sum, report) => sum + report.strays, 0);
  const remarks = reports.flatMap(report => report.remarks);
  process.stdout.write(`\n${tableOf(rows)}\n\n${remarks.map(remark => `${remark}\n`).join('')}`);
  if (strays > 0) process.stdout.write(`${strays} mails belong to no accepted message.\n`);
  const seconds = Math.round((performance.now() - begun) / 1000);
  const isGood = isClean(sumOf(rows.values())) && strays === 0 && reports.length === names.length;
  process.stdout.write(
    `Seed ${choice.seed}, ${seconds} s: ${isGood ? 'nothing lost, nothing doubled in silence' : 'FAILED'}\n`,
  );
  return isGood ? 0 : 1;
}

function reportOf(name: string, choice: Choice, isAlone: boolean): Promise<Report> {
  return isAlone ? runScenario(name, choice) : runInChild(name, choice);
}

/** Runs one scenario here, to its end: healed, and every accepted message final or given up. */
export async function runScenario(name: string, { seed, isShort }: Choice): Promise<Report> {
  const scenario = SCENARIOS[name] as Scenario;
  const begun = performance.now();
  let said = '';
  const progress = (text: string): void => {
    if (text === said) return;
    said = text;
    process.stderr.write(`${String(Math.round((performance.now() - begun) / 1000)).padStart(4)} s  ${name}: ${text}\n`);
  };
  const rig = await startRig(scenario.rig(isShort));
  void rig.cloud.broken.then(why => process.stderr.write(`${name}: ${why}\n`));
  try {
    const remarks = [...(await scenario.run(rig, { isShort, lots: lots(seed), progress }))];
    await rig.heal();
    const healedMs = performance.now();
    if (isShort) await travelUntilFinal(rig);
    else await rig.ledger.settle(scenario.settleMs, { progress: open => progress(`${open} not final yet`) });
    remarks.push(
      `${name}: ran ${seconds(healedMs - begun)}, final ${seconds(performance.now() - healedMs)} later; ${rig.ledger.repeated()} posts repeated.`,
    );
    for (const entry of rig.ledger.entries()) {
      const breach = breachOf(entry);
      if (breach)
        remarks.push(
          `${breach}: ${entry.id} (${entry.row}, ${entry.detail}), ${entry.mails} mails, ${JSON.stringify(entry.final)}`,
        );
    }
    return { rows: [...tallies(rig.ledger.entries())], remarks, strays: rig.ledger.strays() };
  } finally {
    await rig.close();
  }
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const CHILD = fileURLToPath(new URL('scenario-process.ts', import.meta.url));

function runInChild(name: string, choice: Choice): Promise<Report> {
  return new Promise((resolve, reject) => {
    const child = fork(CHILD, [name, JSON.stringify(choice)]);
    child.once('message', report => resolve(report as Report));
    child.once('error', reject);
    child.once('exit', code => reject(new Error(`The scenario ${name} ended with code ${code} and without a report.`)));
  });
}
