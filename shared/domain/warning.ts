import type { AlertNotice } from './alert-notice.ts';

/** A condition that holds and has been told. Times in ms since 1970. */
export interface WarningState {
  readonly id: string;
  readonly code: string;
  readonly mailboxes: readonly string[];
  readonly detail: string;
  readonly sinceMs: number;
  /** Told again only below this: the threshold of days that was crossed. */
  readonly level?: number;
  /** Of the certificate or secret: another one is another warning. */
  readonly version?: string;
  /** Conditions that are events end by themselves, an hour after the last one. */
  readonly untilMs?: number;
}

/** Whether a condition holds now, and what there is to say about it. */
export type Condition =
  | { readonly key: string; readonly holds: false }
  | {
      readonly key: string;
      readonly holds: true;
      readonly code: string;
      readonly mailboxes: readonly string[];
      readonly detail: string;
      readonly level?: number;
      readonly version?: string;
      readonly untilMs?: number;
    };

export interface WarningStep {
  readonly warning: WarningState | undefined;
  readonly notices: readonly AlertNotice[];
}

/**
 * What follows from a condition: told once when it begins, once more at each lower level, and cleared when it ends.
 * Pure; returns the very same state where nothing follows.
 */
export function stepWarning(
  warning: WarningState | undefined,
  condition: Condition,
  nowMs: number,
  newId: () => string,
): WarningStep {
  if (!condition.holds) {
    if (!warning || (warning.untilMs !== undefined && warning.untilMs > nowMs)) return { warning, notices: [] };
    return { warning: undefined, notices: [clearedOf(warning, nowMs)] };
  }
  const { key: _key, holds: _holds, ...facts } = condition;
  const isSame = warning !== undefined && warning.version === condition.version;
  if (isSame && (condition.level ?? 0) >= (warning.level ?? 0)) {
    return { warning: facts.untilMs === undefined ? warning : { ...warning, untilMs: facts.untilMs }, notices: [] };
  }
  const next: WarningState = isSame ? { ...warning, ...facts } : { ...facts, id: newId(), sinceMs: nowMs };
  const told: AlertNotice = {
    id: `${next.id}_warning${next.level === undefined ? '' : `_${next.level}`}`,
    type: 'warning',
    atMs: nowMs,
    incidentId: next.id,
    mailboxes: next.mailboxes,
    code: next.code,
    sinceMs: next.sinceMs,
    detail: next.detail,
  };
  return { warning: next, notices: warning && !isSame ? [clearedOf(warning, nowMs), told] : [told] };
}

function clearedOf({ id, mailboxes, code, sinceMs }: WarningState, nowMs: number): AlertNotice {
  return { id: `${id}_cleared`, type: 'cleared', atMs: nowMs, incidentId: id, mailboxes, code, sinceMs };
}
