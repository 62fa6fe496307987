import { parseAddress, parseAddressPattern } from '../domain/address.ts';
import type { AlertSettings } from '../domain/alert-channel.ts';
import type { CallerEntry } from '../domain/callers.ts';
import type { MailSettings } from '../domain/mail-settings.ts';
import type { StorageConfig } from '../domain/storage-config.ts';
import type { Webhook } from '../domain/webhook.ts';
import { alertSettings, alertsUseVault } from './alert-settings.ts';
import { callerList } from './caller-settings.ts';
import { flatSender, senderList } from './sender-settings.ts';
import { reader, type SettingProblem } from './setting-reader.ts';
import { usesVault, webhookList } from './webhook-settings.ts';

/** Everything the app is told by its settings, checked. */
export interface Settings {
  readonly mail: MailSettings;
  /** Who may call; undefined: whoever the host lets through. */
  readonly callers?: readonly CallerEntry[];
  readonly storage: StorageConfig;
  readonly vault: { readonly url: string; readonly clientId?: string };
  readonly entra: { readonly authorityHost: string; readonly scope: string };
  readonly smtp: { readonly host: string; readonly port: number };
  readonly webhooks: readonly Webhook[];
  /** Replacing certificates by itself, see docs/credentials.md. */
  readonly rotation: { readonly isOn: boolean; readonly graceMs: number; readonly graphUrl?: string };
  /** Where the probe's real mails go; undefined: none are sent. */
  readonly canaryTo?: string;
  readonly alerts: AlertSettings;
}

export type SettingsResult =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly SettingProblem[] };

type Env = Readonly<Record<string, string | undefined>>;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Reads the app settings. All problems are found in one go, each by the setting's name and never with its value: a
 * value may be a secret pasted into the wrong place.
 */
export function readSettings(env: Env): SettingsResult {
  const read = reader(env);
  const storage = readStorage(read);
  const clientId = read.optional('AZURE_CLIENT_ID');
  const mode = read.oneOf('MAIL_MODE', ['live', 'allow-list', 'sandbox'] as const, 'live');
  const isSandbox = mode === 'sandbox';
  const senders = read.has('MAIL_SENDERS') ? senderList(read, isSandbox) : flatSender(read, isSandbox);
  const callers = callerList(read);
  const webhooks = webhookList(read);
  const alerts = alertSettings(read);
  // A federated managed identity has nothing in a vault, and in a sandbox nobody proves anything.
  const needsVault =
    (!isSandbox && !(senders.length > 0 && senders.every(sender => sender.credential.kind === 'managedIdentity'))) ||
    usesVault(webhooks) ||
    alertsUseVault(alerts);
  const vaultUrl = needsVault || read.has('KEY_VAULT_URL') ? read.url('KEY_VAULT_URL', undefined) : '';
  const canaryTo = read.optional('PROBE_CANARY_TO');
  const canary = canaryTo === undefined ? undefined : parseAddress(canaryTo);
  if (canary && !canary.ok) read.problem('PROBE_CANARY_TO', `must be an address; it ${canary.reason}`);
  const allowList = read.json('MAIL_ALLOW_LIST', []);
  const patterns = (Array.isArray(allowList) ? allowList : []).flatMap(
    entry => (typeof entry === 'string' ? parseAddressPattern(entry.trim()) : undefined) ?? [],
  );
  if (!Array.isArray(allowList) || patterns.length !== allowList.length) {
    read.problem('MAIL_ALLOW_LIST', 'must be a JSON array of addresses and *@domain');
  }
  if (mode === 'allow-list' && patterns.length === 0)
    read.problem('MAIL_ALLOW_LIST', 'is empty, so that nothing could be sent in mode allow-list');
  const settings: Settings = {
    mail: {
      senders,
      mode,
      allowList: patterns,
      deadlineMs: read.number('MAIL_DEADLINE_HOURS', 24, 1, 168) * HOUR_MS,
      retention: {
        afterSentMs: read.number('CONTENT_RETENTION_HOURS', 0, 0, 720) * HOUR_MS,
        afterFailureMs: 72 * HOUR_MS,
      },
      recordRetentionMs: read.number('RECORD_RETENTION_DAYS', 30, 8, 3650) * DAY_MS,
    },
    ...(callers === undefined ? {} : { callers }),
    storage,
    vault: { url: vaultUrl, ...(clientId === undefined ? {} : { clientId }) },
    entra: {
      authorityHost: read.url('AZURE_AUTHORITY_HOST', 'https://login.microsoftonline.com'),
      scope: read.optional('MAIL_TOKEN_SCOPE') ?? 'https://outlook.office365.com/.default',
    },
    smtp: { host: read.optional('SMTP_HOST') ?? 'smtp.office365.com', port: read.number('SMTP_PORT', 587, 1, 65_535) },
    webhooks,
    rotation: readRotation(read),
    ...(canary?.ok ? { canaryTo: canary.address } : {}),
    alerts,
  };
  const problems = read.problems();
  return problems.length === 0 ? { ok: true, settings } : { ok: false, problems };
}

function readRotation(read: ReturnType<typeof reader>): Settings['rotation'] {
  return {
    isOn: read.oneOf('CERTIFICATE_ROTATION', ['off', 'on'] as const, 'off') === 'on',
    graceMs: read.number('CERTIFICATE_ROTATION_GRACE_HOURS', 24, 0, 720) * HOUR_MS,
    ...(read.has('MICROSOFT_GRAPH_URL') ? { graphUrl: read.url('MICROSOFT_GRAPH_URL', undefined) } : {}),
  };
}

/** The storage settings alone; undefined while they are bad. */
export function readStorageSettings(env: Env): StorageConfig | undefined {
  const read = reader(env);
  const storage = readStorage(read);
  return read.problems().length === 0 ? storage : undefined;
}

function readStorage(read: ReturnType<typeof reader>): StorageConfig {
  const connectionString = read.optional('AzureWebJobsStorage');
  if (connectionString !== undefined) {
    return {
      kind: 'connectionString',
      connectionString: connectionString === 'UseDevelopmentStorage=true' ? DEVELOPMENT_STORAGE : connectionString,
    };
  }
  const account = read.optional('AzureWebJobsStorage__accountName');
  const uri = (service: 'queue' | 'blob' | 'table') =>
    read.optional(`AzureWebJobsStorage__${service}ServiceUri`) ??
    (account === undefined ? undefined : `https://${account}.${service}.core.windows.net`);
  const [queueUri, blobUri, tableUri] = [uri('queue'), uri('blob'), uri('table')];
  if (queueUri === undefined && blobUri === undefined && tableUri === undefined) {
    read.problem(
      'AzureWebJobsStorage',
      'is missing; give a connection string, or AzureWebJobsStorage__queueServiceUri, __blobServiceUri and __tableServiceUri for access by identity',
    );
  } else {
    for (const [service, value] of Object.entries({ queue: queueUri, blob: blobUri, table: tableUri })) {
      if (value === undefined) read.problem(`AzureWebJobsStorage__${service}ServiceUri`, 'is missing');
    }
  }
  const clientId = read.optional('AzureWebJobsStorage__clientId') ?? read.optional('AZURE_CLIENT_ID');
  return {
    kind: 'identity',
    queueUri: queueUri ?? '',
    blobUri: blobUri ?? '',
    tableUri: tableUri ?? '',
    ...(clientId === undefined ? {} : { clientId }),
  };
}

/** Azurite's account with its published key, as the host expands the short form (Microsoft, "Use the Azurite emulator"). */
const DEVELOPMENT_STORAGE =
  'DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;' +
  'BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;';
