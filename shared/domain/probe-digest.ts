import { failedPhase, PROBE_PHASES, type ProbePhase, type ProbeRun } from './probe-run.ts';
import { percentile } from './probe-statistics.ts';
import type { FailedRun, PhaseTimes, ProbeHistoryStatus, RunCounts, UptimeStatus } from './status-report.ts';

const HALF_HOUR_MS = 30 * 60_000;
const DAY_MS = 48 * HALF_HOUR_MS;
export const WEEK_MS = 7 * DAY_MS;
/** A week is drawn in steps of two hours. */
const WEEK_STEP = 4;
const RECENT_RUNS = 30;
const KEPT_FAILURES = 5;

/**
 * What is kept of a mailbox's runs of the last week: counts by the half hour, the times of the last 24 h, the latest
 * failures. Small, so that a page can be drawn without reading some two thousand runs each time. Changed in place.
 */
export interface ProbeDigest {
  readonly counts: Map<number, RunCounts>;
  /** Newest first. */
  times: readonly { readonly atMs: number; readonly ms: ReadonlyMap<ProbePhase, number> }[];
  failures: readonly FailedRun[];
}

export function emptyDigest(): ProbeDigest {
  return { counts: new Map(), times: [], failures: [] };
}

/** Adds runs that are not in it yet, in any order, and forgets what is older than a week. */
export function addRuns(digest: ProbeDigest, runs: readonly ProbeRun[], nowMs: number): void {
  for (const run of runs) {
    const start = halfHourOf(Date.parse(run.at));
    const [good, failed, neutral] = digest.counts.get(start) ?? [0, 0, 0];
    const isNeutral = run.ok === null;
    digest.counts.set(start, [
      good + Number(run.ok === true),
      failed + Number(run.ok === false),
      neutral + Number(isNeutral),
    ]);
  }
  for (const start of digest.counts.keys()) if (start <= nowMs - WEEK_MS - HALF_HOUR_MS) digest.counts.delete(start);
  const newer = runs
    .map(run => ({ atMs: Date.parse(run.at), ms: timesOf(run) }))
    .filter(({ atMs }) => atMs > nowMs - DAY_MS);
  digest.times = [...digest.times.filter(({ atMs }) => atMs > nowMs - DAY_MS), ...newer].sort(
    (a, b) => b.atMs - a.atMs,
  );
  digest.failures = [...digest.failures, ...runs.filter(run => run.ok === false).map(failureOf)]
    .filter(({ at }) => Date.parse(at) > nowMs - WEEK_MS)
    .sort((a, b) => (a.at < b.at ? 1 : -1))
    .slice(0, KEPT_FAILURES);
}

/** The digest as the page shows it. `coveredFromMs`: how far back runs have been read. */
export function digestView(digest: ProbeDigest, coveredFromMs: number, nowMs: number): ProbeHistoryStatus {
  return {
    coveredFrom: new Date(coveredFromMs).toISOString(),
    day: uptime(digest, 48, 1, nowMs),
    week: uptime(digest, 336, WEEK_STEP, nowMs),
    phases: phaseTimes(digest),
    failures: digest.failures,
  };
}

function uptime({ counts }: ProbeDigest, halfHours: number, perStep: number, nowMs: number): UptimeStatus {
  const firstMs = halfHourOf(nowMs) - (halfHours - 1) * HALF_HOUR_MS;
  const steps = Array.from({ length: halfHours / perStep }, (_, step) => {
    const starts = Array.from({ length: perStep }, (_, at) => firstMs + (step * perStep + at) * HALF_HOUR_MS);
    return sum(starts.map(start => counts.get(start) ?? [0, 0, 0]));
  });
  const [good, failed] = sum(steps);
  return {
    ratio: good + failed === 0 ? null : good / (good + failed),
    from: new Date(firstMs).toISOString(),
    stepSeconds: (perStep * HALF_HOUR_MS) / 1000,
    steps,
  };
}

function sum(all: readonly RunCounts[]): RunCounts {
  return all.reduce<RunCounts>(([a, b, c], [x, y, z]) => [a + x, b + y, c + z], [0, 0, 0]);
}

function phaseTimes({ times }: ProbeDigest): PhaseTimes[] {
  return PROBE_PHASES.flatMap(phase => {
    const known = times.flatMap(({ ms }) => ms.get(phase) ?? []);
    if (known.length === 0) return [];
    const recent = times.slice(0, RECENT_RUNS).map(({ ms }) => ms.get(phase) ?? null);
    return [{ phase, p50: percentile(known, 50), p95: percentile(known, 95), recent: recent.reverse() }];
  });
}

function timesOf(run: ProbeRun): ReadonlyMap<ProbePhase, number> {
  return new Map(run.phases.filter(phase => phase.ok === true).map(({ phase, ms }) => [phase, Math.round(ms)]));
}

function failureOf(run: ProbeRun): FailedRun {
  const phase = failedPhase(run);
  return {
    at: run.at,
    phase: phase?.phase ?? null,
    code: run.code ?? phase?.code ?? null,
    detail: phase?.detail ?? '',
  };
}

function halfHourOf(atMs: number): number {
  return Math.floor(atMs / HALF_HOUR_MS) * HALF_HOUR_MS;
}
