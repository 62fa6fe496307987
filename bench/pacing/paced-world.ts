import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAzurite } from '../../local/cloud/start-azurite.ts';
import { newMailbox } from '../../local/m365/default-world.ts';
import { type M365, startM365 } from '../../local/m365/start-m365.ts';
import { type StorageProxy, startStorageProxy } from '../../test/support/storage-proxy.ts';
import { STATE_DIR } from '../support/project.ts';
import { type BenchHost, startBenchHost } from '../support/start-host.ts';

/** A mail as Exchange took it. */
export interface Taken {
  readonly id: string;
  readonly mailbox: string;
  readonly atMs: number;
}

/** Hosts on one storage account before an Exchange that refuses whatever is over a mailbox's limits. */
export interface PacedWorld {
  readonly hosts: readonly BenchHost[];
  readonly mailboxes: readonly string[];
  readonly m365: M365;
  /** What the app asks of storage. */
  readonly appStorage: StorageProxy;
  /** What the hosts ask of it: polling the queues, and taking messages off them. */
  readonly hostStorage: StorageProxy;
  /** In the order in which Exchange took them. */
  readonly taken: readonly Taken[];
  close(): Promise<void>;
}

export interface PacedWorldOptions {
  readonly root: string;
  readonly hosts: number;
  readonly mailboxes: number;
  /** Messages a minute that a mailbox may send; the minute stays a minute. */
  readonly perMinute: number;
  /** Put on every storage call, of the app and of the host, in ms. */
  readonly storageDelayMs?: number;
  readonly functions?: readonly string[];
}

/** What a paced world runs unless it is told otherwise. */
export const FUNCTIONS = ['sendMail', 'sendBatch', 'getMessage', 'deliver', 'deliverHigh', 'sweep'];

export async function startPacedWorld(options: PacedWorldOptions): Promise<PacedWorld> {
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closeOne of closers.toReversed()) await closeOne();
  };
  try {
    const folder = await mkdtemp(join(tmpdir(), 'exosend-bench-'));
    closers.push(() => rm(folder, { recursive: true, force: true }));
    // In memory Azurite's queue service halts for five to twelve seconds every minute, to free what thousands of messages
    // have left: a property of the emulator alone.
    const azurite = await startAzurite({ folder });
    closers.push(() => azurite.close());
    const delay = { delayMs: options.storageDelayMs ?? 0 };
    const appStorage = await startStorageProxy(azurite.connectionString, delay);
    closers.push(() => appStorage.close());
    const hostStorage = await startStorageProxy(azurite.connectionString, delay);
    closers.push(() => hostStorage.close());
    const mailboxes = Array.from({ length: options.mailboxes }, (_, index) => `m${index}@contoso.com`);
    const m365 = await startM365({
      stateDir: STATE_DIR,
      mailCapacity: 100,
      world: world => {
        const { limits } = world.exchange;
        Object.assign(limits, {
          messagesPerMinute: options.perMinute,
          rateAction: '432',
          connectionsJudgedAt: 'auth',
          recipientsPerDay: 1_000_000,
        });
        return { ...world, mailboxes: mailboxes.map(address => newMailbox(address, [world.clientId])) };
      },
    });
    closers.push(() => m365.close());
    const taken: Taken[] = [];
    m365.mails.onMail(({ raw, mailbox, receivedAt }) => {
      const id = /^X-Exosend-Id: (\S+)/m.exec(raw.toString('latin1'))?.[1] ?? '';
      taken.push({ id, mailbox, atMs: receivedAt.getTime() });
    });
    const { MAIL_TENANT_ID: tenantId, MAIL_CLIENT_ID: clientId } = m365.settings;
    const senders = mailboxes.map(mailbox => ({
      mailbox,
      tenantId,
      clientId,
      credential: { kind: 'certificate', name: 'exosend-smtp' },
      limits: { messagesPerMinute: options.perMinute, recipientsPerDay: 1_000_000 },
    }));
    const env = {
      ...m365.settings,
      AzureWebJobsStorage: appStorage.connectionString,
      // Whoever wants a probe runs it.
      PROBE_SCHEDULE: '0 0 0 1 1 *',
      MAIL_SENDERS: JSON.stringify(senders),
    };
    const hosts: BenchHost[] = [];
    for (let index = 0; index < options.hosts; index++) {
      const host = await startBenchHost({
        root: options.root,
        functions: options.functions ?? FUNCTIONS,
        hostStorage: hostStorage.connectionString,
        env,
      });
      closers.push(() => host.close());
      hosts.push(host);
    }
    return { hosts, mailboxes, m365, appStorage, hostStorage, taken, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const BATCH = 100;
const BATCHES_AT_ONCE = 4;

/** Posts mails in batches, side by side on all hosts. Gives their ids in order. */
export async function acceptMails(
  { hosts }: PacedWorld,
  mails: readonly Readonly<Record<string, unknown>>[],
): Promise<readonly string[]> {
  const ids = new Array<string>(mails.length);
  let next = 0;
  await Promise.all(
    Array.from({ length: BATCHES_AT_ONCE }, async (_, worker) => {
      for (let at = next; at < mails.length; at = next) {
        next += BATCH;
        const answer = await fetch(`${hosts[worker % hosts.length]?.url}/api/messages/batch`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(mails.slice(at, at + BATCH)),
        });
        const results = (await answer.json()) as { results?: readonly { message?: { id?: string } }[] };
        for (const [index, result] of (results.results ?? []).entries()) {
          const id = result.message?.id;
          if (id === undefined) throw new Error(`A mail was not accepted: ${JSON.stringify(result)}`);
          ids[at + index] = id;
        }
        if (answer.status !== 207) throw new Error(`The batch was answered ${answer.status}.`);
      }
    }),
  );
  return ids;
}

/** A short mail. */
export function shortMail(from: string, index: number, more: Readonly<Record<string, unknown>> = {}) {
  return { from, to: ['ada@example.com'], subject: `Notice ${index}`, text: `This is notice ${index}.`, ...more };
}
