import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { runProbeFaults } from './probe/run.ts';
import { runDelivery, SCENARIOS } from './run-delivery.ts';

const names = Object.keys(SCENARIOS);
const usage = `Usage: npm run faults -- [delivery] [--only <scenario>]… [--seed <number>] [--short]
       npm run faults -- probe [--help]

Runs the built app on the local cloud, lets faults strike, heals everything, waits until every accepted message is final,
and counts: accepted, sent, failed, unknown, lost, doubled. Ends with 1 when anything was lost or doubled in silence.
With "probe" it looks at the alerts instead: from fault to notice, and from recovery to resolve.

  --only   one of ${names.join(', ')}; may be given more than once
  --seed   repeats the draws of an earlier run, which prints its seed
  --short  a few messages for each fault`;

async function runDeliveryFaults(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string', default: String(randomInt(1_000_000)) },
      short: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const unknown = values.only.filter(name => !names.includes(name));
  const isMode = positionals.length === 0 || (positionals.length === 1 && positionals[0] === 'delivery');
  if (values.help || !isMode || unknown.length > 0 || !Number.isInteger(Number(values.seed))) {
    process.stdout.write(`${unknown.length > 0 ? `There is no scenario ${unknown.join(', ')}.\n` : ''}${usage}\n`);
    return values.help ? 0 : 2;
  }
  return runDelivery({ only: values.only, seed: Number(values.seed), isShort: values.short });
}

const [mode, ...rest] = process.argv.slice(2);
process.exitCode = mode === 'probe' ? await runProbeFaults(rest) : await runDeliveryFaults(process.argv.slice(2));
