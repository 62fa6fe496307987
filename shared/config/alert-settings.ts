import { z } from 'zod';
import { type AlertSettings, type ChannelConfig, channelKey, channelUrl } from '../domain/alert-channel.ts';
import type { ValueOrSecret } from '../domain/webhook.ts';
import { isWebhookSecret } from '../domain/webhook-signature.ts';
import { reportIssues } from './report-issues.ts';
import type { SettingReader } from './setting-reader.ts';

const MAX_CHANNELS = 20;
/** PagerDuty, "Send an event": the service region of the United States; the European one is given as `url`. */
const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue';
/** Key Vault object names: letters, digits, hyphens, 1 to 127 characters. */
const vaultName = z.string().regex(/^[0-9A-Za-z-]{1,127}$/, 'must be a Key Vault name (letters, digits, hyphens)');

const address = {
  url: z.string().max(2048).optional(),
  urlName: vaultName.optional(),
  allowPrivate: z.boolean().default(false),
};
const secret = z.string().refine(isWebhookSecret, 'must be whsec_ and base64 of 24 to 64 bytes');
const key = z.string().regex(/^[\x21-\x7e]{1,255}$/, 'must be the integration key of PagerDuty');

const channel = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('webhook'),
      ...address,
      secret: secret.optional(),
      secretName: vaultName.optional(),
    }),
    z.strictObject({ kind: z.literal('teams'), ...address }),
    z.strictObject({ kind: z.literal('slack'), ...address }),
    z.strictObject({ kind: z.literal('pagerduty'), ...address, key: key.optional(), keyName: vaultName.optional() }),
    z.strictObject({ kind: z.literal('heartbeat'), ...address }),
  ])
  .refine(value => value.url === undefined || value.urlName === undefined, 'needs url or urlName, one of them')
  .refine(
    value => value.kind === 'pagerduty' || value.url !== undefined || value.urlName !== undefined,
    'needs url or urlName, one of them',
  )
  .refine(
    value => value.kind !== 'webhook' || (value.secret === undefined) !== (value.secretName === undefined),
    'needs secret or secretName, one of them',
  )
  .refine(
    value => value.kind !== 'pagerduty' || (value.key === undefined) !== (value.keyName === undefined),
    'needs key or keyName, one of them',
  )
  .refine(value => value.url === undefined || channelUrl(value.url, value.allowPrivate) !== undefined, {
    path: ['url'],
    message: 'must be an https URL without a user name (http to this machine, or with allowPrivate)',
  });

/** ALERT_CHANNELS, and the app's own name for links. Faults are named by their place in the array, never with the value. */
export function alertSettings(read: SettingReader): AlertSettings {
  const dashboardUrl = dashboardOf(read.optional('WEBSITE_HOSTNAME'));
  const links = dashboardUrl === undefined ? {} : { dashboardUrl };
  const parsed = z.array(channel).max(MAX_CHANNELS).safeParse(read.json('ALERT_CHANNELS', []));
  if (!parsed.success) {
    reportIssues(read, 'ALERT_CHANNELS', parsed.error);
    return { channels: [], ...links };
  }
  const channels = parsed.data.map(configOf);
  const keys = channels.map(channelKey);
  const twice = keys.findIndex((one, index) => keys.indexOf(one) < index);
  if (twice >= 0) read.problem(`ALERT_CHANNELS[${twice}]`, 'has the kind and address of an earlier entry');
  return { channels, ...links };
}

/** Whether an address, secret or key is to be read from Key Vault. */
export function alertsUseVault({ channels }: AlertSettings): boolean {
  return channels.some(({ url, secret: own, key: routing }) => [url, own, routing].some(one => one?.kind === 'secret'));
}

function configOf(entry: z.infer<typeof channel>): ChannelConfig {
  const { kind, url, urlName, allowPrivate } = entry;
  return {
    kind,
    url: given(url, urlName) ?? { kind: 'value', value: PAGERDUTY_URL },
    ...(entry.kind === 'webhook' ? { secret: given(entry.secret, entry.secretName) ?? NOTHING } : {}),
    ...(entry.kind === 'pagerduty' ? { key: given(entry.key, entry.keyName) ?? NOTHING } : {}),
    allowHttp: allowPrivate,
  };
}

const NOTHING: ValueOrSecret = { kind: 'value', value: '' };

function given(value: string | undefined, name: string | undefined): ValueOrSecret | undefined {
  if (name !== undefined) return { kind: 'secret', name };
  return value === undefined ? undefined : { kind: 'value', value };
}

/** The platform says under which name the app is reached; the local host says localhost and a port. */
function dashboardOf(host: string | undefined): string | undefined {
  if (host === undefined || !/^[A-Za-z0-9.-]{1,253}(?::\d{1,5})?$/.test(host)) return undefined;
  return `${/^(?:localhost|127\.)/.test(host) ? 'http' : 'https'}://${host}/api/dashboard`;
}
