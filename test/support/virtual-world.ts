import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../../shared/domain/ports.ts';

/**
 * What becomes of a call: `go`; `slow`: done, the answer comes at a gate of its own; `fail`: never done; `lost`: done, the
 * answer never comes; `late`: given up by the caller, done at some later time. Others are for the one who performs it.
 */
export type Fate = string;

/** A call that an instance has made to the outside; nothing comes of it before it is opened. */
export interface Gate {
  readonly kind: string;
  readonly label: string;
  readonly host: VirtualHost;
  open(fate: Fate): void;
}

/** One instance of the app: it may die at any call, and its clock may be wrong. */
export interface VirtualHost {
  readonly name: string;
  readonly clock: Clock;
  isDead: boolean;
  skewMs: number;
  /** The latest time that its clock has shown. */
  latestMs: number;
}

interface Call<T> {
  readonly kind: string;
  readonly label: string;
  /** Done in one step; may throw. */
  readonly perform: (fate: Fate) => T;
  readonly failure: () => Error;
  /** What has left the machine happens although its sender dies. */
  readonly outlivesHost?: true;
}

interface Timer {
  atMs: number;
  readonly everyMs?: number;
  readonly host: VirtualHost | undefined;
  readonly fire: () => void;
}

export const START_MS = Date.parse('2026-11-21T12:00:00Z');

/** Time and order of events in a test's hands. `random` is for ids and jitter. */
export function virtualWorld(random: () => number) {
  let nowMs = START_MS;
  let gates: Gate[] = [];
  let timers: Timer[] = [];
  const lasting = new WeakSet<Gate>();
  const acting = new AsyncLocalStorage<VirtualHost>();

  function addGate(host: VirtualHost, kind: string, label: string, lasts: boolean, open: (fate: Fate) => void): void {
    const gate: Gate = {
      kind,
      label,
      host,
      open(fate) {
        gates = gates.filter(one => one !== gate);
        open(fate);
      },
    };
    if (lasts) lasting.add(gate);
    gates.push(gate);
  }

  function newHost(name: string): VirtualHost {
    const host: VirtualHost = {
      name,
      isDead: false,
      skewMs: 0,
      latestMs: 0,
      clock: {
        now() {
          const shown = nowMs + host.skewMs;
          host.latestMs = Math.max(host.latestMs, shown);
          return shown;
        },
        random,
        randomBytes: count => Uint8Array.from({ length: count }, () => Math.floor(random() * 256)),
        sleep: ms => new Promise(resolve => timers.push({ atMs: nowMs + Math.max(0, ms), host, fire: resolve })),
      },
    };
    return host;
  }

  function call<T>(host: VirtualHost, { kind, label, perform, failure, outlivesHost }: Call<T>): Promise<T> {
    if (host.isDead) return new Promise(() => {});
    return new Promise<T>((resolve, reject) => {
      const ifAlive = (act: () => void) => {
        if (!host.isDead) act();
      };
      addGate(host, kind, label, outlivesHost === true, fate => {
        if (fate === 'fail') return ifAlive(() => reject(failure()));
        if (fate === 'late') {
          addGate(host, 'ghost', label, true, () => void quietly(() => perform('go')));
          return ifAlive(() => reject(failure()));
        }
        try {
          const value = perform(fate);
          if (fate === 'lost') ifAlive(() => reject(failure()));
          else if (fate === 'slow')
            addGate(host, 'answer', label, false, answered =>
              ifAlive(() => (answered === 'lost' ? reject(failure()) : resolve(value))),
            );
          else ifAlive(() => resolve(value));
        } catch (error) {
          ifAlive(() => reject(error));
        }
      });
    });
  }

  /** Puts setInterval under the world's clock, for the code that renews claims; the result undoes it. */
  function takeIntervals(): () => void {
    const { setInterval: set, clearInterval: clear } = globalThis;
    globalThis.setInterval = ((fire: () => void, everyMs: number) => {
      const timer: Timer = { atMs: nowMs + everyMs, everyMs, host: acting.getStore(), fire };
      timers.push(timer);
      return Object.assign(timer, { unref: () => timer });
    }) as unknown as typeof setInterval;
    globalThis.clearInterval = ((timer: unknown) => {
      timers = timers.filter(one => one !== timer);
    }) as typeof clearInterval;
    return () => Object.assign(globalThis, { setInterval: set, clearInterval: clear });
  }

  return {
    now: () => nowMs,
    gates: (): readonly Gate[] => gates,
    newHost,
    call,
    takeIntervals,
    run: <T>(host: VirtualHost, work: () => Promise<T>): Promise<T> => acting.run(host, work),
    /** The instance does nothing any more and hears nothing; what it had handed to others may still happen. */
    kill(host: VirtualHost): void {
      host.isDead = true;
      gates = gates.filter(gate => gate.host !== host || lasting.has(gate));
      timers = timers.filter(timer => timer.host !== host);
    },
    nextTimerMs: () => timers.reduce((next, timer) => Math.min(next, timer.atMs), Number.POSITIVE_INFINITY),
    /** Lets time pass and fires the timers that come due, each at its time. */
    advanceTo(untilMs: number): void {
      for (;;) {
        const next = timers.filter(timer => timer.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
        if (!next) break;
        nowMs = Math.max(nowMs, next.atMs);
        if (next.everyMs === undefined) timers = timers.filter(timer => timer !== next);
        else next.atMs += next.everyMs;
        next.fire();
      }
      nowMs = Math.max(nowMs, untilMs);
    },
  };
}

export type VirtualWorld = ReturnType<typeof virtualWorld>;

function quietly(work: () => unknown): void {
  try {
    work();
  } catch {
    // Whoever made the call has long given it up.
  }
}
