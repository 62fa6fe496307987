import type { ContentStore } from '../domain/content-ports.ts';
import type { MailSettings } from '../domain/mail-settings.ts';
import type { Log } from '../domain/ports.ts';
import type { RequestQueues } from '../domain/queue-ports.ts';
import { redact } from '../domain/redact.ts';
import { recordPoison } from './record-poison.ts';
import { type ReleaseDeps, releaseDue } from './release-due.ts';

export interface SweepDeps extends ReleaseDeps {
  readonly settings: MailSettings;
  readonly contents: ContentStore;
  readonly requests: RequestQueues;
}

/** What a run has found that people should be warned of. */
export interface SweepFindings {
  /** Messages of poison queues that have become failed records. */
  readonly poisonRecorded: number;
}

const MAX_POISON = 32;
/** Deletions in one run: more than one instance can add in two minutes. */
const MAX_CLEANED = 500;

/**
 * Picks up whatever stopped between two steps: stored but never enqueued, claimed by an instance that died, parked and
 * now due. Empties the poison queues into records, and deletes kept content and old records, one or the other by turns.
 * Runs every minute; reads open rows only, however many finished records there are.
 */
export async function sweep(deps: SweepDeps, log: Log): Promise<SweepFindings> {
  const findings = { poisonRecorded: 0 };
  const nowMs = deps.clock.now();
  const steps: readonly (readonly [string, () => Promise<number>])[] = [
    ['released', () => releaseDue(deps, log)],
    ['poison', () => emptyPoison(deps, findings, log)],
    new Date(nowMs).getUTCMinutes() % 2 === 0
      ? ['contents', () => dropKeptContent(deps, nowMs)]
      : ['records', () => removeOld(deps, nowMs)],
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
  return findings;
}

async function emptyPoison(deps: SweepDeps, findings: { poisonRecorded: number }, log: Log): Promise<number> {
  const found = await deps.requests.receivePoison(MAX_POISON);
  for (const message of found) if (await recordPoison(deps, message, log)) findings.poisonRecorded++;
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
