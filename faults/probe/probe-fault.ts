import type { M365 } from '../../local/m365/m365.ts';

/** The mailboxes of a trial: both behind one app and one vault. */
export const MAILBOX = 'billing@contoso.com';
export const OTHER_MAILBOX = 'noreply@contoso.com';

/** Something that goes wrong at Microsoft's side, and what the operator must hear of it. */
export interface ProbeFault {
  readonly name: string;
  /** The right cause: a code of docs/errors.md. */
  readonly code: string;
  /** Those probed; default: both. Where a fault hits each mailbox on its own there is one alert for each, so one is probed. */
  readonly mailboxes?: readonly string[];
  /** Those that the one alert must name; default: all that are probed. */
  readonly hit?: readonly string[];
  /** Switches it on. What it did to the world or to the faults is undone without its help. */
  strike(m365: M365): void | Promise<void>;
}
