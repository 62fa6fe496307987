import type { WakeQueue, WakeUp } from '../../shared/domain/queue-ports.ts';

/** Wake-ups in memory, first in, first out; delays are not kept. */
export function memoryQueue(): WakeQueue & { take(): WakeUp | undefined } {
  let waiting: WakeUp[] = [];
  let next = 0;
  return {
    async put(wakeUp) {
      waiting.push(wakeUp);
    },
    take() {
      const wakeUp = waiting[next++];
      // Shifting one by one would cost more the longer the queue is.
      if (!wakeUp) [waiting, next] = [[], 0];
      return wakeUp;
    },
  };
}
