import { type AlertNotice, addNotices, type PendingNotice, stillWanted } from '../domain/alert-notice.ts';
import { type ClosedIncident, isQuiet } from '../domain/incident.ts';
import type { StoredWatchRow, WatchRow } from '../domain/incident-store.ts';
import { channelsFor, type WatchDeps } from './watch-deps.ts';

/** Contention among instances is resolved by trying again on what the winner wrote; so often. */
const MAX_TRIES = 12;
/** Longer than telling takes: every channel has 10 s, and telling stops in time. */
export const TELLING_CLAIM_MS = 60_000;

/** What becomes of a row; the very same row where nothing does. */
export interface RowChange {
  readonly row: WatchRow;
  readonly notices?: readonly AlertNotice[];
  readonly closed?: ClosedIncident;
}

/** A row with notices that this process has claimed to tell. */
export interface Claimed {
  readonly stored: StoredWatchRow;
  readonly token: string;
}

/**
 * The rows of the table as this process knows them. A change is worked out on what is known and written by ETag; when
 * somebody else has written since, it is worked out anew on what the winner wrote.
 */
export function watchRows(deps: Pick<WatchDeps, 'store' | 'clock' | 'channelNames'>) {
  const { store, clock } = deps;
  const channelsOf = channelsFor(deps);
  const wanted = new Set(channelsOf('incident.opened'));
  let known = new Map<string, StoredWatchRow>();
  let knownAtMs = Number.NEGATIVE_INFINITY;

  /** Reads all rows: one storage call. */
  async function load(): Promise<readonly StoredWatchRow[]> {
    const startMs = clock.now();
    const rows = await store.list();
    known = new Map(rows.map(stored => [stored.row.key, stored]));
    knownAtMs = startMs;
    return rows;
  }

  /**
   * Changes one row and claims the telling of its new notices. Undefined where nothing changed, or where somebody else
   * tells the notices.
   */
  async function change(key: string, next: (row: WatchRow) => RowChange, isKnown = true): Promise<Claimed | undefined> {
    let stored = isKnown ? known.get(key) : await read(key);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const before: WatchRow = stored?.row ?? { key, notices: [] };
      const { row, notices = [], closed } = next(before);
      if (row === before && notices.length === 0) return undefined;
      const pending = addNotices(stillWanted(row.notices, wanted, clock.now()), notices, channelsOf);
      const { row: written, token } = claimed({ ...row, notices: pending }, notices.length > 0);
      const result = await put(written, stored, closed);
      if (result) return token === undefined || result === 'gone' ? undefined : { stored: result, token };
      if (tries > 1) await clock.sleep(Math.ceil(clock.random() * 20 * tries));
      stored = await read(key);
    }
    throw new Error(`the row ${key} could not be written: too many instances at once`);
  }

  async function put(
    row: WatchRow,
    stored: StoredWatchRow | undefined,
    closed?: ClosedIncident,
  ): Promise<StoredWatchRow | 'gone' | undefined> {
    if (isEmpty(row, clock.now())) {
      if (stored && !(await store.remove(row.key, stored.etag)).ok) return undefined;
      known.delete(row.key);
      return 'gone';
    }
    const result = await store.write(row, stored?.etag, closed);
    if (!result.ok) return undefined;
    const written = { row, etag: result.etag };
    known.set(row.key, written);
    return written;
  }

  async function read(key: string): Promise<StoredWatchRow | undefined> {
    const stored = await store.read(key);
    if (stored) known.set(key, stored);
    else known.delete(key);
    return stored;
  }

  function claimed(row: WatchRow, wants: boolean): { readonly row: WatchRow; readonly token?: string } {
    const nowMs = clock.now();
    if (!wants || row.notices.length === 0 || (row.claim && row.claim.untilMs > nowMs)) return { row };
    const token = Buffer.from(clock.randomBytes(9)).toString('base64url');
    return { row: { ...row, claim: { token, untilMs: nowMs + TELLING_CLAIM_MS } }, token };
  }

  /** Claims what waits in a row, e.g. after a refusal; undefined when somebody else was first. */
  async function claim(stored: StoredWatchRow): Promise<Claimed | undefined> {
    const notices = stillWanted(stored.row.notices, wanted, clock.now());
    const { row, token } = claimed({ ...stored.row, notices }, true);
    if (token === undefined && notices === stored.row.notices) return undefined;
    const result = await put(row, stored);
    return result && result !== 'gone' && token !== undefined ? { stored: result, token } : undefined;
  }

  /** Writes what telling came to, onto whatever the row says by now, and gives the claim back with `isDone`. */
  async function settle(
    { stored, token }: Claimed,
    apply: (notices: readonly PendingNotice[]) => readonly PendingNotice[],
    isDone: (row: WatchRow) => boolean,
  ): Promise<StoredWatchRow | undefined> {
    let current: StoredWatchRow | undefined = stored;
    for (let tries = 0; current && tries < MAX_TRIES; tries++) {
      const { claim: held, ...rest } = current.row;
      const isMine = held?.token === token;
      const told: WatchRow = { ...rest, notices: apply(rest.notices) };
      const keeps = held && (!isMine || !isDone(told));
      const result = await put(keeps ? { ...told, claim: held } : told, current);
      if (result === 'gone') return undefined;
      if (result) return isMine && keeps ? result : undefined;
      current = await read(stored.row.key);
    }
    return undefined;
  }

  /** Takes away a row of which nothing need be known any more. */
  async function dropQuiet({ row, etag }: StoredWatchRow): Promise<void> {
    if (isEmpty(row, clock.now()) && (await store.remove(row.key, etag)).ok) known.delete(row.key);
  }

  return {
    load,
    change,
    dropQuiet,
    claim,
    settle,
    read,
    /** As last seen, without asking. */
    peek: (key: string) => known.get(key)?.row,
    all: (): readonly StoredWatchRow[] => [...known.values()],
    ageMs: () => clock.now() - knownAtMs,
  };
}

export type WatchRows = ReturnType<typeof watchRows>;

function isEmpty({ subject, warning, notices, claim }: WatchRow, nowMs: number): boolean {
  return (
    notices.length === 0 && !warning && (!claim || claim.untilMs <= nowMs) && (!subject || isQuiet(subject, nowMs))
  );
}
