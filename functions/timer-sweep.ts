import type { InvocationContext, TimerHandler } from '@azure/functions';
import { sweep } from '../shared/usecases/sweep.ts';
import { sweepEvents } from '../shared/usecases/sweep-events.ts';
import { contextLog } from './context-log.ts';
import type { RuntimeSource } from './runtime.ts';

/** Every minute: what stopped between two steps moves again. */
export function timerSweep(runtimeOf: RuntimeSource): TimerHandler {
  return async (_timer, context: InvocationContext) => {
    const log = contextLog(context);
    const runtime = runtimeOf(log);
    if (!runtime) return;
    const found = await sweep({ ...runtime.deliver, requests: runtime.requests }, log);
    await (await runtime.watch()).watchMinute(log, found);
    await sweepEvents(runtime.sweepEvents, log);
    await runtime.tidy(log);
  };
}
