import type { Sender } from './sender.ts';
import type { Retention } from './settle.ts';

/** What the use cases need of the settings. */
export interface MailSettings {
  readonly senders: readonly Sender[];
  readonly mode: 'live' | 'allow-list' | 'sandbox';
  /** Addresses and `*@domain`, for mode allow-list. */
  readonly allowList: readonly string[];
  readonly deadlineMs: number;
  readonly retention: Retention;
  readonly recordRetentionMs: number;
}
