import type { InvocationContext, StorageQueueHandler } from '@azure/functions';
import { requestQueues } from '../shared/adapters/storage/queues.ts';
import { storageClients } from '../shared/adapters/storage/storage-clients.ts';
import { readStorageSettings } from '../shared/config/settings.ts';
import {
  acceptQueued,
  isRequestObject,
  PUT_BACK_AFTER_MS,
  PUT_BACK_FROM_DEQUEUE,
  withKey,
} from '../shared/usecases/accept-queued.ts';
import { contextLog } from './context-log.ts';
import type { RuntimeSource } from './runtime.ts';
import { settingsInvalid } from './settings-invalid.ts';

/**
 * While settings are bad a request must not run into the poison queue: its producer has no other copy. It is put back for
 * later, as long as at least the storage settings are good.
 */
async function waitForSettings(entry: unknown, queueMessageId: string, dequeueCount: number): Promise<void> {
  const storage = readStorageSettings(process.env);
  if (!storage || dequeueCount < PUT_BACK_FROM_DEQUEUE || !isRequestObject(entry)) {
    throw settingsInvalid();
  }
  await requestQueues(storageClients(storage)).retryRequest(withKey(queueMessageId, entry), PUT_BACK_AFTER_MS);
}

/**
 * Writers of .NET put a byte order mark before their text, and the library parses none that begins with one. A reader may
 * pass over it (RFC 8259, 8.1).
 */
function withoutMark(entry: unknown): unknown {
  if (typeof entry !== 'string' || !entry.startsWith('\ufeff')) return entry;
  try {
    return JSON.parse(entry.slice(1));
  } catch {
    return entry;
  }
}

/** A mail request from the queue `mail-requests`: the same JSON as over HTTP. */
export function queueRequests(runtimeOf: RuntimeSource): StorageQueueHandler {
  return async (given: unknown, context: InvocationContext) => {
    const entry = withoutMark(given);
    const log = contextLog(context);
    const runtime = runtimeOf(log);
    const metadata = context.triggerMetadata ?? {};
    const dequeueCount = Number(metadata['dequeueCount'] ?? 1) || 1;
    const queueMessageId = String(metadata['id'] ?? context.invocationId);
    if (!runtime) return waitForSettings(entry, queueMessageId, dequeueCount);
    const insertedAtMs = Date.parse(String(metadata['insertionTime'] ?? ''));
    await acceptQueued(
      { ...runtime.accept, requests: runtime.requests },
      {
        value: entry,
        // The library parses whatever parses; a text that was not JSON comes through as it was.
        text: typeof entry === 'string' ? entry : JSON.stringify(entry),
        queueMessageId,
        insertedAtMs: Number.isFinite(insertedAtMs) ? insertedAtMs : Date.now(),
        dequeueCount,
      },
      log,
    );
  };
}
