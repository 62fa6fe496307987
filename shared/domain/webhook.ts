import { createHash } from 'node:crypto';
import type { EventType } from './events.ts';

/** A value that stands in the settings, or the name of the Key Vault secret that holds it. */
export type ValueOrSecret =
  | { readonly kind: 'value'; readonly value: string }
  | { readonly kind: 'secret'; readonly name: string };

/** One receiver of events. */
export interface Webhook {
  readonly url: ValueOrSecret;
  readonly secret: ValueOrSecret;
  /** Absent = all types. */
  readonly types?: readonly EventType[];
  /** Private and loopback addresses may be called, and http. */
  readonly allowPrivate: boolean;
}

/**
 * What a queue message calls a webhook by: a hash of where its address stands, 16 hex digits. It outlives a new order
 * of the list and a new secret; an address of its own is another webhook.
 */
export function webhookKey({ url }: Pick<Webhook, 'url'>): string {
  const identity = url.kind === 'value' ? `url:${url.value}` : `urlName:${url.name}`;
  return createHash('sha256').update(identity).digest('hex').slice(0, 16);
}

/** The address of a webhook, or undefined when it may not be called: https, or http with `allowPrivate`; no user name in it. */
export function webhookUrl(text: string, allowPrivate: boolean): URL | undefined {
  const url = URL.parse(text.trim());
  if (url?.username !== '' || url.password !== '') return undefined;
  return url.protocol === 'https:' || (url.protocol === 'http:' && allowPrivate) ? url : undefined;
}

export interface WebhookPost {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly allowPrivate: boolean;
}

/** `failed`: no answer came. `reason` is a short code and safe to log. */
export type WebhookAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfter?: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** Posts once, never follows a redirect and never throws. */
export type PostWebhook = (post: WebhookPost) => Promise<WebhookAnswer>;
