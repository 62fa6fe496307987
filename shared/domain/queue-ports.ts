import type { Priority } from './message-record.ts';

/** A wake-up says only: look at this message. The table says what to do. */
export interface WakeUp {
  readonly messageId: string;
  readonly generation?: number;
  /** The message's place in the line of a mailbox: the time it was told to come. Without one it is a newcomer. */
  readonly place?: Place;
}

export interface Place {
  readonly mailbox: string;
  readonly atMs: number;
}

export interface WakeQueue {
  put(wakeUp: WakeUp, priority: Priority, delayMs: number): Promise<void>;
}

/** A message of a poison queue, read raw: its text is whatever was on the queue, base64 or not. */
export interface PoisonMessage {
  readonly queue: string;
  readonly text: string;
  readonly insertedAtMs: number;
  done(): Promise<void>;
}

export interface RequestQueues {
  /** Copies the text of a refused request to mail-requests-poison. */
  poisonRequest(text: string): Promise<void>;
  /** Puts a request back for later, with its key, when a service it needs is away. One that would not fit goes to a blob, and its name on the queue. */
  retryRequest(text: string, delayMs: number): Promise<void>;
  /** The request itself where the value is what `retryRequest` put in its place; else the value as it is. */
  unwrapRequest(value: unknown): Promise<unknown>;
  receivePoison(max: number): Promise<readonly PoisonMessage[]>;
}
