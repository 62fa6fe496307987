import { type PhaseResult, PROBE_PHASES, type ProbePhase, type ProbeRun } from './probe-run.ts';

/** What of a run goes into statistics. */
export interface RunFigures extends Pick<ProbeRun, 'mailbox' | 'at' | 'ok'> {
  readonly phases: readonly Pick<PhaseResult, 'phase' | 'ok' | 'ms'>[];
}

/** Time of one phase over some runs, in ms; of those alone in which it went well. */
interface PhaseSummary {
  readonly phase: ProbePhase;
  readonly p50: number;
  readonly p95: number;
  readonly count: number;
}

interface MailboxSummary {
  readonly mailbox: string;
  /** When the oldest run that counted began, ISO 8601 in UTC. */
  readonly from: string;
  /** Runs that told something. */
  readonly runs: number;
  /** Runs in which nothing could be told. */
  readonly neutral: number;
  /** Good runs of those that told something, 0 to 1; null where none did. */
  readonly uptime: number | null;
  readonly phases: readonly PhaseSummary[];
}

/** Uptime and times of each mailbox in some runs, in order of the address. */
export function summarizeRuns(runs: readonly RunFigures[]): readonly MailboxSummary[] {
  const byMailbox = Map.groupBy(runs, run => run.mailbox.toLowerCase());
  return [...byMailbox]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([mailbox, own]) => summarize(mailbox, own));
}

function summarize(mailbox: string, runs: readonly RunFigures[]): MailboxSummary {
  const told = runs.filter(({ ok }) => ok !== null);
  const good = told.filter(({ ok }) => ok === true).length;
  return {
    mailbox: runs[0]?.mailbox ?? mailbox,
    from: runs.reduce((oldest, { at }) => (at < oldest ? at : oldest), runs[0]?.at ?? ''),
    runs: told.length,
    neutral: runs.length - told.length,
    uptime: told.length === 0 ? null : Math.round((good / told.length) * 10_000) / 10_000,
    phases: PROBE_PHASES.flatMap(phase => timesOf(phase, runs)),
  };
}

function timesOf(phase: ProbePhase, runs: readonly RunFigures[]): PhaseSummary[] {
  const times = runs.flatMap(run =>
    run.phases.filter(result => result.phase === phase && result.ok === true).map(({ ms }) => ms),
  );
  if (times.length === 0) return [];
  return [{ phase, p50: percentile(times, 50), p95: percentile(times, 95), count: times.length }];
}

/** Nearest-rank percentile: the smallest value that is not below `percent` (0 to 100) of all, so one that was really measured. NaN of none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

const SIGNS = new Map<boolean | null, string>([
  [true, '+'],
  [false, '-'],
  [null, '?'],
]);

/** The phases of a run in a few bytes, e.g. `0+0 1+116 2-581`: place in PROBE_PHASES, verdict, ms. */
export function packPhases(phases: RunFigures['phases']): string {
  return phases.map(({ phase, ok, ms }) => `${PROBE_PHASES.indexOf(phase)}${SIGNS.get(ok)}${ms}`).join(' ');
}

/** What `packPhases` made; what cannot be read is left out. */
export function unpackPhases(packed: string): RunFigures['phases'] {
  return packed.split(' ').flatMap(part => {
    const [, place, sign, ms] = /^(\d{1,2})([+?-])(\d{1,9})$/.exec(part) ?? [];
    const phase = PROBE_PHASES[Number(place)];
    if (place === undefined || phase === undefined) return [];
    return [{ phase, ok: sign === '?' ? null : sign === '+', ms: Number(ms) }];
  });
}
