import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { measureCalls } from '../storage/bench-calls.ts';
import { PROJECT } from '../support/project.ts';
import type { BenchOptions, Findings } from '../support/row.ts';

interface Prices {
  readonly asOf: string;
  readonly perMillionExecutions: number;
  readonly perGbSecond: number;
  readonly perTenThousand: {
    readonly table: number;
    readonly queue: number;
    readonly blobWrite: number;
    readonly blobRead: number;
  };
}

const MILLION = 1_000_000;
/** The request, and the wake-up that delivers. A wake-up that is put back once is one more; the quota bench counts those. */
const EXECUTIONS = 2;
/** What the host itself does to hand a queue message over: get it, delete it. It polls besides, also when nothing is there. */
const HOST_QUEUE_CALLS = 2;
const MEMORY_GB = 2;
/** Busy time of an instance for each mail at full load, in s: measured as the deliver row's 2 ms and the accept row's 10, rounded up. */
const BUSY_SECONDS = 0.02;

/** What a million small mails cost in storage operations, executions and GB-seconds, by counted calls. */
export async function benchCost(options: BenchOptions): Promise<Findings> {
  const prices = JSON.parse(await readFile(join(PROJECT, 'bench/cost/prices.json'), 'utf8')) as Prices;
  const [calls = []] = await measureCalls(options);
  const of = (service: string, kind?: RegExp) =>
    calls.filter(call => call.startsWith(service) && (kind?.test(call) ?? true)).length;
  const blobReads = of('blob', /GET|HEAD/);
  const rows: readonly (readonly [string, number, number])[] = [
    ['table operations', of('table'), prices.perTenThousand.table / 10_000],
    ['queue operations', of('queue') + HOST_QUEUE_CALLS, prices.perTenThousand.queue / 10_000],
    ['blob writes', of('blob') - blobReads, prices.perTenThousand.blobWrite / 10_000],
    ['blob reads', blobReads, prices.perTenThousand.blobRead / 10_000],
    ['executions', EXECUTIONS, prices.perMillionExecutions / MILLION],
    ['GB-seconds', BUSY_SECONDS * MEMORY_GB, prices.perGbSecond],
  ];
  const total = rows.reduce((sum, [, count, price]) => sum + count * price * MILLION, 0);
  const table = rows.map(
    ([name, count, price]) =>
      `${name} ${count} × $${(price * MILLION).toFixed(2)} = $${(count * price * MILLION).toFixed(2)}`,
  );
  return {
    rows: [],
    remarks: [
      `cost of a million mails of 2 KB, sent without waiting for turns, prices of ${prices.asOf}: ${table.join('; ')}; $${total.toFixed(2)} in all.`,
    ],
  };
}
