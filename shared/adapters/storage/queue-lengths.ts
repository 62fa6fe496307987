import type { QueueLengths } from '../../domain/status-report.ts';
import { EVENTS_QUEUE, poisonOf, QUEUES } from './queues.ts';
import type { StorageClients } from './storage-clients.ts';
import { statusOf, storageFault } from './storage-fault.ts';

const WATCHED = [...QUEUES, EVENTS_QUEUE].flatMap(name => [name, poisonOf(name)]);

/** Lengths of the app's queues and their poison queues. One that does not exist yet is empty. */
export function queueLengths(clients: StorageClients): QueueLengths {
  return {
    async list() {
      const service = await clients.queues();
      return Promise.all(
        WATCHED.map(async name => {
          try {
            const { approximateMessagesCount = 0 } = await service.getQueueClient(name).getProperties();
            return { name, length: approximateMessagesCount };
          } catch (error) {
            if (statusOf(error) === 404) return { name, length: 0 };
            throw storageFault('queue', `read length (${name})`, error);
          }
        }),
      );
    },
  };
}
