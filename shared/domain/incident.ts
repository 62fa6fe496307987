import type { AlertNotice } from './alert-notice.ts';
import type { CauseKind } from './incident-subject.ts';
import type { ProbePhase } from './probe-run.ts';

/** Why something fails. `detail` is what the service said, scrubbed. */
export interface Cause {
  readonly code: string;
  readonly kind: CauseKind;
  readonly phase?: ProbePhase;
  readonly detail?: string;
}

export type Witness = 'probe' | 'traffic';

/** What was seen of one subject: by the runs of one round, or by one mail. Times in ms since 1970. */
export type Evidence =
  | {
      readonly verdict: 'bad';
      readonly by: Witness;
      readonly cause: Cause;
      /** Those that it hits. */
      readonly mailboxes: readonly string[];
      readonly startMs: number;
      readonly endMs: number;
    }
  | {
      readonly verdict: 'good';
      readonly by: Witness;
      /** What has been shown to work. */
      readonly kinds: ReadonlySet<CauseKind>;
      /** The whole way was walked, up to the envelope. */
      readonly isWhole: boolean;
      readonly mailboxes: readonly string[];
      readonly startMs: number;
      readonly endMs: number;
    };

/** An incident that is open. */
export interface Incident {
  readonly id: string;
  readonly cause: Cause;
  readonly mailboxes: readonly string[];
  /** The first failure of the row that opened it. */
  readonly sinceMs: number;
  readonly openedBy: Witness;
  readonly lastGoodMs?: number;
  readonly isAcknowledged: boolean;
  /** Last opened, updated or reminded. */
  readonly toldAtMs: number;
  readonly reminders: number;
  /** Every cause it has had, in order: each is told once. */
  readonly codes: readonly string[];
  /** Good ones in a row. */
  readonly goods: number;
  /** Another cause, seen so often in a row. */
  readonly change?: { readonly cause: Cause; readonly times: number };
  readonly isFlapping: boolean;
}

/** Failures in a row, seen by one witness. */
export interface Streak {
  readonly fails: number;
  /** Of these, such as need a person. */
  readonly firm: number;
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly cause: Cause;
}

/** What is known of one subject. Kept only while there is something to know. */
export interface SubjectState {
  /** End of the last run that counted: one that began before it is the same look. */
  readonly probedUntilMs: number;
  readonly streaks: Readonly<Partial<Record<Witness, Streak>>>;
  /** The last runs, `f` failed and `g` good, newest last. */
  readonly recent: string;
  /** When incidents were opened lately. */
  readonly openedAtMs: readonly number[];
  readonly lastGoodMs?: number;
  readonly incident?: Incident;
}

export const QUIET: SubjectState = { probedUntilMs: 0, streaks: {}, recent: '', openedAtMs: [] };

/** An incident that has ended, as it is kept for 30 days. */
export interface ClosedIncident {
  readonly id: string;
  readonly code: string;
  readonly mailboxes: readonly string[];
  readonly sinceMs: number;
  readonly closedAtMs: number;
  readonly lastGoodMs?: number;
  readonly isAcknowledged: boolean;
}

/** A step of the state machine: the next state, and what is to be told. */
export interface Step {
  readonly state: SubjectState;
  readonly notices: readonly AlertNotice[];
  readonly closed?: ClosedIncident;
}

/** Whether nothing of a subject needs to be kept any more. */
export function isQuiet(state: SubjectState, nowMs: number): boolean {
  return (
    !state.incident &&
    !state.streaks.probe &&
    !state.streaks.traffic &&
    !state.recent.includes('f') &&
    state.openedAtMs.every(at => at < nowMs - FLAPPING_WINDOW_MS)
  );
}

/** Openings within this time make a subject flap. */
export const FLAPPING_WINDOW_MS = 2 * 3_600_000;
