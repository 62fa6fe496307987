import { formatDateTimeOffset } from '../time-span.ts';
import type { BlobContainerClient } from './host-blobs.ts';
import { readText, writeText } from './host-blobs.ts';
import type { Schedule } from './schedule.ts';

/** What the host remembers of a timer between two lives; milliseconds since the epoch, 0 = never. */
export type ScheduleStatus = { last: number; next: number; lastUpdated: number };

const never = Date.parse('0001-01-01T00:00:00Z');

/**
 * Works out, at the start of a timer, its status and whether a run was missed while no host was up: that is so when the
 * stored next time has passed and still belongs to this schedule (ScheduleMonitor.CheckPastDueAsync).
 */
export function startStatus(schedule: Schedule, stored: ScheduleStatus | undefined, now: number) {
  const fresh: ScheduleStatus = { last: never, next: schedule.next(now), lastUpdated: now };
  if (!stored) return { status: fresh, isPastDue: false };
  const basis = stored.last > never ? stored.last : stored.lastUpdated;
  let expected = schedule.next(basis);
  if (stored.next === expected) return { status: stored, isPastDue: now > stored.next };
  // The schedule has changed: its own next time counts, and one in the past is not made up for.
  const isOver = now > expected;
  if (isOver) expected = schedule.next(now);
  return { status: { last: never, next: expected, lastUpdated: isOver ? now : basis }, isPastDue: false };
}

/** Reads `timers/<host id>/<timer>/status` in the host's container; undefined when there is none. */
export async function readStatus(blobs: BlobContainerClient, path: string): Promise<ScheduleStatus | undefined> {
  const text = await readText(blobs, path);
  if (text === undefined) return undefined;
  const { Last, Next, LastUpdated } = JSON.parse(text) as Record<string, string>;
  return { last: Date.parse(Last ?? ''), next: Date.parse(Next ?? ''), lastUpdated: Date.parse(LastUpdated ?? '') };
}

export async function writeStatus(blobs: BlobContainerClient, path: string, status: ScheduleStatus): Promise<void> {
  await writeText(blobs, path, JSON.stringify(toStatusJson(status)));
}

/** In the host's own spelling, as the timer function gets it too. */
export function toStatusJson(status: ScheduleStatus): { Last: string; Next: string; LastUpdated: string } {
  return {
    Last: formatDateTimeOffset(status.last),
    Next: formatDateTimeOffset(status.next),
    LastUpdated: formatDateTimeOffset(status.lastUpdated),
  };
}
