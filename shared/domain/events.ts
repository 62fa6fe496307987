import { isFinal, type MessageRecord, type MessageStatus, mayFollow } from './message-record.ts';

/** States whose beginning is told to webhooks. */
const EVENT_STATUSES = [
  'sent',
  'deferred',
  'failed',
  'unknown',
  'expired',
  'cancelled',
] as const satisfies readonly MessageStatus[];
export type EventStatus = (typeof EVENT_STATUSES)[number];
export type EventType = `message.${EventStatus}`;
export const EVENT_TYPES: readonly EventType[] = EVENT_STATUSES.map(status => `message.${status}` as const);

/** Which step of which message: enough to find it in the timeline again. */
export interface EventRef {
  readonly messageId: string;
  readonly status: EventStatus;
  readonly atMs: number;
  readonly attempt?: number;
}

/** Notes written together with an outcome, so that a crash right after it loses no event. */
export interface EventOutbox {
  pending(max: number): Promise<readonly EventRef[]>;
  done(event: EventRef): Promise<void>;
}

/** The event that a record in its present state stands for. */
export function eventOf(record: MessageRecord): EventRef | undefined {
  const status = EVENT_STATUSES.find(candidate => candidate === record.status);
  if (status === undefined) return undefined;
  const step = record.events.findLast(event => event.status === status);
  return {
    messageId: record.id,
    status,
    atMs: step?.atMs ?? record.updatedAtMs,
    ...(step?.attempt === undefined ? {} : { attempt: step.attempt }),
  };
}

/**
 * Name of an event, the same at each delivery. A state that nothing follows comes once and needs no time in its name:
 * so the event keeps it even if two instances recorded the same 250 a moment apart.
 */
export function eventId({ messageId, status, atMs }: EventRef): string {
  const comesOnce = isFinal(status) && !mayFollow(status, 'queued');
  return comesOnce ? `${messageId}_${status}` : `${messageId}_${status}_${atMs}`;
}
