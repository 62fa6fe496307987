import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildWhenChanged } from '../../local/cloud/build-app.ts';
import { problemsOf, tableOf } from './judge-trial.ts';
import { PROBE_FAULTS } from './probe-faults.ts';
import { type Trial, tryFault } from './try-fault.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
/** Trials wait most of their time, and each is four processes. */
const AT_ONCE = 3;

const usage = `Usage: npm run faults -- probe [--only <words>]…

Switches one fault after the other on in the local cloud, under a probe every five seconds, and reads the webhooks: within
three runs one alert that names the right cause, after recovery one resolve. Ends with 1 when a fault was missed.

  --only   the faults whose name has these words in it; may be given more than once

Faults:
${PROBE_FAULTS.map(({ name }) => `  ${name}`).join('\n')}
`;

/**
 * From the fault switched on to the alert received, for each fault. Prints the table.
 *
 * @param args of the command line, after `probe`
 * @returns the exit code: 1 when a fault was missed, 2 when the arguments make no sense
 */
export async function runProbeFaults(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { only: { type: 'string', multiple: true, default: [] }, help: { type: 'boolean', default: false } },
  });
  const faults = PROBE_FAULTS.filter(
    ({ name }) => values.only.length === 0 || values.only.some(words => name.includes(words)),
  );
  if (values.help || faults.length === 0) {
    process.stdout.write(usage);
    return values.help ? 0 : 2;
  }
  await buildWhenChanged(PROJECT);
  const begunMs = performance.now();
  const left = [...faults.entries()];
  const trials: Trial[] = [];
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next; next = left.shift()) {
      const [index, fault] = next;
      const trial = await tryFault(fault).catch((error: unknown): Trial => {
        return { fault, notices: [], broken: error instanceof Error ? error.message : String(error) };
      });
      trials[index] = trial;
      const problems = problemsOf(trial);
      process.stderr.write(`${problems.length === 0 ? '✔' : '✖'} ${[fault.name, ...problems].join('; ')}\n`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const missed = trials.filter(trial => problemsOf(trial).length > 0).length;
  const seconds = Math.round((performance.now() - begunMs) / 1000);
  process.stdout.write(`\n${tableOf(trials)}\n\n`);
  process.stdout.write(`${seconds} s: ${missed === 0 ? `none of ${trials.length} missed` : `${missed} MISSED`}\n`);
  return missed === 0 ? 0 : 1;
}
