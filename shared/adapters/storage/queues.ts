import type { QueueClient } from '@azure/storage-queue';
import type { EventQueue } from '../../domain/event-task.ts';
import type { PoisonMessage, RequestQueues, WakeQueue } from '../../domain/queue-ports.ts';
import { putBackBlobs } from './put-back-blobs.ts';
import type { StorageClients } from './storage-clients.ts';
import { statusOf, storageFault } from './storage-fault.ts';

export const REQUESTS_QUEUE = 'mail-requests';
export const SUBMISSIONS_QUEUE = 'mail-submissions';
export const SUBMISSIONS_HIGH_QUEUE = 'mail-submissions-high';
export const EVENTS_QUEUE = 'mail-events';
/** Queues of requests and wake-ups; the host adds the suffix for messages it gave up. */
export const QUEUES = [REQUESTS_QUEUE, SUBMISSIONS_QUEUE, SUBMISSIONS_HIGH_QUEUE] as const;
export const poisonOf = (queue: string) => `${queue}-poison`;

/** TTL −1: never. A wake-up that expires after the service's default of 7 days would be a silent loss. */
const NEVER_EXPIRES = { messageTimeToLive: -1 };
/** While a poison message is being recorded it is hidden this long; a crash in between shows it again. */
const POISON_LEASE_SECONDS = 120;

/** Puts wake-ups, base64 as the host's queue trigger expects them by default. */
export function wakeQueue(clients: StorageClients): WakeQueue {
  return {
    async put({ messageId, generation, place }, priority, delayMs) {
      const queue = priority === 'high' ? SUBMISSIONS_HIGH_QUEUE : SUBMISSIONS_QUEUE;
      await send(clients, queue, base64(JSON.stringify({ messageId, generation, place })), delayMs);
    },
  };
}

/** Events on their way to webhooks. What the host gave up is read apart from the rest: it goes back, and into no record. */
export function eventQueue(clients: StorageClients): EventQueue {
  return {
    put: (task, delayMs) => send(clients, EVENTS_QUEUE, base64(JSON.stringify(task)), delayMs),
    receivePoison: max => receive(clients, poisonOf(EVENTS_QUEUE), max),
  };
}

export function requestQueues(clients: StorageClients): RequestQueues {
  const { pointerTo, requestOf } = putBackBlobs(clients);
  return {
    poisonRequest: text => send(clients, poisonOf(REQUESTS_QUEUE), base64(text), 0),
    retryRequest: async (text, delayMs) =>
      send(clients, REQUESTS_QUEUE, base64(fitsQueue(text) ? text : await pointerTo(text)), delayMs),
    unwrapRequest: requestOf,
    async receivePoison(max) {
      const found = await Promise.all(QUEUES.map(queue => receive(clients, poisonOf(queue), max)));
      return found.flat();
    },
  };
}

async function receive(clients: StorageClients, name: string, max: number): Promise<PoisonMessage[]> {
  return withQueue(clients, name, 'read poison messages', async queue => {
    const answer = await queue.receiveMessages({
      numberOfMessages: Math.min(max, 32),
      visibilityTimeout: POISON_LEASE_SECONDS,
    });
    return answer.receivedMessageItems.map(item => ({
      queue: name,
      text: decoded(item.messageText),
      insertedAtMs: item.insertedOn.getTime(),
      async done() {
        await withQueue(clients, name, 'delete poison message', client =>
          client.deleteMessage(item.messageId, item.popReceipt),
        );
      },
    }));
  });
}

async function send(clients: StorageClients, name: string, text: string, delayMs: number): Promise<void> {
  const visibilityTimeout = Math.max(0, Math.floor(delayMs / 1000));
  await withQueue(clients, name, 'put message', queue =>
    queue.sendMessage(text, { ...NEVER_EXPIRES, visibilityTimeout }),
  );
}

/** Runs a call; makes the queue when it is missing, so that a fresh account works at once. */
async function withQueue<T>(
  clients: StorageClients,
  name: string,
  operation: string,
  call: (queue: QueueClient) => Promise<T>,
): Promise<T> {
  try {
    const queue = (await clients.queues()).getQueueClient(name);
    try {
      return await call(queue);
    } catch (error) {
      if (statusOf(error) !== 404 || operation.startsWith('delete')) throw error;
      await queue.createIfNotExists();
      return await call(queue);
    }
  } catch (error) {
    throw storageFault('queue', `${operation} (${name})`, error);
  }
}

/** A queue message holds 64 KiB, base64 included (Queue service, "Put Message"). */
function fitsQueue(text: string): boolean {
  return Buffer.byteLength(text, 'utf8') <= (64 * 1024 * 3) / 4;
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

/** What the host copied to a poison queue is base64 if the producer wrote it so, and anything at all if not. */
function decoded(text: string): string {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) return text;
  const bytes = Buffer.from(text, 'base64');
  const plain = bytes.toString('utf8');
  return plain.includes('\ufffd') ? text : plain;
}
