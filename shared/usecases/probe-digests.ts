import { addRuns, digestView, emptyDigest, type ProbeDigest, WEEK_MS } from '../domain/probe-digest.ts';
import type { ProbeRun } from '../domain/probe-run.ts';
import type { ProbeHistoryStatus } from '../domain/status-report.ts';
import type { ProbeHistory } from '../domain/watch-ports.ts';

/** Runs read in one call, and mailboxes read at the same time. */
const PAGE_RUNS = 1000;
const AT_ONCE = 6;
/** A run that began on an instance whose clock is ahead. */
const CLOCK_SKEW_MS = 60_000;

interface Desk {
  readonly digest: ProbeDigest;
  newestMs: number;
  /** How far back all runs are in it. */
  coveredFromMs: number;
  /** Where the reading of older runs goes on; absent once the week is read. */
  continuation?: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Keeps the week's digest of each mailbox in memory, so that a page that asks every few seconds costs a read of the
 * history only where the newest run is a new one. The first calls read the past, a page of runs each, so that none of
 * them takes long.
 */
export function probeDigests(history: Pick<ProbeHistory, 'list'>, now: () => number) {
  const desks = new Map<string, Desk>();
  let busy: Promise<void> | undefined;

  /** Brings the digests up to the newest runs; one such reading is under way at a time. What a fault leaves out is read next time. */
  function refresh(latest: readonly ProbeRun[]): Promise<void> {
    busy ??= catchUpAll(latest).finally(() => {
      busy = undefined;
    });
    return busy;
  }

  async function catchUpAll(latest: readonly ProbeRun[]): Promise<void> {
    const waiting = [...latest];
    const next = async (): Promise<void> => {
      for (let run = waiting.shift(); run; run = waiting.shift()) await catchUp(run);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
  }

  async function catchUp({ mailbox, at }: ProbeRun): Promise<void> {
    const key = mailbox.toLowerCase();
    const desk = desks.get(key);
    if (!desk) return begin(key, mailbox);
    if (Date.parse(at) > desk.newestMs) {
      const page = await history.list({
        mailbox,
        fromMs: desk.newestMs + 1,
        toMs: now() + CLOCK_SKEW_MS,
        limit: PAGE_RUNS,
      });
      // So many since the last look: simpler to start over than to fill the gap.
      if (page.continuation !== undefined) return begin(key, mailbox);
      take(desk, page.runs);
    }
    if (desk.continuation === undefined) return;
    const { fromMs, toMs, continuation } = desk;
    const page = await history.list({ mailbox, fromMs, toMs, limit: PAGE_RUNS, continuation });
    take(desk, page.runs);
    cover(desk, page);
  }

  async function begin(key: string, mailbox: string): Promise<void> {
    const nowMs = now();
    const fromMs = nowMs - WEEK_MS;
    const toMs = nowMs + CLOCK_SKEW_MS;
    const page = await history.list({ mailbox, fromMs, toMs, limit: PAGE_RUNS });
    const desk: Desk = { digest: emptyDigest(), newestMs: 0, coveredFromMs: nowMs, fromMs, toMs };
    take(desk, page.runs);
    cover(desk, page);
    desks.set(key, desk);
  }

  function take(desk: Desk, runs: readonly ProbeRun[]): void {
    addRuns(desk.digest, runs, now());
    desk.newestMs = Math.max(desk.newestMs, ...runs.map(run => Date.parse(run.at)));
  }

  function cover(desk: Desk, page: Awaited<ReturnType<ProbeHistory['list']>>): void {
    const oldest = page.runs.at(-1);
    if (page.continuation === undefined) {
      delete desk.continuation;
      desk.coveredFromMs = desk.fromMs;
    } else {
      desk.continuation = page.continuation;
      if (oldest) desk.coveredFromMs = Date.parse(oldest.at);
    }
  }

  function viewOf(mailbox: string): ProbeHistoryStatus | null {
    const desk = desks.get(mailbox.toLowerCase());
    return desk ? digestView(desk.digest, desk.coveredFromMs, now()) : null;
  }

  return { refresh, viewOf };
}

export type ProbeDigests = ReturnType<typeof probeDigests>;
