import { setTimeout as sleep } from 'node:timers/promises';

/** Asks every 20 ms until the answer is there. Throws after `limitMs`, saying what was waited for. */
export async function until<T>(what: string, limitMs: number, ask: () => Promise<T | undefined>): Promise<T> {
  const endMs = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > endMs) throw new Error(`Waited ${limitMs / 1000} s for ${what}.`);
    await sleep(20);
  }
}
