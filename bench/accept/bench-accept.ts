import { fileURLToPath } from 'node:url';
import { alternate, median, ratioOf } from '../support/alternate.ts';
import type { BenchOptions, Findings } from '../support/row.ts';
import { startBenchHost } from '../support/start-host.ts';
import { startWorld } from '../support/start-world.ts';
import { httpLoad } from './http-load.ts';

const FLOOR_APP = fileURLToPath(new URL('floor-app', import.meta.url));
const AT_ONCE = 8;

/**
 * How many mails of 2 KB a second `POST /api/messages` takes over, beside a bare function with one table insert and one
 * queue put. Each app has a host of its own; Azurite is one for both.
 */
export async function benchAccept({ quick, progress, appFolder }: BenchOptions): Promise<Findings> {
  const root = await appFolder();
  const world = await startWorld();
  const shared = { hostStorage: world.connectionString, env: world.env };
  const [app, floor] = await Promise.all([
    startBenchHost({ root, functions: ['sendMail'], ...shared }),
    startBenchHost({ root: FLOOR_APP, functions: ['floor', 'prepare'], ...shared }),
  ]);
  try {
    const prepared = await fetch(`${floor.url}/api/prepare`, { method: 'POST' });
    if (prepared.status !== 204) throw new Error(`The floor's storage could not be made: ${await prepared.text()}`);
    const body = mailOf2Kb(world.m365.settings['MAIL_MAILBOX'] ?? '');
    const count = quick ? 60 : 300;
    const sides = {
      exosend: { host: app, url: `${app.url}/api/messages`, cpuMs: [] as number[] },
      floor: { host: floor, url: `${floor.url}/api/floor`, cpuMs: [] as number[] },
    };
    const rate = async (side: keyof typeof sides): Promise<number> => {
      const { host, url, cpuMs } = sides[side];
      const before = await host.call<number>('cpuMs');
      const perSecond = await httpLoad({ url, body, count, atOnce: AT_ONCE });
      cpuMs.push(((await host.call<number>('cpuMs')) - before) / count);
      return perSecond;
    };
    progress('accept: warming up');
    for (const side of ['exosend', 'floor', 'exosend', 'floor'] as const) await rate(side);
    for (const { cpuMs } of Object.values(sides)) cpuMs.length = 0;
    const rounds = quick ? 3 : 11;
    const found = await alternate(['exosend', 'floor'], rounds, (side, round) => {
      progress(`accept: round ${round + 1} of ${rounds}, ${side}`);
      return rate(side);
    });
    return {
      rows: [
        {
          name: 'accept',
          measured: `${Math.round(median(found.exosend))} requests/s`,
          floor: `${Math.round(median(found.floor))} requests/s: one insert, one put`,
          unit: '×',
          target: { atLeast: 0.8 },
          ...ratioOf(found.exosend, found.floor),
        },
      ],
      remarks: [
        `accept: CPU of the host process per request: ${median(sides.exosend.cpuMs).toFixed(2)} ms; of the bare function's ${median(sides.floor.cpuMs).toFixed(2)} ms. Both hold what the local host itself takes.`,
      ],
    };
  } finally {
    await Promise.all([app.close(), floor.close()]);
    await world.close();
  }
}

/** A request of 2 KB, most of it text. */
export function mailOf2Kb(from: string): Buffer {
  const mail = { from, to: ['ada@example.com'], subject: 'Invoice 42', metadata: { order: '42' }, text: '' };
  const line = 'Your invoice is ready and waits for you in the portal.\n';
  mail.text = line.repeat(Math.ceil(2048 / line.length)).slice(0, 2048 - JSON.stringify(mail).length - 40);
  return Buffer.from(JSON.stringify(mail));
}
