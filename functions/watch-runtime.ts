import type { SecretReader } from '../shared/adapters/key-vault/vault-reader.ts';
import type { StorageClients } from '../shared/adapters/storage/storage-clients.ts';
import { tableIncidents } from '../shared/adapters/storage/table-incidents.ts';
import { alertsUseVault } from '../shared/config/alert-settings.ts';
import type { Settings } from '../shared/config/settings.ts';
import { type ChannelConfig, channelKey } from '../shared/domain/alert-channel.ts';
import { subjectsOf } from '../shared/domain/incident-subject.ts';
import { loadOnce } from '../shared/domain/load-once.ts';
import type { MailboxStates } from '../shared/domain/mailbox-ports.ts';
import type { MessageStore } from '../shared/domain/message-ports.ts';
import type { Clock, Log } from '../shared/domain/ports.ts';
import type { WatchedCredential, WatchedCredentials } from '../shared/domain/warning-conditions.ts';
import type { IncidentBook } from '../shared/domain/watch-ports.ts';
import { type Watch, watch } from '../shared/usecases/watch.ts';
import { incidentBook } from '../shared/usecases/watch-book.ts';
import type { WatchDeps } from '../shared/usecases/watch-deps.ts';
import { type ChannelTest, testChannels } from '../shared/usecases/watch-test.ts';

/** What watches over the mailboxes, put together for one process. */
export interface WatchRuntime extends Omit<Watch, 'rows'> {
  readonly incidents: IncidentBook;
  /** One test notification to every channel. */
  testChannels(log: Log): Promise<readonly ChannelTest[]>;
}

interface WatchParts {
  readonly settings: Settings;
  readonly clients: StorageClients;
  readonly clock: Clock;
  readonly mailboxes: Pick<MailboxStates, 'list'>;
  readonly messages: Pick<MessageStore, 'openRows'>;
}

export function makeWatch({ settings, clients, clock, mailboxes, messages }: WatchParts): WatchRuntime {
  const { senders } = settings.mail;
  const { channels, dashboardUrl } = settings.alerts;
  const told = channels.filter(({ kind }) => kind !== 'heartbeat');
  const beats = channels.filter(({ kind }) => kind === 'heartbeat');
  const open = channelOpener(settings, clock);
  const deps: WatchDeps = {
    store: tableIncidents(clients),
    clock,
    senders,
    subjects: subjectsOf(senders),
    channelNames: told.map(config => ({ key: channelKey(config), kind: config.kind, target: targetOf(config) })),
    channels: async () => (await open()).alerts(told),
    ...(alertsUseVault(settings.alerts) ? { prepareChannels: async () => (await open()).readSecrets(channels) } : {}),
    hasHeartbeats: beats.length > 0,
    heartbeats: async () => (await open()).heartbeats(beats),
    ...(dashboardUrl === undefined ? {} : { dashboardUrl }),
    mailboxes,
    messages,
    lastGood: mailbox => lastGoodRun(clients, clock, mailbox),
    credentials: watchedCredentials(settings, clock),
  };
  const { rows: _rows, ...watching } = watch(deps);
  return { ...watching, incidents: incidentBook(deps), testChannels: log => testChannels(deps, log) };
}

const HISTORY_MS = 7 * 24 * 3_600_000;
const HISTORY_RUNS = 100;

/** When the probe last found all well with a mailbox, as far as its newest runs go back. */
async function lastGoodRun(clients: StorageClients, clock: Clock, mailbox: string): Promise<number | undefined> {
  const { tableProbes } = await import('../shared/adapters/storage/table-probes.ts');
  const toMs = clock.now();
  const query = { mailbox, fromMs: toMs - HISTORY_MS, toMs, limit: HISTORY_RUNS };
  const { runs } = await tableProbes(clients, clock.now, clock.random).list(query);
  const good = runs.find(({ ok }) => ok === true);
  return good && Date.parse(good.at) + good.ms;
}

/** Loaded with the first alert: neither HTTPS nor Key Vault is needed before. */
function channelOpener(settings: Settings, clock: Clock) {
  return loadOnce(() => openChannels(settings, clock));
}

async function openChannels(settings: Settings, clock: Clock) {
  const [{ alertChannel, heartbeat }, { webhookPost }, { cachedSecrets }, { vaultSecrets }] = await Promise.all([
    import('../shared/adapters/alerts/alert-channels.ts'),
    import('../shared/adapters/webhooks/post-webhook.ts'),
    import('../shared/adapters/webhooks/cached-secrets.ts'),
    import('../shared/adapters/key-vault/vault-secrets.ts'),
  ]);
  const readSecret = vaultSecrets(settings.vault);
  const deps = {
    post: webhookPost(),
    secret: cachedSecrets(async name => (await readSecret(name)).value, clock.now),
    now: clock.now,
  };
  return {
    alerts: (configs: readonly ChannelConfig[]) => configs.map(config => alertChannel(config, deps)),
    heartbeats: (configs: readonly ChannelConfig[]) =>
      configs.map(config => ({ target: targetOf(config), ping: heartbeat(config, deps) })),
    /** Cached by this, and good for a day without the vault. */
    async readSecrets(configs: readonly ChannelConfig[]) {
      const given = configs.flatMap(({ url, secret, key }) => [url, secret, key]);
      await Promise.all(given.map(one => (one?.kind === 'secret' ? deps.secret(one.name) : undefined)));
    },
  };
}

function targetOf({ url }: ChannelConfig): string {
  return url.kind === 'secret' ? url.name : (URL.parse(url.value)?.host ?? '');
}

/** A new version in the vault closes the warning of the old one within this time. */
const READ_EVERY_MS = 5 * 60_000;

/** The certificates and secrets of the senders as the vault has them; read every few minutes. Undefined in a sandbox. */
function watchedCredentials(settings: Settings, clock: Clock) {
  let known: { readonly atMs: number; readonly found: WatchedCredentials } | undefined;
  let vault: SecretReader | undefined;
  return async (): Promise<WatchedCredentials | undefined> => {
    if (settings.mail.mode === 'sandbox' || settings.vault.url === '') return undefined;
    if (known && clock.now() - known.atMs < READ_EVERY_MS) return known.found;
    vault ??= (await import('../shared/adapters/key-vault/vault-reader.ts')).vaultReader(settings.vault);
    const list: WatchedCredential[] = [];
    let isComplete = true;
    for (const { key, name, kind, mailboxes } of credentialsOf(settings)) {
      try {
        const { version, expiresAtMs } = await vault.secret(name);
        list.push({ key, name, kind, mailboxes, version, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) });
      } catch {
        // What is wrong with it the probe says, with its cause.
        isComplete = false;
      }
    }
    known = { atMs: clock.now(), found: { list, isComplete } };
    return known.found;
  };
}

function credentialsOf(settings: Settings): readonly Omit<WatchedCredential, 'version' | 'expiresAtMs'>[] {
  const found = new Map<string, Omit<WatchedCredential, 'version' | 'expiresAtMs'>>();
  for (const { credential, mailboxes } of settings.mail.senders) {
    if (credential.kind === 'managedIdentity') continue;
    const { kind, name } = credential;
    const key = `${kind}/${name}`.toLowerCase();
    const before = found.get(key)?.mailboxes ?? [];
    found.set(key, { key, name, kind, mailboxes: [...new Set([...before, ...mailboxes])] });
  }
  return [...found.values()];
}
