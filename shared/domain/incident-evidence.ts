import { findEntry } from './diagnosis/catalogue.ts';
import type { Cause, Evidence } from './incident.ts';
import { type CauseKind, causeKind, type Subjects } from './incident-subject.ts';
import type { PhaseResult, ProbeRun } from './probe-run.ts';
import { redact } from './redact.ts';
import type { TrafficSign } from './watch-ports.ts';

/** Something seen of one subject. */
export interface Seen {
  readonly key: string;
  readonly evidence: Evidence;
}

const DETAIL_LENGTH = 500;
const NO_KINDS: ReadonlySet<CauseKind> = new Set();

/** What one run shows: at most one cause, and what has been found to work before it. */
interface Reading {
  readonly mailbox: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly cause?: Cause;
  readonly good: ReadonlySet<CauseKind>;
  readonly isWhole: boolean;
}

/**
 * What the runs of one round show of each subject: a mailbox, or the mailboxes behind a vault or an app together, which
 * count once however many of them were probed. Neutral runs say nothing, beyond the phases that they did reach.
 */
export function evidenceOf(runs: readonly ProbeRun[], subjects: Subjects, nowMs: number): readonly Seen[] {
  const readings = runs.flatMap(run => [readRun(run, nowMs), ...readCanary(run, nowMs)]);
  const keys = new Set(readings.flatMap(({ mailbox }) => keysOf(mailbox, subjects)));
  return [...keys].flatMap(key => {
    const own = readings.filter(reading => keysOf(reading.mailbox, subjects).includes(key));
    const evidence = key.startsWith('canary:')
      ? judge(key, own.filter(isCanary), subjects)
      : judge(
          key,
          own.filter(one => !isCanary(one)),
          subjects,
        );
    return evidence ? [{ key, evidence }] : [];
  });
}

function keysOf(mailbox: string, subjects: Subjects): readonly string[] {
  return (['vault', 'app', 'mailbox', 'canary'] as const).map(kind => subjects.keyOf(mailbox, kind));
}

function isCanary({ cause, good }: Reading): boolean {
  return cause?.kind === 'canary' || good.has('canary');
}

