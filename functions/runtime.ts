import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { credentialStates } from '../shared/adapters/entra/credential-states.ts';
import { composeMail } from '../shared/adapters/mime/compose-mail.ts';
import { modeTransport } from '../shared/adapters/sandbox-transport.ts';
import type { SmtpTransport } from '../shared/adapters/smtp/smtp-transport.ts';
import { blobContents } from '../shared/adapters/storage/blob-contents.ts';
import { blobSlots } from '../shared/adapters/storage/blob-slots.ts';
import { queueLengths } from '../shared/adapters/storage/queue-lengths.ts';
import { eventQueue, requestQueues, wakeQueue } from '../shared/adapters/storage/queues.ts';
import { INLINE_CONTENT_BYTES } from '../shared/adapters/storage/record-entity.ts';
import { staleBlobs } from '../shared/adapters/storage/stale-blobs.ts';
import { storageClients } from '../shared/adapters/storage/storage-clients.ts';
import { tableCallerUsage } from '../shared/adapters/storage/table-caller-usage.ts';
import { tableMailboxes } from '../shared/adapters/storage/table-mailboxes.ts';
import { tableMessages } from '../shared/adapters/storage/table-messages.ts';
import { tableOutbox } from '../shared/adapters/storage/table-outbox.ts';
import { readSettings, type Settings } from '../shared/config/settings.ts';
import { eventNoter } from '../shared/domain/event-task.ts';
import { loadOnce } from '../shared/domain/load-once.ts';
import type { Clock, Log } from '../shared/domain/ports.ts';
import type { RequestQueues } from '../shared/domain/queue-ports.ts';
import { EXCHANGE_ONLINE_LIMITS } from '../shared/domain/sender.ts';
import type { MailTransport } from '../shared/domain/transport-ports.ts';
import type { AcceptDeps } from '../shared/usecases/accept-mail.ts';
import { callerLimits } from '../shared/usecases/caller-limits.ts';
import type { DeliverEventDeps } from '../shared/usecases/deliver-event.ts';
import type { DeliverDeps } from '../shared/usecases/deliver-mail.ts';
import { eventSink } from '../shared/usecases/emit-events.ts';
import { lineUp } from '../shared/usecases/line-up.ts';
import { mailboxPacer } from '../shared/usecases/mailbox-pacer.ts';
import { releaseDue } from '../shared/usecases/release-due.ts';
import type { StatusDeps } from '../shared/usecases/report-status.ts';
import type { SweepEventsDeps } from '../shared/usecases/sweep-events.ts';
import { tidyBlobs } from '../shared/usecases/tidy-blobs.ts';
import type { ProbeRuntime } from './probe-runtime.ts';
import type { WatchRuntime } from './watch-runtime.ts';

/** The use cases' dependencies, made once per process from the settings. */
export interface Runtime {
  readonly settings: Settings;
  readonly accept: AcceptDeps;
  readonly requests: RequestQueues;
  readonly deliver: Omit<DeliverDeps, 'transport'>;
  /** Deletes blobs that were left behind, once an hour. */
  readonly tidy: ReturnType<typeof tidyBlobs>;
  readonly status: StatusDeps;
  /** Absent without EVENT_WEBHOOKS. */
  readonly sweepEvents?: SweepEventsDeps;
  /** Loaded with the first delivery: an HTTP call needs neither SMTP nor MSAL nor Key Vault. */
  transport(): Promise<MailTransport>;
  /** Loaded with the first event. */
  eventDelivery(): Promise<DeliverEventDeps>;
  /** Loaded with the first probe. */
  probe(): Promise<ProbeRuntime>;
  /** Incidents, warnings and alerts; loaded with the first delivery, sweep or probe. */
  watch(): Promise<WatchRuntime>;
  /** Gives back what other instances could use; called when the host stops this process. */
  close(): Promise<void>;
  /** The largest mail that any sender may send, in bytes. */
  readonly maxMessageBytes: number;
}

export interface RuntimeSource {
  /** The runtime, or undefined while the settings are bad; the first call of a process logs every problem by name. */
  (log: Log): Runtime | undefined;
  /** Closes the runtime where there is one. */
  close(): Promise<void>;
}

const systemClock: Clock = {
  now: () => Date.now(),
  random: () => Math.random(),
  randomBytes: count => randomBytes(count),
  sleep: ms => sleep(ms),
};

