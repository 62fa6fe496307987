import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { composeMail } from '../shared/adapters/mime/compose-mail.ts';
import { blobContents } from '../shared/adapters/storage/blob-contents.ts';
import { requestQueues, wakeQueue } from '../shared/adapters/storage/queues.ts';
import { INLINE_CONTENT_BYTES } from '../shared/adapters/storage/record-entity.ts';
import { storageClients } from '../shared/adapters/storage/storage-clients.ts';
import { tableMessages } from '../shared/adapters/storage/table-messages.ts';
import { readSettings, type Settings } from '../shared/config/settings.ts';
import type { Clock, Log, MailTransport, RequestQueues } from '../shared/domain/ports.ts';
import { EXCHANGE_ONLINE_LIMITS } from '../shared/domain/sender.ts';
import type { AcceptDeps } from '../shared/usecases/accept-mail.ts';
import type { DeliverDeps } from '../shared/usecases/deliver-mail.ts';

/** The use cases' dependencies, made once per process from the settings. */
export interface Runtime {
  readonly settings: Settings;
  readonly accept: AcceptDeps;
  readonly requests: RequestQueues;
  readonly deliver: Omit<DeliverDeps, 'transport'>;
  /** Loaded with the first delivery: an HTTP call needs neither SMTP nor MSAL nor Key Vault. */
  transport(): Promise<MailTransport>;
  /** The largest mail that any sender may send, in bytes. */
  readonly maxMessageBytes: number;
}

/** The runtime, or undefined while the settings are bad; the first call of a process logs every problem by name. */
export type RuntimeSource = (log: Log) => Runtime | undefined;

const systemClock: Clock = {
  now: () => Date.now(),
  random: () => Math.random(),
  randomBytes: count => randomBytes(count),
  sleep: ms => sleep(ms),
};

/** Reads the settings when they are first needed, not at load: an app that throws at load has no functions at all. */
export function runtimeSource(env: () => Readonly<Record<string, string | undefined>>): RuntimeSource {
  let made: { readonly runtime: Runtime | undefined } | undefined;
  return log => {
    if (!made) {
      const result = readSettings(env());
      if (!result.ok) {
        log('error', {
          event: 'settings.invalid',
          phase: 'settings',
          code: 'settings_invalid',
          detail: result.problems.map(({ setting, problem }) => `${setting} ${problem}`).join('; '),
        });
      }
      made = { runtime: result.ok ? makeRuntime(result.settings) : undefined };
    }
    return made.runtime;
  };
}

function makeRuntime(settings: Settings): Runtime {
  const clients = storageClients(settings.storage);
  const clock = systemClock;
  const store = tableMessages(clients);
  const contents = blobContents(clients);
  const wakeUps = wakeQueue(clients);
  let transport: Promise<MailTransport> | undefined;
  return {
    settings,
    requests: requestQueues(clients),
    accept: {
      settings: settings.mail,
      store,
      contents,
      wakeUps,
      clock,
      compose: composeMail,
      inlineBytes: INLINE_CONTENT_BYTES,
    },
    deliver: { settings: settings.mail, store, contents, wakeUps, clock },
    transport() {
      transport ??= import('./transport.ts').then(({ makeTransport }) => makeTransport(settings, clock));
      return transport;
    },
    maxMessageBytes: Math.max(
      EXCHANGE_ONLINE_LIMITS.messageBytes,
      ...settings.mail.senders.map(sender => sender.limits.messageBytes),
    ),
  };
}
