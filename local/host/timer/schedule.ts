import { parseTimeSpan } from '../time-span.ts';
import { type Cron, nextCronTime, parseCron } from './cron.ts';

/** When a timer fires; times in milliseconds since the epoch. */
export type Schedule = {
  next: (after: number) => number;
  /** Whether Azure keeps the last run in storage and makes up for a missed one: not for what fires each minute or more. */
  monitored: boolean;
  /** What the timer's payload says about daylight saving time. */
  adjustForDst: boolean;
};

/**
 * Reads a timer's schedule: an NCRONTAB expression or a TimeSpan between two runs. Times are UTC, as in Azure.
 * @throws Error when it is neither, or never fires.
 */
export function parseSchedule(text: string, useMonitor: boolean): Schedule {
  const cron = parseCron(text);
  if (cron) {
    if (nextCronTime(cron, Date.now()) === undefined) throw new Error(`The schedule '${text}' never fires.`);
    const next = (after: number) => nextCronTime(cron, after) as number;
    return { next, monitored: useMonitor && !firesWithinMinute(cron), adjustForDst: true };
  }
  const intervalMs = parseTimeSpan(text);
  if (intervalMs === undefined || intervalMs <= 0) {
    throw new Error(
      `The schedule expression '${text}' was not recognized as a valid cron expression or timespan string.`,
    );
  }
  return { next: after => after + intervalMs, monitored: useMonitor && intervalMs >= 60_000, adjustForDst: false };
}

function firesWithinMinute(cron: Cron): boolean {
  const all = cron.minutes.length === 60 && cron.hours.length === 24 && cron.days.length === 31;
  return all && cron.months.length === 12 && cron.weekdays.length === 7 && cron.seconds.length > 1;
}
