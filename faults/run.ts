import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { runDelivery, SCENARIOS } from './run-delivery.ts';

const names = Object.keys(SCENARIOS);
const usage = `Usage: npm run faults -- [delivery] [--only <scenario>]… [--seed <number>] [--short]

Runs the built app on the local cloud, lets faults strike, heals everything, waits until every accepted message is final,
and counts: accepted, sent, failed, unknown, lost, doubled. Ends with 1 when anything was lost or doubled in silence.

  --only   one of ${names.join(', ')}; may be given more than once
  --seed   repeats the draws of an earlier run, which prints its seed
  --short  a few messages for each fault`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', multiple: true, default: [] },
    seed: { type: 'string', default: String(randomInt(1_000_000)) },
    short: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** What is put to the test, by the first word. */
const MODES: Readonly<Record<string, () => Promise<number>>> = {
  delivery: () => runDelivery({ only: values.only, seed: Number(values.seed), isShort: values.short }),
};

const mode = MODES[positionals[0] ?? 'delivery'];
const unknown = values.only.filter(name => !names.includes(name));
if (values.help || !mode || unknown.length > 0 || !Number.isInteger(Number(values.seed))) {
  process.stdout.write(`${unknown.length > 0 ? `There is no scenario ${unknown.join(', ')}.\n` : ''}${usage}\n`);
  process.exitCode = values.help ? 0 : 2;
} else {
  process.exitCode = await mode();
}
