import { EVENT_TYPES, type EventRef, type EventStatus, eventOf } from './events.ts';
import { isMessageId } from './message-id.ts';
import type { MessageRecord } from './message-record.ts';
import type { PoisonMessage } from './queue-ports.ts';
import { type Webhook, webhookKey } from './webhook.ts';

/** One event for one webhook, as it stands on the queue `mail-events`. */
export interface EventTask extends EventRef {
  /** `webhookKey` of the receiver. */
  readonly webhook: string;
  /** Deliveries that have failed. */
  readonly tries: number;
  /** When the first one failed, ms since 1970. */
  readonly sinceMs?: number;
}

export interface EventQueue {
  put(task: EventTask, delayMs: number): Promise<void>;
  /** What the host gave up, e.g. because storage or the settings were away for long. */
  receivePoison(max: number): Promise<readonly PoisonMessage[]>;
}

/** The tasks of an event, one for each webhook that wants it. */
export function tasksOf(webhooks: readonly Webhook[], event: EventRef): readonly EventTask[] {
  return webhooks
    .filter(webhook => webhook.types?.includes(`message.${event.status}`) ?? true)
    .map(webhook => ({ ...event, webhook: webhookKey(webhook), tries: 0 }));
}

/** Finds the event of a record that some webhook wants; for the store, which notes it in the outcome's transaction. */
export function eventNoter(webhooks: readonly Webhook[]): (record: MessageRecord) => EventRef | undefined {
  return record => {
    const event = eventOf(record);
    return event && tasksOf(webhooks, event).length > 0 ? event : undefined;
  };
}

/** A task as read from the queue; undefined when it is none. */
export function readEventTask(value: unknown): EventTask | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { messageId, status, atMs, attempt, webhook, tries, sinceMs } = value as Record<string, unknown>;
  if (!isMessageId(messageId) || !isStatus(status) || !isCount(atMs) || !isCount(tries)) return undefined;
  if (typeof webhook !== 'string') return undefined;
  return {
    messageId,
    status,
    atMs,
    webhook,
    tries,
    ...(isCount(attempt) ? { attempt } : {}),
    ...(isCount(sinceMs) ? { sinceMs } : {}),
  };
}

function isStatus(value: unknown): value is EventStatus {
  return EVENT_TYPES.some(type => type === `message.${value}`);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
