import type { InvocationContext, StorageQueueHandler } from '@azure/functions';
import { readEventTask } from '../shared/domain/event-task.ts';
import { deliverEvent } from '../shared/usecases/deliver-event.ts';
import { contextLog } from './context-log.ts';
import type { RuntimeSource } from './runtime.ts';
import { settingsInvalid } from './settings-invalid.ts';

/** One event for one webhook, from the queue `mail-events`. */
export function queueEvents(runtimeOf: RuntimeSource): StorageQueueHandler {
  return async (entry: unknown, context: InvocationContext) => {
    const log = contextLog(context);
    const runtime = runtimeOf(log);
    if (!runtime) throw settingsInvalid();
    const task = readEventTask(entry);
    if (!task) {
      log('error', { event: 'webhook.dropped', detail: 'the queue message names no event' });
      return;
    }
    await deliverEvent(await runtime.eventDelivery(), task, log);
  };
}
