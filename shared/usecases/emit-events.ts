import { type EventQueue, tasksOf } from '../domain/event-task.ts';
import { type EventOutbox, type EventRef, eventOf } from '../domain/events.ts';
import type { Log } from '../domain/ports.ts';
import { redact } from '../domain/redact.ts';
import type { Webhook } from '../domain/webhook.ts';
import type { EventSink } from './record-outcome.ts';

export interface EmitDeps {
  readonly webhooks: readonly Webhook[];
  readonly queue: EventQueue;
  readonly outbox: EventOutbox;
}

/**
 * Puts an outcome on the queue of events, then takes away the note that was written with it. Whatever fails here is
 * logged and left to `sweep`, which finds the note: the mail has gone its way already.
 */
export function eventSink(deps: EmitDeps): EventSink {
  return {
    async emit(record, log) {
      const event = eventOf(record);
      if (!event) return;
      try {
        await emitEvent(deps, event);
      } catch (error) {
        logLeft(event, error, log);
      }
    },
  };
}

/** One queue message for each webhook that wants the event. The note goes last: a crash in between repeats, and loses nothing. */
export async function emitEvent(deps: EmitDeps, event: EventRef): Promise<void> {
  const tasks = tasksOf(deps.webhooks, event);
  if (tasks.length === 0) return;
  await Promise.all(tasks.map(task => deps.queue.put(task, 0)));
  await deps.outbox.done(event);
}

function logLeft(event: EventRef, error: unknown, log: Log): void {
  log('warn', {
    event: 'webhook.left',
    messageId: event.messageId,
    state: event.status,
    detail: `left to the next sweep: ${redact(error instanceof Error ? error.message : String(error), 300)}`,
  });
}
