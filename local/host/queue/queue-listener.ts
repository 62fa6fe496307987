import { setTimeout as delay } from 'node:timers/promises';
import { type DequeuedMessageItem, type QueueClient, QueueServiceClient } from '@azure/storage-queue';
import type { FunctionInfo } from '../function-info.ts';
import type { QueueOptions } from '../host-config.ts';
import type { InvocationRunner } from '../invocation-runner.ts';
import { findConnectionString, resolveSettings, type Settings } from '../settings.ts';
import { createBackoff } from './backoff.ts';
import { type MessageFacts, toQueueInput } from './queue-message.ts';
import { createQueueProcessor } from './queue-processor.ts';
import { isQueueMissing } from './storage-errors.ts';

export type QueueListener = {
  /** Stops polling and waits for the messages in work. */
  stop: () => Promise<void>;
};

type QueueListenerDeps = {
  settings: Settings;
  options: QueueOptions;
  /** How long a received message is hidden before its lease is renewed or lost, milliseconds. */
  leaseMs: number;
  runner: InvocationRunner;
};

/** Runs a queue function once with the given content. */
export function runQueueFunction(
  info: FunctionInfo,
  runner: InvocationRunner,
  body: Buffer,
  facts: MessageFacts,
  queueName: string,
): Promise<unknown> {
  const reason = `New queue message detected on '${queueName}'.`;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch (error) {
    return Promise.reject(error); // the binding fails; the function is not run
  }
  return runner.run(info, { ...toQueueInput(text, facts), reason });
}

/**
 * Starts polling the queue of a queue-triggered function.
 * @throws Error when the queue's name or connection cannot be resolved from the settings.
 */
export function startQueueListener(info: FunctionInfo, deps: QueueListenerDeps): QueueListener {
  const { settings, options, leaseMs, runner } = deps;
  const { queueName, connection } = info.trigger as { queueName?: string; connection?: string };
  const name = resolveSettings(queueName ?? '', settings).toLowerCase();
  if (!/^[a-z0-9](?:-?[a-z0-9]){2,62}$/.test(name)) throw new Error(`'${name}' is not a valid queue name.`);
  const service = QueueServiceClient.fromConnectionString(findConnectionString(connection, settings), {
    retryOptions: { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 2000 },
  });
  const queue = service.getQueueClient(name);
  const poisonName = `${name}-poison`;
  const hasPoison = !name.endsWith('-poison') && poisonName.length <= 63;
  const process = createQueueProcessor({
    queue,
    poisonQueue: hasPoison ? service.getQueueClient(poisonName) : undefined,
    options,
    leaseMs,
    run: async (body, facts) => void (await runQueueFunction(info, runner, body, facts, name)),
    warn: message => runner.log('warning', message),
  });
  return startPolling(queue, process, options, leaseMs, message => runner.log('warning', message));
}

function startPolling(
  queue: QueueClient,
  process: (message: DequeuedMessageItem) => Promise<void>,
  options: QueueOptions,
  leaseMs: number,
  warn: (message: string) => void,
): QueueListener {
  const stopping = new AbortController();
  const inWork = new Set<Promise<void>>();
  const nextDelayMs = createBackoff(options.maxPollingIntervalMs, Math.random);
  let lastFailure = '';

  const poll = async (): Promise<DequeuedMessageItem[]> => {
    try {
      const { receivedMessageItems } = await queue.receiveMessages({
        numberOfMessages: options.batchSize,
        visibilityTimeout: Math.max(1, Math.round(leaseMs / 1000)),
      });
      lastFailure = '';
      return receivedMessageItems;
    } catch (error) {
      // A queue that does not exist (yet) is simply empty; other trouble is told once, and polling goes on.
      const text = (error as Error).message;
      if (!isQueueMissing(error) && text !== lastFailure) warn(`Polling queue '${queue.name}' failed: ${text}`);
      lastFailure = text;
      return [];
    }
  };

  const loop = async (): Promise<void> => {
    let foundSinceDelay = false;
    while (!stopping.signal.aborted) {
      const messages = await poll();
      for (const message of messages) {
        const work = process(message).finally(() => inWork.delete(work));
        inWork.add(work);
      }
      if (messages.length > 0) {
        foundSinceDelay = true;
        while (inWork.size > options.newBatchThreshold) await Promise.race(inWork);
      } else {
        await delay(nextDelayMs(foundSinceDelay), undefined, { signal: stopping.signal }).catch(() => {});
        foundSinceDelay = false;
      }
    }
  };

  const polling = loop();
  return {
    stop: async () => {
      stopping.abort();
      await polling;
      await Promise.all(inWork);
    },
  };
}
