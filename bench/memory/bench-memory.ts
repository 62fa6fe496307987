import { fileURLToPath } from 'node:url';
import { post } from '../accept/http-load.ts';
import { median } from '../support/alternate.ts';
import type { BenchOptions, Findings, Row } from '../support/row.ts';
import { sendMail, untilSent } from '../support/send-through.ts';
import { type BenchHost, startBenchHost } from '../support/start-host.ts';
import { startWorld, type World } from '../support/start-world.ts';
import { rawMail } from './raw-mail.ts';

const LARGE_BYTES = 25 * 1024 * 1024;
/** Small, and of the same kind: above what a table row holds, so that it takes the same way through a blob. */
const SMALL_BYTES = 256 * 1024;
/** The largest mail that Exchange takes, less the room that a header needs. */
const LARGEST_BYTES = 35 * 1024 * 1024 - 2048;
const AT_ONCE = 4;
/** Memory of the smallest Flex Consumption instance; source: Azure Functions Flex Consumption plan, "Instance sizes". */
const INSTANCE_BYTES = 512 * 1024 * 1024;
const READER_APP = fileURLToPath(new URL('reader-app', import.meta.url));

const STEPS = ['accept', 'deliver', 'read'] as const;
type Growth = Record<(typeof STEPS)[number], number>;

/**
 * By how much the most resident memory of a host grows over that after a small mail, when a raw mail of 25 MB is posted
 * and when it is delivered. One host only accepts, another only delivers; a third shows what reading the same body takes
 * a bare function.
 */
export async function benchMemory({ quick, progress, appFolder }: BenchOptions): Promise<Findings> {
  const root = await appFolder();
  const world = await startWorld();
  try {
    const rounds = quick ? 1 : 5;
    const found: Growth[] = [];
    for (let round = 0; round < rounds; round++) {
      progress(`memory: round ${round + 1} of ${rounds}`);
      found.push(await oneRound(root, world));
      world.m365.mails.clear();
    }
    progress('memory: the largest mails at once');
    const peak = await peakOfLargest(root, world);
    const growthOf = (step: keyof Growth) => found.map(growth => growth[step]);
    const row = (step: keyof Growth, name: string): Row => {
      const times = growthOf(step).map(bytes => bytes / LARGE_BYTES);
      return {
        name: 'memory',
        measured: `${name}: ${inMb(median(growthOf(step)))} more`,
        floor: `${inMb(LARGE_BYTES)}: the mail`,
        result: median(times),
        spread: [Math.min(...times), Math.max(...times)],
        unit: '×',
        target: { atMost: 3 },
      };
    };
    return {
      rows: [
        row('accept', 'accepting'),
        row('deliver', 'delivering'),
        {
          name: 'memory',
          measured: `host and app in one process, ${AT_ONCE} raw mails of 35 MB at once, accepted and delivered: ${inMb(peak)} at most`,
          floor: `${inMb(INSTANCE_BYTES)}: the smallest Flex instance`,
          result: peak / INSTANCE_BYTES,
          unit: '×',
          target: { atMost: 1 },
        },
      ],
      remarks: [
        `memory: a bare function that reads the same body and drops it makes the same host grow by ${inMb(median(growthOf('read')))}: most of this is what V8 has not collected yet, not what anybody holds.`,
      ],
    };
  } finally {
    await world.close();
  }
}

/** The most memory of a host that takes and sends several of the largest mails at once, twice over. */
async function peakOfLargest(root: string, world: World): Promise<number> {
  const host = await startBenchHost({
    root,
    hostStorage: world.connectionString,
    env: world.env,
    functions: ['sendMail', 'getMessage', 'deliver'],
  });
  try {
    const body = rawMail(world.m365.settings['MAIL_MAILBOX'] ?? '', LARGEST_BYTES);
    for (let round = 0; round < 2; round++) {
      const ids = await Promise.all(Array.from({ length: AT_ONCE }, () => sendMail(host.url, body, 'message/rfc822')));
      await Promise.all(ids.map(id => untilSent(host.url, id)));
      world.m365.mails.clear();
    }
    return await host.call<number>('peakBytes');
  } finally {
    await host.close();
  }
}

async function oneRound(root: string, world: World): Promise<Growth> {
  const shared = { root, hostStorage: world.connectionString, env: world.env };
  const hosts: Record<keyof Growth, BenchHost> = {
    accept: await startBenchHost({ ...shared, functions: ['sendMail', 'getMessage'] }),
    deliver: await startBenchHost({ ...shared, functions: ['deliver'] }),
    read: await startBenchHost({ ...shared, root: READER_APP, functions: ['read'] }),
  };
  const peaks = async (): Promise<Growth> => {
    const [accept = 0, deliver = 0, read = 0] = await Promise.all(
      STEPS.map(step => hosts[step].call<number>('peakBytes')),
    );
    return { accept, deliver, read };
  };
  const send = async (bytes: number): Promise<void> => {
    const body = rawMail(world.m365.settings['MAIL_MAILBOX'] ?? '', bytes);
    await untilSent(hosts.accept.url, await sendMail(hosts.accept.url, body, 'message/rfc822'));
    await post(`${hosts.read.url}/api/read`, body, undefined, 'message/rfc822');
  };
  try {
    await send(SMALL_BYTES);
    const base = await peaks();
    await send(LARGE_BYTES);
    const top = await peaks();
    return {
      accept: top.accept - base.accept,
      deliver: top.deliver - base.deliver,
      read: top.read - base.read,
    };
  } finally {
    await Promise.all(STEPS.map(step => hosts[step].close()));
  }
}

function inMb(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(0)} MB`;
}
