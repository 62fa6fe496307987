import { once } from 'node:events';
import { createServer } from 'node:net';
import { newMailbox } from '../../local/m365/default-world.ts';
import type { ProbeRun } from '../../shared/domain/probe-run.ts';
import { startStorageProxy } from '../../test/support/storage-proxy.ts';
import { listOfCalls } from '../storage/count-calls.ts';
import { median } from '../support/alternate.ts';
import type { BenchOptions, Findings } from '../support/row.ts';
import { type BenchHost, startBenchHost } from '../support/start-host.ts';
import { startWorld, type World } from '../support/start-world.ts';
import { type DelayProxy, startDelayProxy, type Turn, waitedMs } from './delay-proxy.ts';

const ROUND_TRIP_MS = 20;
const MAILBOXES = 100;

/** What a probe costs: its own time beside the round trips it waits for, storage calls, and a hundred mailboxes. */
export async function benchProbe({ quick, progress, appFolder }: BenchOptions): Promise<Findings> {
  const root = await appFolder();
  const far = await startFarWorld();
  const { world } = far;
  const mailboxes = Array.from({ length: MAILBOXES }, (_, index) => `m${index}@contoso.com`);
  world.m365.world.mailboxes.push(...mailboxes.map(address => newMailbox(address, [world.m365.world.clientId])));
  const storage = await startStorageProxy(world.connectionString);
  const host = await startBenchHost({
    root,
    functions: ['probeNow'],
    hostStorage: world.connectionString,
    env: {
      ...world.env,
      ...far.env,
      AzureWebJobsStorage: storage.connectionString,
      MAIL_SENDERS: senders(world, mailboxes),
    },
  });
  try {
    const [first = ''] = mailboxes;
    const shares: number[] = [];
    const counts: number[] = [];
    const rounds = quick ? 3 : 15;
    let calls: string[] = [];
    let trips = 0;
    let ownMs = 0;
    // The first runs load code, open connections and make what is missing; they are not counted.
    for (let round = -2; round < rounds; round++) {
      progress(`probe: run ${round + 1} of ${rounds}`);
      storage.take();
      far.take();
      const [run] = await probe(host, `?mailbox=${first}`);
      const turns = within(far.take(), run);
      if (round < 0 || !run) continue;
      calls = storage.take();
      counts.push(calls.length);
      const waited = waitedMs(turns);
      shares.push(run.ms / waited);
      trips = turns.length;
      ownMs = run.ms - waited;
    }
    progress(`probe: ${MAILBOXES} mailboxes`);
    await probe(host, '');
    storage.take();
    const begun = performance.now();
    const runs = await probe(host, '');
    const seconds = (performance.now() - begun) / 1000;
    const good = runs.filter(({ ok }) => ok === true).length;
    if (good !== MAILBOXES) throw new Error(`Only ${good} of ${MAILBOXES} runs were good.`);
    const all = storage.take();
    return {
      rows: [
        {
          name: 'probe',
          measured: `one mailbox, all phases, servers ${ROUND_TRIP_MS} ms away`,
          floor: 'the time in which an answer was awaited',
          result: median(shares),
          spread: [Math.min(...shares), Math.max(...shares)],
          unit: '×',
          target: { atMost: 1.2 },
        },
        {
          name: 'probe calls',
          measured: 'storage calls of one mailbox’s run',
          floor: '',
          result: Math.max(...counts),
          spread: [Math.min(...counts), Math.max(...counts)],
          unit: 'calls',
          target: { atMost: 6 },
        },
        {
          name: 'probe 100',
          measured: `${MAILBOXES} mailboxes by one instance, servers ${ROUND_TRIP_MS} ms away`,
          floor: '',
          result: seconds,
          unit: 's',
          target: { atMost: 30 },
        },
      ],
      remarks: [
        `probe: ${trips} round trips; ${ownMs.toFixed(0)} ms of the last run were its own.`,
        `probe calls: ${listOfCalls(calls)}.`,
        `probe 100: ${(all.length / MAILBOXES).toFixed(2)} storage calls per mailbox: ${listOfCalls(all)}.`,
      ],
    };
  } finally {
    await host.close();
    await storage.close();
    await far.close();
  }
}

async function probe(host: BenchHost, query: string): Promise<readonly ProbeRun[]> {
  const response = await fetch(`${host.url}/api/probe${query}`, { method: 'POST' });
  const body = (await response.json()) as { runs?: readonly ProbeRun[] };
  if (!body.runs?.every(({ ok }) => ok === true)) throw new Error(`A run was not good: ${JSON.stringify(body)}`);
  return body.runs;
}

/** Round trips of the run alone: its storage calls before and after are not in its time. */
function within(turns: readonly Turn[], run: ProbeRun | undefined): readonly Turn[] {
  if (!run) return [];
  const fromMs = Date.parse(run.at) - performance.timeOrigin;
  return turns.filter(([begunMs, endedMs]) => begunMs >= fromMs - 1 && endedMs <= fromMs + run.ms + 1);
}

/** With one connection each, so that the blobs of its lease are made by the runs that are not counted. */
function senders({ m365 }: World, mailboxes: readonly string[]): string {
  const { MAIL_TENANT_ID: tenantId, MAIL_CLIENT_ID: clientId, MAIL_CERTIFICATE_NAME: name } = m365.settings;
  return JSON.stringify([
    { mailboxes, tenantId, clientId, credential: { kind: 'certificate', name }, limits: { connections: 1 } },
  ]);
}

/** Everything that the phases ask, each behind a proxy; storage stays where it is. */
async function startFarWorld() {
  const proxies = await Promise.all([1, 2, 3, 4].map(() => startDelayProxy(ROUND_TRIP_MS)));
  const [identity, vault, entra, smtp] = proxies as [DelayProxy, DelayProxy, DelayProxy, DelayProxy];
  // Entra tells its own address, which has to be the one that it is reached by.
  const entraPort = await freePort();
  const world = await startWorld({ ports: { entra: entraPort }, authorityPort: entra.port });
  const { settings } = world.m365;
  const through = (proxy: DelayProxy, name: string, port = new URL(settings[name] ?? '').port) => {
    proxy.leadTo(Number(port));
    const url = new URL(settings[name] ?? '');
    url.port = String(proxy.port);
    return { [name]: url.href.replace(/\/$/, '') };
  };
  smtp.leadTo(Number(settings['SMTP_PORT']));
  return {
    world,
    env: {
      ...through(identity, 'IDENTITY_ENDPOINT'),
      ...through(vault, 'KEY_VAULT_URL'),
      ...through(entra, 'AZURE_AUTHORITY_HOST', String(entraPort)),
      SMTP_PORT: String(smtp.port),
    },
    take: () => proxies.flatMap(proxy => proxy.take()),
    close: async () => {
      await Promise.all(proxies.map(proxy => proxy.close()));
      await world.close();
    },
  };
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
