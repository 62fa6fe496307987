/** A message on the queue of wake-ups. */
export interface QueueMessage {
  readonly text: string;
  visibleAtMs: number;
  dequeueCount: number;
}

/** The host gives a message up after this many tries (host.json). */
const MAX_DEQUEUE = 5;

/** A storage queue and its poison queue in memory, with what the host does about a message that failed. */
export function memoryQueueService(nowMs: () => number) {
  let waiting: QueueMessage[] = [];
  let poison: QueueMessage[] = [];
  function giveUp(message: QueueMessage): void {
    waiting = waiting.filter(one => one !== message);
    poison.push(message);
  }
  return {
    put: (text: string, delayMs: number) =>
      void waiting.push({ text, visibleAtMs: nowMs() + delayMs, dequeueCount: 0 }),
    visible: (): readonly QueueMessage[] => waiting.filter(message => message.visibleAtMs <= nowMs()),
    /** Hides a message while it is worked on; without `done` it comes again after `leaseMs`. */
    take(message: QueueMessage, leaseMs: number): void {
      message.visibleAtMs = nowMs() + leaseMs;
      message.dequeueCount++;
    },
    done(message: QueueMessage): void {
      waiting = waiting.filter(one => one !== message);
    },
    failed(message: QueueMessage, delayMs: number): void {
      message.visibleAtMs = nowMs() + delayMs;
      if (message.dequeueCount >= MAX_DEQUEUE) giveUp(message);
    },
    giveUp,
    receivePoison: (max: number): readonly QueueMessage[] => poison.slice(0, max),
    deletePoison(message: QueueMessage): void {
      poison = poison.filter(one => one !== message);
    },
    nextVisibleMs: () => waiting.reduce((next, one) => Math.min(next, one.visibleAtMs), Number.POSITIVE_INFINITY),
  };
}