/** Reads the settings when they are first needed, not at load: an app that throws at load has no functions at all. */
export function runtimeSource(env: () => Readonly<Record<string, string | undefined>>): RuntimeSource {
  let made: { readonly runtime: Runtime | undefined } | undefined;
  const runtimeOf = (log: Log) => {
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
  return Object.assign(runtimeOf, { close: async () => made?.runtime?.close() });
}

/** In a sandbox the lot falls on short waits: what is deferred is tried again a second or two later, quick enough to watch. */
function deliverClock(settings: Settings, clock: Clock): Clock {
  return settings.mail.mode === 'sandbox' ? { ...clock, random: () => 0.03 } : clock;
}

function makeRuntime(settings: Settings): Runtime {
  const clients = storageClients(settings.storage);
  const clock = systemClock;
  const { webhooks } = settings;
  const store = webhooks.length > 0 ? tableMessages(clients, eventNoter(webhooks)) : tableMessages(clients);
  const contents = blobContents(clients);
  const wakeUps = wakeQueue(clients);
  const events = eventQueue(clients);
  const emit = webhooks.length > 0 ? { webhooks, queue: events, outbox: tableOutbox(clients) } : undefined;
  const mailboxes = tableMailboxes(clients);
  const pacer = mailboxPacer(mailboxes, clock);
  const credentials = credentialStates(clock.now);
  // A sandbox sends nothing, so it has nothing to pace.
  const paced: { readonly pacer?: typeof pacer } = settings.mail.mode === 'sandbox' ? {} : { pacer };
  const release = { settings: settings.mail, store, wakeUps, clock: deliverClock(settings, clock), ...paced };
  const accept: AcceptDeps = {
    settings: settings.mail,
    store,
    contents,
    wakeUps,
    clock,
    compose: composeMail,
    inlineBytes: INLINE_CONTENT_BYTES,
    ...(paced.pacer ? { lineUp: lineUp(settings.mail, pacer, clock) } : {}),
    ...(settings.callers ? { limits: callerLimits(tableCallerUsage(clients), clock) } : {}),
  };
  const onBreakerClosed = async (mailbox: string, log: Log): Promise<void> => {
    await releaseDue(release, log, mailbox);
  };
  const onGoodProbe = async (mailbox: string, log: Log): Promise<void> => {
    // The round has read the state a moment ago: a closed breaker costs no call.
    if ((await pacer.breakerOf(mailbox)).state === 'closed') return;
    if (await pacer.noteGoodProbe(mailbox, log)) await onBreakerClosed(mailbox, log);
  };
  let real: Promise<SmtpTransport> | undefined;
  const openTransport = loadOnce(async () => {
    const { makeTransport } = await import('./transport.ts');
    const connections = { slots: blobSlots(clients), isWanted: pacer.isSlotWanted, look: pacer.look };
    return makeTransport(settings, clock, connections, credentials);
  });
  const runtime: Runtime = {
    settings,
    requests: requestQueues(clients),
    accept,
    deliver: {
      ...release,
      contents,
      ...(emit ? { events: eventSink(emit) } : {}),
      onBreakerClosed,
    },
    tidy: tidyBlobs({ settings: settings.mail, store, blobs: staleBlobs(clients), clock }),
    status: {
      settings: settings.mail,
      store,
      mailboxes,
      queues: queueLengths(clients),
      clock,
      credentials: credentials.credentialState,
      incidents: { list: async () => (await runtime.watch()).incidents.list() },
    },
    ...(emit ? { sweepEvents: { ...emit, clock } } : {}),
    transport: loadOnce(async () =>
      modeTransport(settings.mail.mode, () => {
        real = openTransport();
        return real;
      }),
    ),
    eventDelivery: loadOnce(async () => {
      const { makeEventDelivery } = await import('./event-delivery.ts');
      return makeEventDelivery(settings, store, events, clock);
    }),
    probe: loadOnce(async () => {
      const { makeProbe } = await import('./probe-runtime.ts');
      return makeProbe({
        settings,
        clients,
        clock,
        store,
        accept,
        pacer,
        onGoodProbe,
        onStart: async log => (await runtime.watch()).noteProbeStart(log),
        onRound: async (runs, log) => (await runtime.watch()).noteProbeRuns(runs, log),
      });
    }),
    watch: loadOnce(async () => {
      const { makeWatch } = await import('./watch-runtime.ts');
      return makeWatch({ settings, clients, clock, mailboxes, messages: store });
    }),
    close: async () => (await real?.catch(() => undefined))?.close(),
    maxMessageBytes: Math.max(
      EXCHANGE_ONLINE_LIMITS.messageBytes,
      ...settings.mail.senders.map(sender => sender.limits.messageBytes),
    ),
  };
  return runtime;
}
