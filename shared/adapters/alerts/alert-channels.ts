import type { Alert, AlertChannel, Pulse, Taken } from '../../domain/alert.ts';
import { type ChannelConfig, channelKey, channelUrl } from '../../domain/alert-channel.ts';
import { ServiceFailure } from '../../domain/failure.ts';
import { redact } from '../../domain/redact.ts';
import type { PostWebhook, ValueOrSecret, WebhookAnswer } from '../../domain/webhook.ts';
import { signWebhook } from '../../domain/webhook-signature.ts';
import { pagerDutyBody, slackBody, teamsBody, webhookBody } from './alert-bodies.ts';

export interface ChannelDeps {
  readonly post: PostWebhook;
  /** Value of a Key Vault secret. */
  secret(name: string): Promise<string>;
  now(): number;
}

/** A post that could not be made: `message` is short and safe to log. */
class NotSent extends Error {}

/** The channel that an entry of ALERT_CHANNELS describes. Its secrets are read with each alert, so a new one counts soon. */
export function alertChannel(config: ChannelConfig, deps: ChannelDeps): AlertChannel {
  return {
    key: channelKey(config),
    kind: config.kind,
    send: alert => taken(() => post(config, deps, alert)),
  };
}

async function post(config: ChannelConfig, deps: ChannelDeps, alert: Alert): Promise<WebhookAnswer> {
  const url = await addressOf(config, deps);
  const allowPrivate = true;
  if (config.kind === 'webhook') {
    const body = webhookBody(alert);
    const secret = config.secret ? await givenValue(config.secret, deps) : '';
    const headers = signWebhook(secret, alert.id, deps.now(), body);
    if (!headers) throw new NotSent('the secret is not whsec_ and base64 of 24 to 64 bytes');
    return deps.post({ url, headers, body, allowPrivate });
  }
  const body =
    config.kind === 'teams'
      ? teamsBody(alert)
      : config.kind === 'slack'
        ? slackBody(alert)
        : pagerDutyBody(alert, config.key ? await givenValue(config.key, deps) : '');
  return deps.post({ url, headers: {}, body, allowPrivate });
}

const SUFFIXES: Readonly<Record<Pulse, string>> = { start: '/start', good: '', bad: '/fail' };

/** Pings a dead-man switch, as healthchecks.io and its kin take it: the address itself is good. Tried twice. */
export function heartbeat(config: ChannelConfig, deps: ChannelDeps): (pulse: Pulse) => Promise<Taken> {
  return async pulse => {
    const ping = () =>
      taken(async () => {
        const url = new URL(await addressOf(config, deps));
        url.pathname = `${url.pathname.replace(/\/+$/, '')}${SUFFIXES[pulse]}`;
        return deps.post({ url, headers: {}, body: '{}', allowPrivate: true });
      });
    const first = await ping();
    return first.ok ? first : ping();
  };
}

async function taken(send: () => Promise<WebhookAnswer>): Promise<Taken> {
  try {
    const answer = await send();
    if (answer.kind === 'failed') return { ok: false, reason: answer.reason };
    return answer.status >= 200 && answer.status < 300
      ? { ok: true }
      : { ok: false, reason: `answered ${answer.status}` };
  } catch (error) {
    const isKnown = error instanceof NotSent || error instanceof ServiceFailure;
    return { ok: false, reason: isKnown ? redact(error.message, 200) : 'a fault of this app' };
  }
}

/** Private addresses may be called: operators choose these, and an alert receiver inside the network is a usual thing. */
async function addressOf(config: ChannelConfig, deps: ChannelDeps): Promise<URL> {
  const url = channelUrl(await givenValue(config.url, deps), config.allowHttp);
  if (!url) throw new NotSent('the URL is not https without a user name');
  return url;
}

async function givenValue(given: ValueOrSecret, deps: ChannelDeps): Promise<string> {
  return given.kind === 'value' ? given.value : deps.secret(given.name);
}
