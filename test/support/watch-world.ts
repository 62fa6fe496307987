import type { Alert, AlertChannel, Pulse } from '../../shared/domain/alert.ts';
import type { ClosedIncident } from '../../shared/domain/incident.ts';
import type { StoredWatchRow, WatchStore } from '../../shared/domain/incident-store.ts';
import { subjectsOf } from '../../shared/domain/incident-subject.ts';
import type { OpenRow } from '../../shared/domain/message-ports.ts';
import type { MailboxState } from '../../shared/domain/pacing.ts';
import type { Clock, LogFields } from '../../shared/domain/ports.ts';
import { type PhaseResult, PROBE_PHASES, type ProbePhase, type ProbeRun } from '../../shared/domain/probe-run.ts';
import { EXCHANGE_ONLINE_LIMITS, type Sender } from '../../shared/domain/sender.ts';
import type { WatchedCredential } from '../../shared/domain/warning-conditions.ts';
import { type Watch, watch } from '../../shared/usecases/watch.ts';
import type { WatchDeps } from '../../shared/usecases/watch-deps.ts';
import { NOW_MS } from './requests.ts';

/** The table in memory, with ETags; counts what is asked of it. */
export function memoryIncidents(): WatchStore & { calls: number; readonly ended: ClosedIncident[] } {
  const rows = new Map<string, StoredWatchRow>();
  const ended: ClosedIncident[] = [];
  let version = 0;
  const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
  const conflict = { ok: false, reason: 'conflict' } as const;
  const store = {
    calls: 0,
    ended,
    async list() {
      store.calls++;
      return copy([...rows.values()]);
    },
    async read(key: string) {
      store.calls++;
      const stored = rows.get(key);
      return stored && copy(stored);
    },
    async write(row: StoredWatchRow['row'], etag: string | undefined, closed?: ClosedIncident) {
      store.calls++;
      if (rows.get(row.key)?.etag !== etag) return conflict;
      const stored = { row: copy(row), etag: `"${++version}"` };
      rows.set(row.key, stored);
      if (closed) ended.push(copy(closed));
      return { ok: true, etag: stored.etag } as const;
    },
    async remove(key: string, etag: string) {
      store.calls++;
      if (rows.get(key)?.etag !== etag) return conflict;
      rows.delete(key);
      return { ok: true, etag } as const;
    },
    async closed(sinceMs: number) {
      return ended.filter(one => one.closedAtMs >= sinceMs).reverse();
    },
    async forget(beforeMs: number) {
      const old = ended.filter(one => one.closedAtMs < beforeMs);
      ended.splice(0, ended.length, ...ended.filter(one => !old.includes(one)));
      return old.length;
    },
  };
  return store;
}

export interface FakeClock extends Clock {
  ms: number;
}

export function fakeClock(): FakeClock {
  let drawn = 0;
  const clock: FakeClock = {
    ms: NOW_MS,
    now: () => clock.ms,
    random: () => 0,
    randomBytes: count => new Uint8Array(count).map((_, index) => (index === count - 1 ? ++drawn : drawn >> 8)),
    sleep: async () => {},
  };
  return clock;
}

/** A channel that writes down what it takes, and refuses while it is told to. */
export function recordingChannel(key: string, kind = 'webhook') {
  const taken: Alert[] = [];
  const channel = {
    key,
    kind,
    taken,
    asked: 0,
    isDown: false,
    async send(alert: Alert) {
      channel.asked++;
      if (channel.isDown) return { ok: false, reason: 'answered 500' } as const;
      taken.push(alert);
      return { ok: true } as const;
    },
  };
  return channel satisfies AlertChannel;
}

export function sender(mailboxes: readonly string[], changes: Partial<Sender> = {}): Sender {
  return {
    mailboxes,
    from: ['*@contoso.com'],
    tenantId: 'tenant',
    clientId: 'app',
    credential: { kind: 'certificate', name: 'cert', sign: 'local' },
    limits: EXCHANGE_ONLINE_LIMITS,
    ...changes,
  };
}

export interface WorldOptions {
  readonly senders?: readonly Sender[];
  readonly channels?: readonly ReturnType<typeof recordingChannel>[];
  readonly store?: WatchStore;
  readonly clock?: FakeClock;
}

/** What a watch needs, with all that it is told from outside in the hands of a test. */
export function watchWorld(options: WorldOptions = {}) {
  const senders = options.senders ?? [sender(['a@contoso.com'])];
  const store = options.store ?? memoryIncidents();
  const clock = options.clock ?? fakeClock();
  const channels = options.channels ?? [recordingChannel('one')];
  const lines: LogFields[] = [];
  const pulses: Pulse[] = [];
  const world = {
    store,
    clock,
    channels,
    lines,
    pulses,
    states: new Map<string, MailboxState>(),
    openRows: [] as OpenRow[],
    credentials: undefined as readonly WatchedCredential[] | undefined,
    history: undefined as number | undefined,
    log: (_level: string, fields: LogFields) => {
      lines.push(fields);
    },
    /** A process: what it knows is its own, the store is shared. */
    start: (changes: Partial<WatchDeps> = {}): Watch => watch({ ...deps, ...changes }),
  };
  const deps: WatchDeps = {
    store,
    clock,
    senders,
    subjects: subjectsOf(senders),
    channelNames: channels.map(({ key, kind }) => ({ key, kind, target: 'hooks.example.com' })),
    channels: async () => channels,
    hasHeartbeats: true,
    heartbeats: async () => [
      {
        target: 'beat.example.com',
        async ping(pulse) {
          pulses.push(pulse);
          return { ok: true };
        },
      },
    ],
    dashboardUrl: 'https://app.example.com/api/dashboard',
    mailboxes: { list: async () => [...world.states].map(([mailbox, state]) => ({ mailbox, state })) },
    messages: {
      openRows: async (dueByMs, max, { keep = () => true } = {}) =>
        world.openRows
          .filter(row => row.dueAtMs <= dueByMs)
          .slice(0, max)
          .filter(keep),
    },
    lastGood: async () => world.history,
    credentials: async () => world.credentials && { list: world.credentials, isComplete: true },
  };
  return { ...world, world, deps };
}

/** A run that is good, or fails at `phase`; what comes after is not reached. */
export function probeRun(
  atMs: number,
  outcome: 'good' | 'neutral' | { readonly phase: ProbePhase; readonly code: string; readonly detail?: string },
  changes: Partial<ProbeRun> = {},
): ProbeRun {
  const failed = typeof outcome === 'string' ? undefined : outcome;
  const end = failed ? failed.phase : outcome === 'neutral' ? 'tcp' : undefined;
  let isPast = false;
  const phases = PROBE_PHASES.filter(phase => phase !== 'canary' || failed?.phase === 'canary').map(
    (phase): PhaseResult => {
      if (phase === end) {
        isPast = true;
        return failed
          ? { phase, ok: false, ms: 5, detail: failed.detail ?? 'said no', code: failed.code }
          : { phase, ok: null, ms: 0, detail: 'no connection was free' };
      }
      return { phase, ok: isPast ? null : true, ms: isPast ? 0 : 5, detail: '' };
    },
  );
  return {
    mailbox: 'a@contoso.com',
    at: new Date(atMs).toISOString(),
    ok: failed ? false : outcome === 'neutral' ? null : true,
    ms: 2_000,
    ...(failed ? { code: failed.code } : {}),
    phases,
    ...changes,
  };
}
