import type { BlobArea, StaleBlobs } from '../domain/content-ports.ts';
import type { MailSettings } from '../domain/mail-settings.ts';
import { isMessageId } from '../domain/message-id.ts';
import type { MessageStore } from '../domain/message-ports.ts';
import { isFinal } from '../domain/message-record.ts';
import type { Clock, Log } from '../domain/ports.ts';
import { redact } from '../domain/redact.ts';

export interface TidyDeps {
  readonly settings: MailSettings;
  readonly store: MessageStore;
  readonly blobs: StaleBlobs;
  readonly clock: Clock;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Content without a record is somebody's upload under way until it is this old; no request lives nearly as long. */
const ORPHAN_AFTER_MS = DAY_MS;
/** As the lifecycle rule of the deployment: a request may wait on its queue for the deadline, and a producer may use one blob for many requests. */
const INTAKE_AFTER_MS = 14 * DAY_MS;
/** Blobs looked at in one run and area; the next run goes on from there. */
const MAX_LOOKED_AT = 500;
const PAGE = 100;
const EVERY_MS = HOUR_MS;

/**
 * Once an hour deletes blobs that nobody will ask for: content whose message was never stored, is deleted or has its
 * content deleted; intake after two weeks; texts of the poison queues when their records go. Content of any other message is
 * left alone, however old. Where each area was left is remembered in the process alone: a new one starts from the front.
 */
export function tidyBlobs(deps: TidyDeps) {
  const leftAt = new Map<BlobArea, string | undefined>();
  let ranAtMs = Number.NEGATIVE_INFINITY;

  async function tidyArea(area: BlobArea, beforeMs: number, isLitter: (name: string) => Promise<boolean>) {
    let deleted = 0;
    for (let seen = 0; seen < MAX_LOOKED_AT; seen += PAGE) {
      const page = await deps.blobs.list(area, beforeMs, PAGE, leftAt.get(area));
      for (const name of page.names) {
        if (!(await isLitter(name))) continue;
        await deps.blobs.delete(area, name, beforeMs);
        deleted++;
      }
      leftAt.set(area, page.continuation);
      if (page.continuation === undefined) break;
    }
    return deleted;
  }

  async function isOrphan(name: string): Promise<boolean> {
    if (!isMessageId(name)) return false;
    const stored = await deps.store.peek(name);
    return !stored || (isFinal(stored.record.status) && stored.record.content.isDeleted === true);
  }

  /** @param isDue runs now, whenever it last ran */
  return async function tidy(log: Log, isDue = false): Promise<void> {
    const nowMs = deps.clock.now();
    if (!isDue && nowMs - ranAtMs < EVERY_MS) return;
    ranAtMs = nowMs;
    const always = () => Promise.resolve(true);
    const areas: readonly (readonly [BlobArea, number, (name: string) => Promise<boolean>])[] = [
      ['content', ORPHAN_AFTER_MS, isOrphan],
      ['intake', INTAKE_AFTER_MS, always],
      ['poison', deps.settings.recordRetentionMs, always],
    ];
    for (const [area, afterMs, isLitter] of areas) {
      try {
        const count = await tidyArea(area, nowMs - afterMs, isLitter);
        if (count > 0) log('info', { event: 'blobs.deleted', phase: area, count });
      } catch (error) {
        leftAt.delete(area);
        const detail = redact(error instanceof Error ? error.message : String(error), 300);
        log('warn', { event: 'tidy.failed', phase: area, detail });
      }
    }
  };
}
