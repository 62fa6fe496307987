import { setTimeout as sleep } from 'node:timers/promises';
import { startStorageProxy } from '../../test/support/storage-proxy.ts';
import { mailOf2Kb } from '../accept/bench-accept.ts';
import type { BenchOptions, Findings } from '../support/row.ts';
import { sendMail } from '../support/send-through.ts';
import { startBenchHost } from '../support/start-host.ts';
import { startWorld } from '../support/start-world.ts';
import { listOfCalls } from './count-calls.ts';

/** In a burst places in line are given, one call more. What an open connection costs meanwhile is counted for no mail. */
const ALONE_MS = 4_500;

/** How many storage calls the app makes for a small mail, from the request to the record of its end. */
export async function benchCalls(options: BenchOptions): Promise<Findings> {
  const found = await measureCalls(options);
  const counts = found.map(calls => calls.length);
  const most = found[0] ?? [];
  return {
    rows: [
      {
        name: 'calls',
        measured: `${found.length} lone mails of 2 KB, accept to sent`,
        floor: '',
        result: most.length,
        spread: [Math.min(...counts), Math.max(...counts)],
        unit: 'calls',
        target: { atMost: 7 },
      },
    ],
    remarks: [
      `calls: ${listOfCalls(most)}. A connection kept open costs a renewed lease in fifteen seconds and a look at the mailbox in five, for a minute after the last mail.`,
    ],
  };
}

/** The storage calls of single small mails, the mail with the most of them first. */
export async function measureCalls({ quick, progress, appFolder }: BenchOptions): Promise<readonly string[][]> {
  const root = await appFolder();
  const world = await startWorld();
  const proxy = await startStorageProxy(world.connectionString);
  const host = await startBenchHost({
    root,
    functions: ['sendMail', 'deliver'],
    hostStorage: world.connectionString,
    env: { ...world.env, AzureWebJobsStorage: proxy.connectionString },
  });
  try {
    const found: string[][] = [];
    const mails = quick ? 2 : 10;
    const body = mailOf2Kb(world.m365.settings['MAIL_MAILBOX'] ?? '');
    // The first mail makes what is missing and takes a token; it is not counted.
    for (let mail = 0; mail <= mails; mail++) {
      progress(`calls: mail ${mail} of ${mails}`);
      await sleep(ALONE_MS);
      proxy.take();
      const id = await sendMail(host.url, body, 'application/json');
      await world.m365.mails.waitFor(({ raw }) => raw.includes(id), 30_000);
      // The outcome is written after the 250; asking for it would be a storage call of its own.
      await sleep(400);
      const calls = proxy.take();
      if (mail > 0) found.push(calls);
    }
    return found.toSorted((one, other) => other.length - one.length);
  } finally {
    await host.close();
    await proxy.close();
    await world.close();
  }
}
