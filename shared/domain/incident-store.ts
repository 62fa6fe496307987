import type { PendingNotice } from './alert-notice.ts';
import type { ClosedIncident, SubjectState } from './incident.ts';
import type { WriteResult } from './message-ports.ts';
import type { WarningState } from './warning.ts';

/** One row of the table `incidents`: what is known of a subject or of a warning, and what is still to be told of it. */
export interface WatchRow {
  readonly key: string;
  readonly subject?: SubjectState;
  readonly warning?: WarningState;
  readonly notices: readonly PendingNotice[];
  /** Who tells the notices now. After `untilMs` somebody else may: whoever it was has stopped in the middle. */
  readonly claim?: { readonly token: string; readonly untilMs: number };
}

export interface StoredWatchRow {
  readonly row: WatchRow;
  readonly etag: string;
}

/** Where incidents and warnings are kept. Faults of the service are thrown as ServiceFailure. */
export interface WatchStore {
  /** All rows; there are few, since what is quiet is not kept. */
  list(): Promise<readonly StoredWatchRow[]>;
  read(key: string): Promise<StoredWatchRow | undefined>;
  /** `etag` undefined: there was none. An incident that ends with this write is kept in the same transaction. */
  write(row: WatchRow, etag: string | undefined, closed?: ClosedIncident): Promise<WriteResult>;
  remove(key: string, etag: string): Promise<WriteResult>;
  /** Ended since then, newest first. */
  closed(sinceMs: number): Promise<readonly ClosedIncident[]>;
  /** Deletes those that ended before then; returns how many. */
  forget(beforeMs: number): Promise<number>;
}
