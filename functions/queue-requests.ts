import type { InvocationContext, StorageQueueHandler } from '@azure/functions';
import { acceptQueued } from '../shared/usecases/accept-queued.ts';
import { contextLog } from './context-log.ts';
import type { RuntimeSource } from './runtime.ts';

/** A mail request from the queue `mail-requests`: the same JSON as over HTTP. */
export function queueRequests(runtimeOf: RuntimeSource): StorageQueueHandler {
  return async (entry: unknown, context: InvocationContext) => {
    const log = contextLog(context);
    const runtime = runtimeOf(log);
    if (!runtime)
      throw new Error(
        'settings_invalid: the settings of the app are missing or invalid; see the log line settings.invalid',
      );
    const metadata = context.triggerMetadata ?? {};
    const insertedAtMs = Date.parse(String(metadata['insertionTime'] ?? ''));
    await acceptQueued(
      { ...runtime.accept, requests: runtime.requests },
      {
        value: entry,
        // The library parses whatever parses; a text that was not JSON comes through as it was.
        text: typeof entry === 'string' ? entry : JSON.stringify(entry),
        queueMessageId: String(metadata['id'] ?? context.invocationId),
        insertedAtMs: Number.isFinite(insertedAtMs) ? insertedAtMs : Date.now(),
        dequeueCount: Number(metadata['dequeueCount'] ?? 1) || 1,
      },
      log,
    );
  };
}
