import { credentialWalk } from '../shared/adapters/probe/credential-walk.ts';
import { serverWalk } from '../shared/adapters/probe/server-walk.ts';
import { blobSlots } from '../shared/adapters/storage/blob-slots.ts';
import type { StorageClients } from '../shared/adapters/storage/storage-clients.ts';
import { tableProbes } from '../shared/adapters/storage/table-probes.ts';
import type { Settings } from '../shared/config/settings.ts';
import type { MessageStore } from '../shared/domain/message-ports.ts';
import type { Clock, Log } from '../shared/domain/ports.ts';
import type { CanaryNote } from '../shared/domain/probe-canary.ts';
import { probeSchedules } from '../shared/domain/probe-schedule.ts';
import type { AcceptDeps } from '../shared/usecases/accept-mail.ts';
import { lookAtCanary, sendCanaries } from '../shared/usecases/probe-canary.ts';
import type { ProbeRoundDeps } from '../shared/usecases/probe-round.ts';

/** Between a network failure and the try that confirms it. */
const CONFIRM_PAUSE_MS = 1_000;

interface ProbeRuntimeParts {
  readonly settings: Settings;
  readonly clients: StorageClients;
  readonly clock: Clock;
  readonly store: MessageStore;
  readonly accept: AcceptDeps;
  readonly pacer: ProbeRoundDeps['pacer'];
  readonly onGoodProbe: ProbeRoundDeps['onGoodProbe'];
  readonly onRound: ProbeRoundDeps['onRound'];
  readonly onStart: NonNullable<ProbeRoundDeps['onStart']>;
}

export interface ProbeRuntime extends ProbeRoundDeps {
  /** Sends each mailbox a canary. Absent without an address, and in a sandbox. */
  readonly sendCanaries?: (log: Log) => Promise<void>;
}

/** The probe, put together for one process. Loaded with the first probe. */
export function makeProbe(parts: ProbeRuntimeParts): ProbeRuntime {
  const { settings, clients, clock, store, accept, pacer, ...listeners } = parts;
  const { senders, mode } = settings.mail;
  const to = mode === 'sandbox' ? undefined : settings.canaryTo;
  const canary = to === undefined ? undefined : { to, senders, accept, store, clock };
  const history = tableProbes(clients, clock.now, clock.random);
  const pause = () => clock.sleep(CONFIRM_PAUSE_MS);
  return {
    senders,
    mode,
    endpoint: settings.smtp,
    settingProblems: probeSchedules(process.env).problems,
    clock,
    history,
    store,
    slots: blobSlots(clients),
    pacer,
    walks: () => ({
      credentials: credentialWalk({ vault: settings.vault, entra: settings.entra, pause }),
      server: serverWalk({ ...settings.smtp, pause }),
    }),
    ...(canary
      ? {
          canary: (note: CanaryNote, log: Log) => lookAtCanary(canary, note, log),
          sendCanaries: (log: Log) => sendCanaries(canary, history, allMailboxes(settings.mail), log),
        }
      : {}),
    ...listeners,
  };
}

/** Every mailbox that the settings name, each once. */
export function allMailboxes({ senders }: Pick<ProbeRoundDeps, 'senders'>): readonly string[] {
  const named = senders.flatMap(({ mailboxes }) => mailboxes);
  return [...new Map(named.map(mailbox => [mailbox.toLowerCase(), mailbox])).values()];
}
