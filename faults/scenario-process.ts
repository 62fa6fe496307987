import { type Choice, runScenario } from './run-delivery.ts';

/** One scenario in a process of its own: its simulators and proxies then have a processor to themselves. */
const [name = '', choice = ''] = process.argv.slice(2);
process.once('disconnect', () => process.exit(1));
process.send?.(await runScenario(name, JSON.parse(choice) as Choice), () => process.exit(0));
