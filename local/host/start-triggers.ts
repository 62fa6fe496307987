import type { FunctionInfo } from './function-info.ts';
import { isTriggeredBy } from './function-info.ts';
import type { HostConfig } from './host-config.ts';
import type { HostTimes } from './host-options.ts';
import type { InvocationRunner } from './invocation-runner.ts';
import type { QueueListener } from './queue/queue-listener.ts';
import { isDisabled, type Settings } from './settings.ts';
import { type BlobContainerClient, openHostBlobs } from './timer/host-blobs.ts';
import { createTimerListener, type TimerListener } from './timer/timer-listener.ts';

type Triggers = {
  /** Functions that could not be started, with the reason. */
  errors: Map<string, string>;
  /** Runs a queue or timer function at once. @throws what the run threw. */
  runNow: (info: FunctionInfo, input: string) => Promise<unknown>;
  stop: () => Promise<void>;
};

export type TriggerDeps = {
  config: HostConfig;
  times: HostTimes;
  settings: Settings;
  runner: InvocationRunner;
  hostId: string;
};

/**
 * Starts the listeners of all queue and timer functions. One that cannot start is told and left out; the others run.
 */
export async function startTriggers(functions: FunctionInfo[], deps: TriggerDeps): Promise<Triggers> {
  const { config, times, settings, runner, hostId } = deps;
  const errors = new Map<string, string>();
  const queues: QueueListener[] = [];
  const timers = new Map<string, TimerListener>();
  const hasQueues = functions.some(info => isTriggeredBy(info, 'queueTrigger'));
  const queueModule = hasQueues ? await import('./queue/queue-listener.ts') : undefined;
  let opened: Promise<BlobContainerClient | undefined> | undefined;
  const blobs = () => {
    opened ??= openHostBlobs(settings, why => {
      runner.log('warning', `No blob storage for timers (${why}): this host runs them alone and forgets missed runs.`);
    });
    return opened;
  };

  for (const info of functions) {
    try {
      if (queueModule && isTriggeredBy(info, 'queueTrigger') && !isDisabled(info.name, settings)) {
        queues.push(
          queueModule.startQueueListener(info, {
            settings,
            options: config.queues,
            leaseMs: times.queueLeaseMs,
            runner,
          }),
        );
      } else if (isTriggeredBy(info, 'timerTrigger')) {
        const lock = { leaseMs: times.timerLeaseMs, retryMs: times.timerRetryMs };
        const timer = createTimerListener(info, { settings, runner, blobs, hostId, lock });
        timers.set(info.name, timer);
        if (!isDisabled(info.name, settings)) timer.start();
      }
    } catch (error) {
      errors.set(info.name, (error as Error).message);
    }
  }

  return {
    errors,
    runNow: (info, input) => {
      if (queueModule && isTriggeredBy(info, 'queueTrigger')) {
        // As in Azure: a message that came by hand has no id, no receipt and a dequeue count of 0.
        const facts = { dequeueCount: 0, insertedAt: Date.now() };
        return queueModule.runQueueFunction(info, runner, Buffer.from(input), facts, String(info.trigger['queueName']));
      }
      const timer = timers.get(info.name);
      if (timer) return timer.runNow();
      runner.log('error', `Function '${info.name}' is run by HTTP requests only.`);
      return Promise.reject(new Error(`Function '${info.name}' cannot be run by hand.`));
    },
    stop: async () => {
      await Promise.all([...queues, ...timers.values()].map(listener => listener.stop()));
    },
  };
}
