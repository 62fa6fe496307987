/** Shortest wait between two polls, milliseconds (QueuePollingIntervals.Minimum). */
const minPollingIntervalMs = 100;

/**
 * Makes the host's random exponential back-off: after a poll that found something the shortest wait, after each one
 * that did not about twice the last, ±20 %, up to the longest.
 * @param random gives a number from 0 to below 1.
 * @returns a function that takes whether messages were found and gives the next wait in milliseconds.
 */
export function createBackoff(maxMs: number, random: () => number): (found: boolean) => number {
  let currentMs = 0;
  let exponent = 0;
  return found => {
    if (found) {
      currentMs = minPollingIntervalMs;
      exponent = 1;
    } else if (currentMs !== maxMs) {
      const growthMs = exponent === 0 ? 0 : (0.8 + 0.4 * random()) * 2 ** (exponent - 1) * minPollingIntervalMs;
      const nextMs = minPollingIntervalMs + growthMs;
      if (nextMs < maxMs) exponent++;
      currentMs = Math.min(nextMs, maxMs);
    }
    return currentMs;
  };
}
