import { findEntry } from '../domain/diagnosis/catalogue.ts';
import type { ClosedIncident, Incident } from '../domain/incident.ts';
import { acknowledge } from '../domain/incident-step.ts';
import type { WatchStore } from '../domain/incident-store.ts';
import type { IncidentBook, IncidentView } from '../domain/watch-ports.ts';
import type { WatchDeps } from './watch-deps.ts';

const SHOWN_MS = 7 * 24 * 3_600_000;
const MAX_TRIES = 12;

/** The incidents for the status page, read anew with each call. */
export function incidentBook({ store, clock }: Pick<WatchDeps, 'store' | 'clock'>): IncidentBook {
  return {
    async list() {
      const [rows, closed] = await Promise.all([store.list(), store.closed(clock.now() - SHOWN_MS)]);
      const open = rows.flatMap(({ row }) => row.subject?.incident ?? []);
      open.sort((a, b) => b.sinceMs - a.sinceMs);
      return [...open.map(openView), ...closed.map(closedView)];
    },
    async acknowledge(id) {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const found = (await store.list()).find(({ row }) => row.subject?.incident?.id === id);
        if (!found) return isClosed(store, id, clock.now());
        const { row, etag } = found;
        const subject = row.subject && acknowledge(row.subject);
        if (!subject || subject === row.subject) return 'done';
        if ((await store.write({ ...row, subject }, etag)).ok) return 'done';
      }
      throw new Error(`incident ${id} could not be acknowledged: too many instances at once`);
    },
  };
}

/** One that has ended meanwhile needs no acknowledgement, and is no unknown one. */
async function isClosed(store: WatchStore, id: string, nowMs: number): Promise<'done' | 'unknown'> {
  return (await store.closed(nowMs - SHOWN_MS)).some(one => one.id === id) ? 'done' : 'unknown';
}

function openView({ id, mailboxes, cause, sinceMs, lastGoodMs, isAcknowledged }: Incident): IncidentView {
  return viewOf({ id, mailboxes, code: cause.code, sinceMs, lastGoodMs, isAcknowledged }, 'open');
}

function closedView(closed: ClosedIncident): IncidentView {
  return viewOf({ ...closed, lastGoodMs: closed.lastGoodMs }, 'closed');
}

interface Facts extends Pick<ClosedIncident, 'id' | 'mailboxes' | 'code' | 'sinceMs' | 'isAcknowledged'> {
  readonly lastGoodMs: number | undefined;
}

function viewOf(
  { id, mailboxes, code, sinceMs, lastGoodMs, isAcknowledged }: Facts,
  state: IncidentView['state'],
): IncidentView {
  const entry = findEntry(code);
  return {
    id,
    mailboxes,
    code,
    cause: entry?.cause ?? '',
    remedy: entry?.remedy ?? '',
    since: new Date(sinceMs).toISOString(),
    ...(lastGoodMs === undefined ? {} : { lastGood: new Date(lastGoodMs).toISOString() }),
    state,
    acknowledged: isAcknowledged,
  };
}