function judge(key: string, readings: readonly Reading[], subjects: Subjects): Evidence | undefined {
  const bad = readings.filter(({ mailbox, cause }) => cause && subjects.keyOf(mailbox, cause.kind) === key);
  const [first] = bad;
  if (first?.cause) {
    const cause = mostFrequent(
      bad.flatMap(one => one.cause ?? []),
      first.cause,
    );
    // Whoever was seen to get past it is not hit; who was not looked at may well be.
    const past = readings.filter(one => !bad.includes(one) && one.good.has(cause.kind)).map(one => one.mailbox);
    const behind = key.startsWith('canary:') ? [first.mailbox] : subjects.mailboxesOf(key);
    const hit = behind.length > 0 ? behind.filter(one => !past.some(other => isSame(one, other))) : [first.mailbox];
    return { verdict: 'bad', by: 'probe', cause, mailboxes: hit, ...spanOf(bad) };
  }
  // Each kind that this subject stands for: a mailbox alone behind its app and vault stands for all three.
  const good = readings.filter(one => [...one.good].some(kind => subjects.keyOf(one.mailbox, kind) === key));
  if (good.length === 0) return undefined;
  const kinds = new Set(good.flatMap(one => [...one.good]));
  return {
    verdict: 'good',
    by: 'probe',
    kinds,
    isWhole: good.some(one => one.isWhole),
    mailboxes: good.map(one => one.mailbox),
    ...spanOf(good),
  };
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function mostFrequent(causes: readonly Cause[], first: Cause): Cause {
  const counts = Map.groupBy(causes, ({ code }) => code);
  let best = [first];
  for (const group of counts.values()) if (group.length > best.length) best = group;
  return best[0] ?? first;
}

function spanOf(readings: readonly Reading[]): { startMs: number; endMs: number } {
  return {
    startMs: Math.min(...readings.map(one => one.startMs)),
    endMs: Math.max(...readings.map(one => one.endMs)),
  };
}

function readRun(run: ProbeRun, nowMs: number): Reading {
  const way = run.phases.filter(({ phase }) => phase !== 'canary');
  const failed = way.find(({ ok }) => ok === false);
  const isNeutral = run.ok === null || way.some(({ ok }) => ok === null);
  const times = timesOf(run, nowMs);
  const base = { mailbox: run.mailbox, ...times };
  const isOk = (name: string) => way.some(({ phase, ok }) => phase === name && ok === true);
  const good = new Set<CauseKind>();
  if (isOk('vault') || (isOk('token') && !way.some(({ phase }) => phase === 'vault'))) good.add('vault');
  if (isOk('token')) good.add('app');
  if (failed) {
    const cause = causeOf(failed, run.code);
    good.delete(cause.kind);
    return { ...base, cause, good, isWhole: false };
  }
  // A run that fails without saying where: its code is all there is.
  if (run.ok === false && run.code !== undefined && !run.phases.some(({ ok }) => ok === false))
    return { ...base, cause: { code: run.code, kind: causeKind(run.code) }, good: NO_KINDS, isWhole: false };
  if (isNeutral) return { ...base, good, isWhole: false };
  return { ...base, good: new Set<CauseKind>(['vault', 'app', 'mailbox']), isWhole: true };
}

function readCanary(run: ProbeRun, nowMs: number): readonly Reading[] {
  const canary = run.phases.find(({ phase }) => phase === 'canary');
  if (canary?.ok === undefined || canary.ok === null) return [];
  const base = { mailbox: run.mailbox, ...timesOf(run, nowMs), isWhole: false };
  if (canary.ok) return [{ ...base, good: new Set<CauseKind>(['canary']) }];
  return [{ ...base, good: NO_KINDS, cause: causeOf(canary, run.code) }];
}

/** `at` and `ms` are whole numbers: a run that follows at once must not seem to begin before the end of the last. */
const ROUNDING_MS = 2;

/** Never later than now: a clock that is ahead must not make later runs count for nothing. */
function timesOf(run: ProbeRun, nowMs: number): { startMs: number; endMs: number } {
  const atMs = Date.parse(run.at);
  const startMs = Number.isFinite(atMs) ? Math.min(atMs, nowMs) : nowMs;
  return { startMs, endMs: Math.min(startMs + Math.max(1, run.ms - ROUNDING_MS), nowMs) };
}

function causeOf(failed: PhaseResult, runCode: string | undefined): Cause {
  const code = failed.code ?? runCode ?? 'internal_error';
  return {
    code,
    kind: causeKind(code, failed.phase),
    phase: failed.phase,
    ...(failed.detail === '' ? {} : { detail: redact(failed.detail, DETAIL_LENGTH) }),
  };
}

/** What one mail shows. Undefined for what says nothing about the mailbox: a refused message, a server that asks for calm. */
export function evidenceOfSign(sign: TrafficSign, subjects: Subjects, nowMs: number): readonly Seen[] {
  const { mailbox } = sign;
  const base = { by: 'traffic', startMs: nowMs, endMs: nowMs } as const;
  if (sign.ok) {
    const evidence: Evidence = {
      ...base,
      verdict: 'good',
      kinds: new Set<CauseKind>(['vault', 'app', 'mailbox']),
      isWhole: true,
      mailboxes: [mailbox],
    };
    return [...new Set((['vault', 'app', 'mailbox'] as const).map(kind => subjects.keyOf(mailbox, kind)))].map(key => ({
      key,
      evidence,
    }));
  }
  const entry = findEntry(sign.code);
  if (!entry || entry.class === 'inDoubt' || entry.class === 'throttled' || entry.breaker === 'none') return [];
  const cause: Cause = { code: sign.code, kind: causeKind(sign.code) };
  const key = subjects.keyOf(mailbox, cause.kind);
  const behind = subjects.mailboxesOf(key);
  return [{ key, evidence: { ...base, verdict: 'bad', cause, mailboxes: behind.length > 0 ? behind : [mailbox] } }];
}
