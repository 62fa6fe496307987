import type { MailSettings } from '../domain/mail-settings.ts';
import type { Clock, ContentStore, Log, MessageStore, OpenRow, RequestQueues, WakeQueue } from '../domain/ports.ts';
import { redact } from '../domain/redact.ts';
import { LOST_AFTER_MS, RELEASE_AHEAD_MS, wakeDelayMs } from '../domain/schedule.ts';
import { recordPoison } from './record-poison.ts';

export interface SweepDeps {
  readonly settings: MailSettings;
  readonly store: MessageStore;
  readonly contents: ContentStore;
  readonly wakeUps: WakeQueue;
  readonly requests: RequestQueues;
  readonly clock: Clock;
}

/** Rows looked at in one run; the oldest come first, so a backlog drains in order of age over several runs. */
const MAX_OPEN_ROWS = 5_000;
/** Releases in one run: what one instance puts on the queue within seconds. */
const MAX_RELEASES = 500;
const MAX_POISON = 32;
const MAX_CLEANED = 200;
/** Old records are deleted once an hour, in the run of this minute. */
const CLEANING_MINUTE = 17;

/**
 * Picks up whatever stopped between two steps: stored but never enqueued, claimed by an instance that died, parked and
 * now due. Empties the poison queues into records, deletes kept content and old records. Runs every minute; reads open
 * rows only, however many finished records there are.
 */
export async function sweep(deps: SweepDeps, log: Log): Promise<void> {
  const nowMs = deps.clock.now();
  const steps: readonly (readonly [string, () => Promise<number>])[] = [
    ['released', () => releaseDue(deps, nowMs)],
    ['poison', () => emptyPoison(deps, log)],
    ['contents', () => dropKeptContent(deps, nowMs)],
    ['records', async () => (new Date(nowMs).getUTCMinutes() === CLEANING_MINUTE ? removeOld(deps, nowMs) : 0)],
  ];
  const counts: Record<string, number> = {};
  for (const [name, step] of steps) {
    try {
      counts[name] = await step();
    } catch (error) {
      // One step's trouble must not keep the others from their work; the next run is a minute away.
      log('error', {
        event: 'sweep.failed',
        phase: name,
        detail: redact(error instanceof Error ? error.message : String(error), 300),
      });
    }
  }
  if (Object.values(counts).some(count => count > 0))
    log('info', { event: 'sweep.done', ms: deps.clock.now() - nowMs, ...counts });
}

async function releaseDue(deps: SweepDeps, nowMs: number): Promise<number> {
  const rows = await deps.store.openRows(MAX_OPEN_ROWS);
  const due: OpenRow[] = [];
  for (const row of rows) {
    if (due.length >= MAX_RELEASES) break;
    if (await needsRelease(deps.store, row, nowMs)) due.push(row);
  }
  due.sort((a, b) => Number(b.priority === 'high') - Number(a.priority === 'high') || (a.id < b.id ? -1 : 1));
  const wanted = due.map(row => ({ row, wakeAtMs: nowMs + wakeDelayMs(row.dueAtMs, nowMs) }));
  const released = await deps.store.release(wanted);
  const byId = new Map(due.map(row => [row.id, row]));
  for (const { id, generation } of released) {
    const row = byId.get(id);
    if (row) await deps.wakeUps.put({ messageId: id, generation }, row.priority, wakeDelayMs(row.dueAtMs, nowMs));
  }
  return released.length;
}

async function needsRelease(store: MessageStore, row: OpenRow, nowMs: number): Promise<boolean> {
  if (row.claimUntilMs !== undefined) {
    if (row.claimUntilMs > nowMs) return false;
    // The row knows the claim's first end only; its holder may have shown life since.
    const stored = await store.peek(row.id);
    return stored?.record.claim !== undefined && stored.record.claim.untilMs <= nowMs && !wokenLately(row, nowMs);
  }
  if (row.dueAtMs > nowMs + RELEASE_AHEAD_MS) return false;
  return row.wakeAtMs === undefined || !wokenLately(row, nowMs);
}

function wokenLately(row: OpenRow, nowMs: number): boolean {
  return row.wakeAtMs !== undefined && row.wakeAtMs > nowMs - LOST_AFTER_MS;
}

async function emptyPoison(deps: SweepDeps, log: Log): Promise<number> {
  const found = await deps.requests.receivePoison(MAX_POISON);
  for (const message of found) await recordPoison(deps, message, log);
  return found.length;
}

async function dropKeptContent(deps: SweepDeps, nowMs: number): Promise<number> {
  const due = await deps.store.contentDue(nowMs, MAX_CLEANED);
  for (const content of due) await deps.store.dropContent(content, () => deps.contents.delete(content.id));
  return due.length;
}

async function removeOld(deps: SweepDeps, nowMs: number): Promise<number> {
  const old = await deps.store.expired(nowMs - deps.settings.recordRetentionMs, MAX_CLEANED);
  const due = old.filter(record => (record.finalAtMs ?? nowMs) < nowMs - deps.settings.recordRetentionMs);
  await deps.store.remove(due);
  return due.length;
}
