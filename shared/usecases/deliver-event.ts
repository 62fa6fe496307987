import { eventBody } from '../domain/event-body.ts';
import { nextTry, putOff, retryAfterMs } from '../domain/event-retry.ts';
import type { EventQueue, EventTask } from '../domain/event-task.ts';
import { eventId } from '../domain/events.ts';
import { ServiceFailure } from '../domain/failure.ts';
import type { MessageStore } from '../domain/message-ports.ts';
import type { Clock, Log, LogLevel } from '../domain/ports.ts';
import { redact } from '../domain/redact.ts';
import { type PostWebhook, type ValueOrSecret, type Webhook, webhookKey, webhookUrl } from '../domain/webhook.ts';
import { signWebhook } from '../domain/webhook-signature.ts';
import type { WebhookRest } from './webhook-rest.ts';

export interface DeliverEventDeps {
  readonly webhooks: readonly Webhook[];
  readonly store: Pick<MessageStore, 'peek'>;
  readonly queue: EventQueue;
  readonly post: PostWebhook;
  /** Value of a Key Vault secret. */
  secret(name: string): Promise<string>;
  readonly rest: WebhookRest;
  readonly clock: Clock;
}

/** What a delivery came to: `host` and `what` are for the log. */
interface Tried {
  readonly status?: number;
  readonly retryAfter?: string;
  readonly host?: string;
  readonly what: string;
  readonly isDelivered?: true;
}

const PUT_OFF_SPREAD_MS = 15_000;

/**
 * Delivers one event to one webhook: reads the record, signs, posts. 2xx ends it, 410 too; anything else is put back
 * with a longer wait and a higher count, for a day.
 *
 * Throws ServiceFailure when storage is away, so that the host brings the task again.
 */
export async function deliverEvent(deps: DeliverEventDeps, task: EventTask, log: Log): Promise<void> {
  const tell = (level: LogLevel, event: string, detail: string, ms?: number) =>
    log(level, {
      event,
      messageId: task.messageId,
      state: task.status,
      attempt: task.tries + 1,
      webhook: task.webhook,
      ...(ms === undefined ? {} : { ms }),
      detail,
    });
  const webhook = deps.webhooks.find(one => webhookKey(one) === task.webhook);
  if (!webhook) return tell('warn', 'webhook.dropped', 'the webhook is no longer in EVENT_WEBHOOKS');
  const restMs = deps.rest.enter(task.webhook);
  if (restMs > 0) {
    const later = putOff(task, deps.clock.now());
    if (!later) return tell('error', 'webhook.abandoned', 'the receiver has not answered for a day');
    return deps.queue.put(later, restMs + Math.round(deps.clock.random() * PUT_OFF_SPREAD_MS));
  }
  const begunMs = deps.clock.now();
  let tried: Tried | undefined;
  try {
    const stored = await deps.store.peek(task.messageId);
    if (!stored) return tell('warn', 'webhook.dropped', 'the record of the message is gone');
    tried = await deliver(deps, webhook, task, eventBody(task, stored.record));
  } finally {
    const ms = deps.clock.now() - begunMs;
    deps.rest.leave(task.webhook, tried && { isDelivered: tried.isDelivered === true, ms });
  }
  const nowMs = deps.clock.now();
  const detail = tried.host === undefined ? tried.what : `${tried.host}: ${tried.what}`;
  if (tried.isDelivered) return tell('info', 'webhook.delivered', detail, nowMs - begunMs);
  if (tried.status === 410) return tell('error', 'webhook.abandoned', `${detail}; the receiver wants no more of it`);
  const next = nextTry(task, nowMs, deps.clock.random(), retryAfterMs(tried.retryAfter, nowMs));
  if (!next) return tell('error', 'webhook.abandoned', detail);
  await deps.queue.put(next.task, next.delayMs);
  tell('warn', 'webhook.failed', `${detail}; next try in ${Math.round(next.delayMs / 1000)} s`, nowMs - begunMs);
}

async function deliver(deps: DeliverEventDeps, webhook: Webhook, task: EventTask, body: string): Promise<Tried> {
  const [address, secret] = await Promise.all([givenValue(deps, webhook.url), givenValue(deps, webhook.secret)]);
  if ('what' in address) return address;
  const url = webhookUrl(address.value, webhook.allowPrivate);
  if (!url) return { what: 'the URL is not https without a user name' };
  const host = url.hostname;
  if ('what' in secret) return { ...secret, host };
  const headers = signWebhook(secret.value, eventId(task), deps.clock.now(), body);
  if (!headers) return { host, what: 'the secret is not whsec_ and base64 of 24 to 64 bytes' };
  const answer = await deps.post({ url, headers, body, allowPrivate: webhook.allowPrivate });
  if (answer.kind === 'failed') return { host, what: answer.reason };
  const { kind: _kind, ...facts } = answer;
  const isDelivered = answer.status >= 200 && answer.status < 300;
  return { ...facts, host, what: `answered ${answer.status}`, ...(isDelivered ? { isDelivered } : {}) };
}

async function givenValue(deps: DeliverEventDeps, given: ValueOrSecret): Promise<{ readonly value: string } | Tried> {
  if (given.kind === 'value') return given;
  try {
    return { value: await deps.secret(given.name) };
  } catch (error) {
    if (!(error instanceof ServiceFailure)) throw error;
    return { what: redact(error.message, 200) };
  }
}
