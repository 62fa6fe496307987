/** The time and what is drawn by lot, handed in so that tests can set them. */
export interface Clock {
  /** ms since 1970. */
  now(): number;
  /** A number in [0, 1). */
  random(): number;
  randomBytes(count: number): Uint8Array;
  sleep(ms: number): Promise<void>;
}

/** Fields of a log line. Alert rules query these names and no others; `detail` is for people. */
export interface LogFields {
  readonly event: string;
  readonly messageId?: string;
  readonly traceId?: string;
  readonly mailbox?: string;
  readonly phase?: string;
  readonly code?: string;
  readonly state?: string;
  readonly attempt?: number;
  readonly ms?: number;
  readonly detail?: string;
  readonly [extra: string]: string | number | boolean | undefined;
}

export type LogLevel = 'info' | 'warn' | 'error';
export type Log = (level: LogLevel, fields: LogFields) => void;
