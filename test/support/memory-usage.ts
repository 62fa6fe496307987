import type { CallerUsage, CallerUsageStore } from '../../shared/domain/caller-usage.ts';
import type { Clock } from '../../shared/domain/ports.ts';
import { NOW_MS } from './requests.ts';

const turn = () => new Promise(resolve => setImmediate(resolve));

/** A clock that a test moves. */
export function manualClock(): Clock & { nowMs: number } {
  const clock = {
    nowMs: NOW_MS,
    now: () => clock.nowMs,
    random: () => 0.5,
    randomBytes: (count: number) => new Uint8Array(count),
    sleep: async () => void (await turn()),
  };
  return clock;
}

/** The port's contract in memory, each call a turn of the event loop long, so that writers do meet. */
export function memoryUsage(): CallerUsageStore & { writes: number; reads: number; fail: boolean } {
  const rows = new Map<string, { usage: CallerUsage; etag: string }>();
  const store = {
    writes: 0,
    reads: 0,
    fail: false,
    async read(id: string) {
      await turn();
      if (store.fail) throw new Error('storage is away');
      store.reads++;
      return rows.get(id);
    },
    async write(id: string, usage: CallerUsage, etag: string | undefined) {
      await turn();
      if (store.fail) throw new Error('storage is away');
      if (rows.get(id)?.etag !== etag) return undefined;
      store.writes++;
      const next = String(store.writes);
      rows.set(id, { usage, etag: next });
      return next;
    },
  };
  return store;
}
