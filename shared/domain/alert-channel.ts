import { createHash } from 'node:crypto';
import type { ValueOrSecret } from './webhook.ts';

/** One entry of ALERT_CHANNELS. */
export interface ChannelConfig {
  readonly kind: 'webhook' | 'teams' | 'slack' | 'pagerduty' | 'heartbeat';
  readonly url: ValueOrSecret;
  /** Webhook: the signing secret. */
  readonly secret?: ValueOrSecret;
  /** PagerDuty: the integration's routing key. */
  readonly key?: ValueOrSecret;
  /** http is taken for other hosts than this machine, too. */
  readonly allowHttp: boolean;
}

/** What alerts are told by, and where their links lead. */
export interface AlertSettings {
  readonly channels: readonly ChannelConfig[];
  /** Absent where the app does not know its own name. */
  readonly dashboardUrl?: string;
}

/** What a notice waits for: a name of the channel that outlives a new order of the list and a new secret. */
export function channelKey({ kind, url, key }: ChannelConfig): string {
  const of = (value: ValueOrSecret | undefined) =>
    value ? (value.kind === 'value' ? `v:${value.value}` : `n:${value.name}`) : '';
  return createHash('sha256')
    .update(`${kind}|${of(url)}|${of(key)}`)
    .digest('hex')
    .slice(0, 16);
}

/** The address of a channel, or undefined when it may not be called: https, or http to this machine itself; no user name in it. */
export function channelUrl(text: string, allowHttp: boolean): URL | undefined {
  const url = URL.parse(text.trim());
  if (url?.username !== '' || url.password !== '') return undefined;
  if (url.protocol === 'https:') return url;
  const isLocal = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  return url.protocol === 'http:' && (isLocal || allowHttp) ? url : undefined;
}
