import type { AlertChannel, Pulse, Taken } from '../domain/alert.ts';
import { LOG_CHANNEL, type NoticeType } from '../domain/alert-notice.ts';
import type { WatchStore } from '../domain/incident-store.ts';
import type { Subjects } from '../domain/incident-subject.ts';
import type { MailboxStates } from '../domain/mailbox-ports.ts';
import { newMessageId } from '../domain/message-id.ts';
import type { MessageStore } from '../domain/message-ports.ts';
import type { Clock } from '../domain/ports.ts';
import type { Sender } from '../domain/sender.ts';
import type { WatchedCredentials } from '../domain/warning-conditions.ts';

/** A dead-man switch: somebody else tells people when it is not pinged any more. */
export interface Heartbeat {
  readonly target: string;
  ping(pulse: Pulse): Promise<Taken>;
}

/** A channel of the settings, known without loading what sends to it. */
export interface ChannelName {
  readonly key: string;
  readonly kind: string;
  /** Host, or the name of the secret with the address: for people. */
  readonly target: string;
}

export interface WatchDeps {
  readonly store: WatchStore;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly senders: readonly Sender[];
  /** Heartbeats are not among them. */
  readonly channelNames: readonly ChannelName[];
  /** Loaded with the first alert. */
  channels(): Promise<readonly AlertChannel[]>;
  /** Reads what the channels need from the vault, while it can be read. Absent where they need nothing. */
  prepareChannels?(): Promise<void>;
  readonly hasHeartbeats: boolean;
  heartbeats(): Promise<readonly Heartbeat[]>;
  readonly dashboardUrl?: string;
  readonly mailboxes: Pick<MailboxStates, 'list'>;
  readonly messages: Pick<MessageStore, 'openRows'>;
  /** When a mailbox last had a good run, from the history; asked once for each incident. */
  lastGood?(mailbox: string): Promise<number | undefined>;
  /** The certificates and secrets in use; undefined while nothing is known of them. */
  credentials?(): Promise<WatchedCredentials | undefined>;
}

/** Id of a new incident or warning: a ULID. */
export function newId({ clock }: Pick<WatchDeps, 'clock'>): string {
  return newMessageId(clock.now(), clock.randomBytes(10));
}

/** Who is told a notice of this type. That a warning no longer holds is for the log, and for PagerDuty, which keeps state. */
export function channelsFor({
  channelNames,
}: Pick<WatchDeps, 'channelNames'>): (type: NoticeType) => readonly string[] {
  return type => [
    LOG_CHANNEL,
    ...channelNames.filter(({ kind }) => type !== 'cleared' || kind === 'pagerduty').map(({ key }) => key),
  ];
}
