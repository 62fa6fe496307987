import type { Evidence, SubjectState } from '../domain/incident.ts';
import { QUIET } from '../domain/incident.ts';
import { evidenceOf, evidenceOfSign, type Seen } from '../domain/incident-evidence.ts';
import { remindOf, stepIncident } from '../domain/incident-step.ts';
import type { WatchRow } from '../domain/incident-store.ts';
import type { Log } from '../domain/ports.ts';
import type { ProbeRun } from '../domain/probe-run.ts';
import { redact } from '../domain/redact.ts';
import type { Condition } from '../domain/warning.ts';
import { stepWarning } from '../domain/warning.ts';
import { oddityOf, unknownOf } from '../domain/warning-conditions.ts';
import type { TrafficSign } from '../domain/watch-ports.ts';
import { newId, type WatchDeps } from './watch-deps.ts';
import { minuteConditions, type SweepCounts, tidyRows } from './watch-minute.ts';
import { type Claimed, type RowChange, watchRows } from './watch-rows.ts';
import { inTurns, teller } from './watch-tell.ts';

/** How long a process goes by what it knows of open incidents before it looks again, while mail goes out. */
const LOOK_EVERY_MS = 60_000;

/**
 * Watches over the mailboxes: what probes and mails show becomes incidents, what the figures show becomes warnings, and
 * both are told to the channels. Nothing here throws: watching must not harm what it watches.
 */
