import { z } from 'zod';
import { EVENT_TYPES } from '../domain/events.ts';
import { type ValueOrSecret, type Webhook, webhookKey, webhookUrl } from '../domain/webhook.ts';
import { isWebhookSecret } from '../domain/webhook-signature.ts';
import { reportIssues } from './report-issues.ts';
import type { SettingReader } from './setting-reader.ts';

const MAX_WEBHOOKS = 20;
/** Key Vault object names: letters, digits, hyphens, 1 to 127 characters. */
const vaultName = z.string().regex(/^[0-9A-Za-z-]{1,127}$/, 'must be a Key Vault name (letters, digits, hyphens)');

const webhook = z
  .strictObject({
    url: z.string().max(2048).optional(),
    urlName: vaultName.optional(),
    secret: z.string().refine(isWebhookSecret, 'must be whsec_ and base64 of 24 to 64 bytes').optional(),
    secretName: vaultName.optional(),
    types: z.array(z.enum(EVENT_TYPES)).min(1).optional(),
    allowPrivate: z.boolean().default(false),
  })
  .refine(value => (value.url === undefined) !== (value.urlName === undefined), 'needs url or urlName, one of them')
  .refine(
    value => (value.secret === undefined) !== (value.secretName === undefined),
    'needs secret or secretName, one of them',
  )
  .refine(value => value.url === undefined || webhookUrl(value.url, value.allowPrivate) !== undefined, {
    path: ['url'],
    message: 'must be an https URL without a user name (http only with allowPrivate)',
  });

/** EVENT_WEBHOOKS: every fault is named by its place in the array, never with the value found there. */
export function webhookList(read: SettingReader): readonly Webhook[] {
  const parsed = z.array(webhook).max(MAX_WEBHOOKS).safeParse(read.json('EVENT_WEBHOOKS', []));
  if (!parsed.success) {
    reportIssues(read, 'EVENT_WEBHOOKS', parsed.error);
    return [];
  }
  const list = parsed.data.map(entry => ({
    url: valueOrSecret(entry.url, entry.urlName),
    secret: valueOrSecret(entry.secret, entry.secretName),
    ...(entry.types === undefined ? {} : { types: entry.types }),
    allowPrivate: entry.allowPrivate,
  }));
  const keys = list.map(webhookKey);
  const twice = keys.findIndex((key, index) => keys.indexOf(key) < index);
  if (twice >= 0)
    read.problem(`EVENT_WEBHOOKS[${twice}]`, 'has the address of an earlier entry; list its types in one entry');
  return list;
}

/** Whether a webhook's address or secret is to be read from Key Vault. */
export function usesVault(webhooks: readonly Webhook[]): boolean {
  return webhooks.some(({ url, secret }) => url.kind === 'secret' || secret.kind === 'secret');
}

function valueOrSecret(value: string | undefined, name: string | undefined): ValueOrSecret {
  return name === undefined ? { kind: 'value', value: value ?? '' } : { kind: 'secret', name };
}
