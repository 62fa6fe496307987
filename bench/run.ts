import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type StagedApp, stageApp } from '../scripts/package-stage.ts';
import { benchAccept } from './accept/bench-accept.ts';
import { benchCost } from './cost/bench-cost.ts';
import { benchDeliver } from './deliver/bench-deliver.ts';
import { benchLoad } from './load/bench-load.ts';
import { benchMemory } from './memory/bench-memory.ts';
import { benchOutage } from './pacing/bench-outage.ts';
import { benchPriority } from './pacing/bench-priority.ts';
import { benchQuota } from './pacing/bench-quota.ts';
import { benchPackage } from './package/bench-package.ts';
import { benchProbe } from './probe/bench-probe.ts';
import { benchList } from './records/bench-list.ts';
import { benchCalls } from './storage/bench-calls.ts';
import { tableOf } from './support/print-table.ts';
import { PROJECT } from './support/project.ts';
import type { BenchOptions, Findings, Row } from './support/row.ts';

const BENCHES: Readonly<Record<string, (options: BenchOptions) => Promise<Findings>>> = {
  deliver: benchDeliver,
  accept: benchAccept,
  load: benchLoad,
  memory: benchMemory,
  package: benchPackage,
  calls: benchCalls,
  cost: benchCost,
  list: benchList,
  probe: benchProbe,
  quota: benchQuota,
  outage: benchOutage,
  priority: benchPriority,
};
const names = Object.keys(BENCHES);

const usage = `Usage: npm run bench -- [--quick] [--full] [${names.join('] [')}]

  --quick  fewer and shorter rounds: shows that everything runs, proves nothing
  --full   what is cut short by default at its full size

Prints a table of ratios, each against a floor measured in the same run. Ends with 0 whether or not targets are met.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const unknown = positionals.filter(name => !names.includes(name));
if (values.help || unknown.length > 0) {
  process.stdout.write(`${unknown.length > 0 ? `There is no bench ${unknown.join(', ')}.\n` : ''}${usage}\n`);
  process.exit(values.help ? 0 : 2);
}
// The bundler takes its entry point from the current folder.
process.chdir(PROJECT);

const begun = performance.now();
let staged: Promise<StagedApp> | undefined;
process.once('SIGINT', () => process.exit(130));
const rows: Row[] = [];
const remarks: string[] = [];
for (const name of positionals.length > 0 ? positionals : names) {
  const bench = BENCHES[name];
  if (!bench) continue;
  if (!process.stderr.isTTY) process.stderr.write(`${name} …\n`);
  try {
    const found = await bench({ quick: values.quick, full: values.full, appFolder, progress: showProgress });
    rows.push(...found.rows);
    remarks.push(...(found.remarks ?? []));
  } catch (error) {
    remarks.push(`${name}: NOT MEASURED. ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}
showProgress('');
process.stdout.write(`${tableOf(rows)}\n\n${remarks.map(remark => `${remark}\n`).join('')}`);
process.stdout.write(`\nNode ${process.version}, ${Math.round((performance.now() - begun) / 1000)} s\n`);

async function appFolder(): Promise<string> {
  staged ??= stageApp(PROJECT).then(app => {
    process.once('exit', () => rmSync(app.folder, { recursive: true, force: true }));
    return app;
  });
  return (await staged).folder;
}

/** One line on a terminal that is written over; elsewhere nothing. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${text}`);
}