export function watch(deps: WatchDeps) {
  const rows = watchRows(deps);
  const lastGood = new Map<string, number>();
  const { clock, subjects } = deps;

  async function guarded(what: string, log: Log, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const detail = redact(error instanceof Error ? error.message : String(error), 300);
      log('error', { event: 'watch.failed', phase: what, detail });
    }
  }

  /** Takes one thing in. `isFresh`: what is known of the row was read just now. */
  async function take({ key, evidence }: Seen, isFresh: boolean): Promise<Claimed | undefined> {
    const foundMs =
      evidence.verdict === 'bad' && isFirst(rows.peek(key)) ? await findLastGood(key, evidence) : undefined;
    // A mail may have gone through while the run that failed was under way: its token was older than the fault.
    const goodMs = foundMs === undefined ? undefined : Math.min(foundMs, evidence.startMs);
    if (evidence.verdict === 'good') lastGood.set(key, Math.max(evidence.endMs, lastGood.get(key) ?? 0));
    return rows.change(key, row => stepRow(row, evidence, goodMs), isFresh);
  }

  function stepRow(row: WatchRow, evidence: Evidence, goodMs: number | undefined): RowChange {
    const before = row.subject ?? QUIET;
    const knownMs = Math.max(before.lastGoodMs ?? 0, goodMs ?? 0);
    const withGood: SubjectState = knownMs > (before.lastGoodMs ?? 0) ? { ...before, lastGoodMs: knownMs } : before;
    const { state, notices, closed } = stepIncident(withGood, evidence, () => newId(deps));
    if (state === withGood) return { row };
    return { row: { ...row, subject: state }, notices, ...(closed ? { closed } : {}) };
  }

  async function findLastGood(key: string, { mailboxes }: Evidence): Promise<number | undefined> {
    const own = lastGood.get(key);
    const [first] = mailboxes;
    if (own !== undefined || first === undefined || !deps.lastGood) return own;
    // A history that cannot be read must not keep an incident from being told.
    return deps.lastGood(first).catch(() => undefined);
  }

  function warn(condition: Condition, isFresh: boolean): Promise<Claimed | undefined> {
    return rows.change(
      `w:${condition.key}`,
      row => {
        const { warning: before, ...rest } = row;
        const { warning, notices } = stepWarning(before, condition, clock.now(), () => newId(deps));
        return warning === before ? { row } : { row: { ...rest, ...(warning ? { warning } : {}) }, notices };
      },
      isFresh,
    );
  }

  async function remindAll(): Promise<Claimed[]> {
    const claimed: Claimed[] = [];
    for (const { row } of rows.all()) {
      if (!row.subject?.incident) continue;
      const result = await rows.change(row.key, current => {
        if (!current.subject) return { row: current };
        const { state, notices } = remindOf(current.subject, clock.now());
        return state === current.subject ? { row: current } : { row: { ...current, subject: state }, notices };
      });
      if (result) claimed.push(result);
    }
    return claimed;
  }

  async function each<T>(items: readonly T[], work: (item: T) => Promise<Claimed | undefined>): Promise<Claimed[]> {
    const claimed: Claimed[] = [];
    await inTurns(items, async item => {
      const result = await work(item);
      if (result) claimed.push(result);
    });
    return claimed;
  }

  async function pulse(what: 'start' | 'good' | 'bad', log: Log): Promise<void> {
    if (!deps.hasHeartbeats) return;
    await guarded('heartbeat', log, async () => {
      for (const heartbeat of await deps.heartbeats()) {
        const taken = await heartbeat.ping(what);
        if (!taken.ok)
          log('error', {
            event: 'alert.failed',
            channel: 'heartbeat',
            detail: redact(`${heartbeat.target}: ${taken.reason}`, 300),
          });
      }
    });
  }

  return {
    rows,
    /** At the start of a round of probes. */
    noteProbeStart: (log: Log) => pulse('start', log),

    /** The runs of one round: incidents, the heartbeat, and what has not been taken before is told again. */
    async noteProbeRuns(runs: readonly ProbeRun[], log: Log): Promise<void> {
      if (runs.length === 0) return;
      const isBad = runs.some(({ ok }) => ok === false);
      const beat = pulse(isBad ? 'bad' : 'good', log);
      // On the day that the vault is away, whoever is to hear of it must be known already.
      const ready = isBad ? undefined : guarded('channels', log, async () => deps.prepareChannels?.());
      await guarded('probe', log, async () => {
        await rows.load();
        const seen = evidenceOf(runs, subjects, clock.now());
        const apps = Map.groupBy(runs, ({ mailbox }) => subjects.keyOf(mailbox, 'app'));
        const conditions = [...apps].flatMap(([key, own]) => oddityOf(key, subjects.mailboxesOf(key), own));
        const claimed = [
          ...(await each(seen, one => take(one, true))),
          ...(await each(conditions, one => warn(one, true))),
          ...(await remindAll()),
        ];
        const { tellAll, tellDue } = teller(deps, rows, log);
        await tellAll(claimed);
        await tellDue();
      });
      await Promise.all([beat, ready]);
    },

    /**
     * What a mail showed of its mailbox. Costs nothing while nothing changes, but for one look a minute at what
     * others know.
     */
    async noteTraffic(sign: TrafficSign, log: Log): Promise<void> {
      await guarded('traffic', log, async () => {
        if (rows.ageMs() > LOOK_EVERY_MS) await rows.load();
        const claimed = await each(evidenceOfSign(sign, subjects, clock.now()), async one => {
          if (one.evidence.verdict === 'good') lastGood.set(one.key, one.evidence.endMs);
          return isUnmoved(rows.peek(one.key), one.evidence) ? undefined : take(one, false);
        });
        if (!sign.ok && isDoubt(sign.code)) {
          const result = await warn(unknownOf(sign.mailbox, sign.code, clock.now()), false);
          if (result) claimed.push(result);
        }
        if (claimed.length > 0) await teller(deps, rows, log).tellAll(claimed);
      });
    },

    /** Every minute: reminders, warnings, what has not been taken yet, and what is old. */
    async watchMinute(log: Log, counts: SweepCounts = {}): Promise<void> {
      await guarded('minute', log, async () => {
        await rows.load();
        const claimed = await remindAll();
        await guarded('warnings', log, async () => {
          claimed.push(...(await each(await minuteConditions(deps, rows, counts), one => warn(one, true))));
        });
        const { tellAll, tellDue } = teller(deps, rows, log);
        await tellAll(claimed);
        claimed.length = 0;
        await guarded('tidy', log, async () => {
          await tellAll(await tidyRows(deps, rows));
        });
        await tellDue();
      });
    },
  };
}

export type Watch = ReturnType<typeof watch>;

/** Nothing has been seen of it yet. */
function isFirst(row: WatchRow | undefined): boolean {
  return !row?.subject?.incident && !row?.subject?.streaks.probe && !row?.subject?.streaks.traffic;
}

/** Whether this changes nothing, as far as is known. */
function isUnmoved(row: WatchRow | undefined, evidence: Evidence): boolean {
  const state = row?.subject ?? QUIET;
  return stepIncident(state, evidence, () => '').state === state;
}

function isDoubt(code: string): boolean {
  return code === 'unknown_outcome' || code === 'claim_lapsed';
}
