import { type Cloud, startCloud } from '../../local/cloud/start-cloud.ts';
import { CLIENT_ID, newMailbox, TENANT_ID } from '../../local/m365/default-world.ts';
import type { World } from '../../local/m365/world.ts';
import { type HostHooks, nodeOptions } from './host-hooks.ts';
import { createLedger, type Entry, type Ledger } from './ledger.ts';
import { type SmtpGate, startSmtpGate } from './smtp-gate.ts';
import { type StorageGates, startStorageGates } from './storage-gates.ts';

/** The built app on a local cloud of its own, with a gate before everything that may fail. */
export interface Rig {
  readonly cloud: Cloud;
  readonly storage: StorageGates['gates'];
  readonly smtp: SmtpGate;
  readonly ledger: Ledger;
  readonly mailboxes: readonly string[];
  /** Posts one small mail from the mailbox, to be counted in the row. */
  send(
    row: string,
    detail: string,
    mailbox: string | undefined,
    more?: Readonly<Record<string, unknown>>,
  ): Promise<Entry>;
  /** SIGKILL, and a new host at once. */
  killHost(hooks?: HostHooks): Promise<void>;
  /** Ends the host politely and starts it anew. */
  restartHost(hooks?: HostHooks): Promise<void>;
  /** Runs the timer function `sweep` now, on the first host or the one at `url`. */
  sweep(url?: string): Promise<void>;
  /** Takes every fault away. Clocks stay as they are. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

export interface RigOptions {
  readonly mailboxes: readonly string[];
  /** Of each mailbox; the mail server allows any number. */
  readonly connections: number;
  readonly hooks?: HostHooks;
  /** Messages that a host works on at once; default 130. */
  readonly invocations?: number;
}

/**
 * Starts a rig. One sender has all the mailboxes, so that a host needs one token for all of them. Rates are high enough
 * that no message waits for its turn: pacing has tests of its own.
 */
export async function startRig(options: RigOptions): Promise<Rig> {
  const { mailboxes, connections } = options;
  let gates: { storage: StorageGates; smtp: SmtpGate } | undefined;
  const cloud = await startCloud({
    env: {
      AzureFunctionsJobHost__extensions__queues__maxPollingInterval: '00:00:00.200',
      AzureFunctionsJobHost__extensions__queues__batchSize: '32',
      AzureFunctionsJobHost__extensions__queues__newBatchThreshold: String((options.invocations ?? 130) - 32),
      LOCAL_HOST_GRACE_SECONDS: '0.2',
      LOCAL_HOST_TIMER_LEASE_SECONDS: '0',
      MAIL_SENDERS: JSON.stringify([senderOf(mailboxes, connections)]),
      NODE_OPTIONS: nodeOptions(options.hooks ?? {}),
    },
    m365: { world: world => ({ ...world, ...tenant(world, mailboxes) }), mailCapacity: 10 },
    async rewire({ connectionString, m365 }) {
      const [storage, smtp] = await Promise.all([
        startStorageGates(connectionString),
        startSmtpGate(Number(m365.settings['SMTP_PORT'])),
      ]);
      gates = { storage, smtp };
      return { AzureWebJobsStorage: storage.connectionString, SMTP_PORT: String(smtp.port) };
    },
  });
  if (!gates) throw new Error('The local cloud has not asked for the gates.');
  const { storage, smtp } = gates;
  const ledger = createLedger(() => cloud.url, cloud.m365.mails);
  const restart = async (hooks: HostHooks = options.hooks ?? {}): Promise<void> =>
    void (await cloud.restartHost({ NODE_OPTIONS: nodeOptions(hooks) }));
  return {
    cloud,
    storage: storage.gates,
    smtp,
    ledger,
    mailboxes,
    send: (row, detail, mailbox, more = {}) =>
      ledger.send(row, detail, {
        from: mailbox,
        mailbox,
        to: 'ada@example.com',
        subject: `${row}: ${detail}`,
        text: 'Is it there?',
        ...more,
      }),
    async killHost(hooks) {
      await cloud.killHost();
      await restart(hooks);
    },
    restartHost: restart,
    async sweep(url = cloud.url) {
      const headers = { 'content-type': 'application/json' };
      const answer = fetch(`${url}/admin/functions/sweep`, { method: 'POST', headers, body: '{"input":""}' });
      await answer.catch(() => undefined);
    },
    async heal() {
      cloud.m365.faults.clear();
      smtp.disarm();
      await Promise.all(Object.values(storage.gates).map(gate => gate.set(undefined)));
    },
    async close() {
      await cloud.close();
      smtp.close();
      await storage.close();
    },
  };
}

const senderOf = (mailboxes: readonly string[], connections: number) => ({
  mailboxes,
  from: ['*@contoso.com'],
  tenantId: TENANT_ID,
  clientId: CLIENT_ID,
  credential: { kind: 'certificate', name: 'exosend-smtp' },
  limits: { messagesPerMinute: 60_000, connections },
});

/** The mail server's own limits are out of the way: what is refused here is refused by a fault. */
const tenant = (world: World, mailboxes: readonly string[]): Pick<World, 'mailboxes' | 'exchange'> => ({
  mailboxes: mailboxes.map(address => newMailbox(address, [world.clientId])),
  exchange: { ...world.exchange, limits: { ...world.exchange.limits, connections: 10_000, rateAction: 'off' } },
});

/** `count` addresses that begin with `name`. */
export const mailboxesOf = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${name}${index}@contoso.com`);
