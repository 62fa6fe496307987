import { mock } from 'node:test';

const STEP_MS = 5;
/** What was under way gets so long to end: a timer that outlived its time would be mistaken for one of the next test. */
const AFTERMATH_MS = 90_000;

/** Runs `work` with timers and Date in virtual time, which goes on as fast as the work lets it, from `startMs` on. */
export async function inVirtualTime<T>(startMs: number, work: () => Promise<T>): Promise<T> {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: startMs });
  try {
    let isDone = false;
    const result = work().finally(() => {
      isDone = true;
    });
    result.catch(() => undefined);
    let endMs = Number.POSITIVE_INFINITY;
    while (Date.now() < endMs) {
      await new Promise(resolve => setImmediate(resolve));
      mock.timers.tick(STEP_MS);
      if (isDone) endMs = Math.min(endMs, Date.now() + AFTERMATH_MS);
    }
    return await result;
  } finally {
    mock.timers.reset();
  }
}
