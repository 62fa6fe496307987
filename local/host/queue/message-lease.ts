import type { QueueClient } from '@azure/storage-queue';
import { isGone, isServerSide } from './storage-errors.ts';

/** A received message that is kept hidden from other consumers while it is worked on. */
type MessageLease = {
  /** The pop receipt that is valid now; each renewal changes it. */
  popReceipt: () => string;
  /** Ends the renewing and waits for one under way. */
  stop: () => Promise<void>;
};

/**
 * Keeps a message hidden: every half lease its visibility is set anew. When the service fails, the next try comes
 * sooner; when the message is gone or someone else has it, there is nothing left to renew.
 * @param leaseMs length of the lease; 10 minutes in Azure.
 */
export function keepHidden(queue: QueueClient, id: string, firstReceipt: string, leaseMs: number): MessageLease {
  let popReceipt = firstReceipt;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let renewing: Promise<void> = Promise.resolve();

  const schedule = (delayMs: number) => {
    if (!stopped) timer = setTimeout(() => (renewing = renew(delayMs)), delayMs);
  };
  const renew = async (lastDelayMs: number): Promise<void> => {
    try {
      const updated = await queue.updateMessage(id, popReceipt, undefined, Math.max(1, Math.round(leaseMs / 1000)));
      popReceipt = updated.popReceipt ?? popReceipt;
      schedule(leaseMs / 2);
    } catch (error) {
      if (isGone(error)) return;
      schedule(isServerSide(error) ? Math.max(lastDelayMs / 2, leaseMs / 10) : leaseMs / 10);
    }
  };
  schedule(leaseMs / 2);
  return {
    popReceipt: () => popReceipt,
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await renewing;
    },
  };
}
