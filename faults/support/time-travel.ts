import type { Rig } from './rig.ts';

/** Past the life of a claim (2 min), the patience with a wake-up (2.5 min), every first retry, and a breaker's first pause. */
const STEP_MS = 4 * 60_000;
/** Storage refuses requests that are more than 15 minutes off. */
const MOST_STEPS = 3;
/** Nobody is left that could go on at this time; a hang guard, generous for a loaded machine. */
const STEP_LIMIT_MS = 40_000;
const SWEEP_EVERY_MS = 4_000;
/** What is due within this is waited for. */
const SOON_MS = 8_000;

/**
 * Instead of waiting for minutes: everybody's clock but storage's jumps ahead, the host starts anew and sweeps. What
 * waited is then due. A message that turns out to be in doubt needs a second jump.
 */
export async function travelUntilFinal(rig: Rig): Promise<void> {
  for (let step = 1; step <= MOST_STEPS; step++) {
    const clockMs = step * STEP_MS;
    rig.cloud.m365.world.clockOffsetMs = clockMs;
    await rig.restartHost({ clockMs, random: 0.1 });
    const isLater = (atMs = 0) => atMs > Date.now() + clockMs + SOON_MS;
    for (const endMs = Date.now() + STEP_LIMIT_MS; Date.now() < endMs; ) {
      await rig.sweep();
      const isDone = await rig.ledger.settle(SWEEP_EVERY_MS, {
        isDone: ({ final, nextAttemptMs }) => final !== undefined || isLater(nextAttemptMs),
      });
      if (isDone) break;
    }
    if (rig.ledger.entries().every(entry => entry.final)) return;
  }
}
