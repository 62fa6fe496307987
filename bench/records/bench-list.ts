import { type StorageProxy, startStorageProxy } from '../../test/support/storage-proxy.ts';
import { listOfCalls } from '../storage/count-calls.ts';
import type { BenchOptions, Findings, Row } from '../support/row.ts';
import { startBenchHost } from '../support/start-host.ts';
import { startWorld, type World } from '../support/start-world.ts';
import { fillRecords } from './fill-records.ts';

const RECORDS = 300_000;
const FAILED_ONE_IN = 10_000;
const QUICK_RECORDS = 5_000;
const QUICK_FAILED_ONE_IN = 500;
/** Filling takes longer than this only with `--full`. */
const FILL_LIMIT_MS = 110_000;
/** `sweep` cleans old records away in the run of minute 17, and only then. */
const ORDINARY_MINUTE = 30;
const CLEANING_MINUTE = 17;

/** How many storage calls a list and a run of `sweep` make when there are very many finished records. */
export async function benchList({ quick, full, progress, appFolder }: BenchOptions): Promise<Findings> {
  const root = await appFolder();
  const world = await startWorld();
  const proxy = await startStorageProxy(world.connectionString);
  try {
    const failedOneIn = quick ? QUICK_FAILED_ONE_IN : FAILED_ONE_IN;
    const records = await fillRecords({
      connectionString: world.connectionString,
      count: quick ? QUICK_RECORDS : RECORDS,
      failedOneIn,
      limitMs: full ? Number.POSITIVE_INFINITY : FILL_LIMIT_MS,
      onProgress: done => progress(`list: ${done.toLocaleString('en')} records made`),
    });
    progress('list: counting');
    const rows = [...(await listRows(root, world, proxy)), ...(await sweepRows(root, world, proxy))];
    const short =
      records < RECORDS
        ? ` (of ${RECORDS.toLocaleString('en')}: ${quick ? '--quick' : 'the time was up; --full makes them all'})`
        : '';
    return {
      rows: rows.map(({ row }) => row),
      remarks: [
        `list: with ${records.toLocaleString('en')} finished records${short}, one in ${failedOneIn.toLocaleString('en')} failed. Azurite answers a filter in one page; Azure may hand out several short ones, and the app reads at most four.`,
        ...rows.map(({ row, calls, ms }) => `list: ${row.measured}: ${listOfCalls(calls)}; ${ms.toFixed(0)} ms.`),
      ],
    };
  } finally {
    await proxy.close();
    await world.close();
  }
}

interface Counted {
  readonly row: Row;
  readonly calls: readonly string[];
  readonly ms: number;
}

async function listRows(root: string, world: World, proxy: StorageProxy): Promise<Counted[]> {
  const host = await startBenchHost({
    root,
    functions: ['listMessages'],
    hostStorage: world.connectionString,
    env: { ...world.env, AzureWebJobsStorage: proxy.connectionString },
  });
  const list = async (query: string): Promise<void> => {
    const answer = await fetch(`${host.url}/api/messages?${query}`);
    const { messages } = (await answer.json()) as { messages?: unknown[] };
    if (!messages || messages.length === 0) throw new Error(`GET /api/messages?${query} answered ${answer.status}.`);
  };
  try {
    await list('limit=1');
    return [
      await counted('GET /api/messages?limit=50', proxy, () => list('limit=50')),
      await counted('GET …?status=failed&limit=50', proxy, () => list('status=failed&limit=50')),
    ];
  } finally {
    await host.close();
  }
}

async function sweepRows(root: string, world: World, proxy: StorageProxy): Promise<Counted[]> {
  const rows: Counted[] = [];
  for (const [name, minuteOfHour] of [
    ['sweep', ORDINARY_MINUTE],
    ['sweep, in the minute of cleaning', CLEANING_MINUTE],
  ] as const) {
    const host = await startBenchHost({
      root,
      functions: [],
      hostStorage: world.connectionString,
      env: { ...world.env, AzureWebJobsStorage: proxy.connectionString },
      minuteOfHour,
    });
    try {
      // The first run makes the queues that a deployment has.
      await host.call('run', 'sweep');
      rows.push(await counted(name, proxy, () => host.call('run', 'sweep')));
    } finally {
      await host.close();
    }
  }
  return rows;
}

async function counted(measured: string, proxy: StorageProxy, run: () => Promise<unknown>): Promise<Counted> {
  proxy.take();
  const begun = performance.now();
  await run();
  const ms = performance.now() - begun;
  const calls = proxy.take();
  const row: Row = { name: 'list', measured, floor: '', result: calls.length, unit: 'calls', target: { atMost: 5 } };
  return { row, calls, ms };
}
