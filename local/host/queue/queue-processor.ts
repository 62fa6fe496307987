import type { DequeuedMessageItem, QueueClient } from '@azure/storage-queue';
import type { QueueOptions } from '../host-config.ts';
import { keepHidden } from './message-lease.ts';
import { decodeBody, type MessageFacts, undecodable } from './queue-message.ts';
import { isGone, isQueueMissing } from './storage-errors.ts';

type QueueProcessorDeps = {
  queue: QueueClient;
  /** undefined for a queue that is itself a poison queue. */
  poisonQueue: QueueClient | undefined;
  options: QueueOptions;
  leaseMs: number;
  /** Runs the function. @throws when the run failed. */
  run: (body: Buffer, facts: MessageFacts) => Promise<void>;
  warn: (message: string) => void;
};

/**
 * Makes the function that takes one received message to its end: run and delete; on failure release it for another
 * try, or copy it to the poison queue once it has had `maxDequeueCount` runs. Never throws.
 */
export function createQueueProcessor(deps: QueueProcessorDeps): (message: DequeuedMessageItem) => Promise<void> {
  const { queue, poisonQueue, options, leaseMs, run, warn } = deps;

  const process = async (message: DequeuedMessageItem): Promise<void> => {
    const body = decodeBody(message.messageText, options.messageEncoding);
    if (body === undecodable) {
      warn(`Message ${message.messageId} of queue '${queue.name}' is not valid base64 (messageEncoding in host.json).`);
      return toPoison(message, message.popReceipt);
    }
    if (message.dequeueCount > options.maxDequeueCount) return toPoison(message, message.popReceipt);
    const lease = keepHidden(queue, message.messageId, message.popReceipt, leaseMs);
    const succeeded = await run(body, toFacts(message)).then(
      () => true,
      () => false, // already logged
    );
    await lease.stop();
    const receipt = lease.popReceipt();
    if (succeeded) await unlessGone(queue.deleteMessage(message.messageId, receipt));
    else if (!poisonQueue)
      return; // stays hidden until its lease ends, so that it does not come round at once
    else if (message.dequeueCount >= options.maxDequeueCount) await toPoison(message, receipt);
    else {
      const hiddenSeconds = Math.round(options.visibilityTimeoutMs / 1000);
      await unlessGone(queue.updateMessage(message.messageId, receipt, undefined, hiddenSeconds));
    }
  };

  const toPoison = async (message: DequeuedMessageItem, popReceipt: string): Promise<void> => {
    if (!poisonQueue) return;
    warn(
      `Message has reached MaxDequeueCount of ${options.maxDequeueCount}. Moving message to queue '${poisonQueue.name}'.`,
    );
    // No time to live is given: the copy lives for the service's default of 7 days, as in Azure.
    await poisonQueue.sendMessage(message.messageText).catch(async error => {
      if (!isQueueMissing(error)) throw error;
      await poisonQueue.createIfNotExists();
      await poisonQueue.sendMessage(message.messageText);
    });
    await unlessGone(queue.deleteMessage(message.messageId, popReceipt));
  };

  return message =>
    process(message).catch(error => {
      warn(`Message ${message.messageId} of queue '${queue.name}' could not be completed: ${error.message}`);
    });
}

function toFacts(message: DequeuedMessageItem): MessageFacts {
  return {
    id: message.messageId,
    popReceipt: message.popReceipt,
    dequeueCount: message.dequeueCount,
    insertedAt: message.insertedOn.getTime(),
    expiresAt: message.expiresOn.getTime(),
    nextVisibleAt: message.nextVisibleOn.getTime(),
  };
}

async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}
