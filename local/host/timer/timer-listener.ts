import { setTimeout as delay } from 'node:timers/promises';
import type { FunctionInfo } from '../function-info.ts';
import type { InvocationRunner } from '../invocation-runner.ts';
import { resolveSettings, type Settings } from '../settings.ts';
import type { BlobContainerClient } from './host-blobs.ts';
import { type ListenerLockOptions, whileHoldingLock } from './listener-lock.ts';
import { parseSchedule, type Schedule } from './schedule.ts';
import { readStatus, type ScheduleStatus, startStatus, toStatusJson, writeStatus } from './schedule-status.ts';

export type TimerListener = { start: () => void; runNow: () => Promise<unknown>; stop: () => Promise<void> };

type TimerListenerDeps = {
  settings: Settings;
  runner: InvocationRunner;
  /** The host's container; undefined = this host is alone and remembers nothing. */
  blobs: () => Promise<BlobContainerClient | undefined>;
  /** Names the app among those that share a storage account. */
  hostId: string;
  lock: ListenerLockOptions;
};

/**
 * Makes the listener of a timer-triggered function. One run at a time; the next time is reckoned from the last start,
 * and times that passed during a run are made up for by one run at once (TimerListener of the real host).
 * @throws Error when the schedule cannot be read or names a setting that is not set.
 */
export function createTimerListener(info: FunctionInfo, deps: TimerListenerDeps): TimerListener {
  const { settings, runner, blobs, hostId, lock } = deps;
  const trigger = info.trigger as { schedule?: string; runOnStartup?: boolean; useMonitor?: boolean };
  const schedule = parseSchedule(resolveSettings(trigger.schedule ?? '', settings), trigger.useMonitor !== false);
  const id = `Host.Functions.${info.name}`;
  const statusPath = `timers/${hostId}/${id}/status`;
  const stopping = new AbortController();
  let listening: Promise<void> = Promise.resolve();

  const invoke = (status: ScheduleStatus | undefined, isPastDue: boolean) =>
    runner.run(info, {
      data: { json: toTimerJson(schedule, schedule.monitored ? status : undefined, isPastDue) },
      reason: isPastDue ? 'Timer is past due.' : `Timer fired at ${new Date().toISOString()}`,
    });

  const follow = async (container: BlobContainerClient | undefined, signal: AbortSignal): Promise<void> => {
    const store = schedule.monitored ? container : undefined;
    const stored = store && (await readStatus(store, statusPath).catch(() => undefined));
    let { status, isPastDue } = startStatus(schedule, stored, Date.now());
    const save = () => (store ? writeStatus(store, statusPath, status).catch(warnUnsaved) : undefined);
    await save();
    let atOnce = isPastDue || trigger.runOnStartup === true;
    while (!signal.aborted) {
      if (!atOnce) await sleepUntil(status.next, signal);
      if (signal.aborted) return;
      const startedAt = Date.now();
      await invoke(status, isPastDue).catch(() => {}); // already logged; the schedule goes on
      // A timer that fired a little early must not get the same time again.
      const basis = atOnce ? startedAt : Math.max(startedAt, status.next);
      status = { last: basis, next: schedule.next(basis), lastUpdated: basis };
      [atOnce, isPastDue] = [false, false];
      await save();
    }
  };
  const warnUnsaved = (error: Error) =>
    runner.log('warning', `Timer status of '${info.name}' not saved: ${error.message}`);

  const listen = async (): Promise<void> => {
    const container = await blobs();
    if (!container || lock.leaseMs === 0) return follow(container, stopping.signal);
    const path = `locks/${hostId}/${id}.Listener`;
    return whileHoldingLock(container, path, lock, stopping.signal, signal => follow(container, signal));
  };

  return {
    start: () => {
      listening = listen();
    },
    runNow: async () => {
      const container = schedule.monitored ? await blobs() : undefined;
      return invoke(container && (await readStatus(container, statusPath)), false);
    },
    stop: async () => {
      stopping.abort();
      await listening;
    },
  };
}

function toTimerJson(schedule: Schedule, status: ScheduleStatus | undefined, isPastDue: boolean): string {
  return JSON.stringify({
    Schedule: { AdjustForDST: schedule.adjustForDst },
    ScheduleStatus: status ? toStatusJson(status) : null,
    IsPastDue: isPastDue,
  });
}

async function sleepUntil(at: number, signal: AbortSignal): Promise<void> {
  // setTimeout can wait 24.8 days at most.
  while (!signal.aborted && Date.now() < at) {
    await delay(Math.min(at - Date.now(), 2 ** 31 - 1), undefined, { signal }).catch(() => {});
  }
}
