import { type Alert, type AlertChannel, alertOf } from '../domain/alert.ts';
import { dueFor, LOG_CHANNEL, noticeRefused, noticeTaken, type PendingNotice } from '../domain/alert-notice.ts';
import type { WatchRow } from '../domain/incident-store.ts';
import type { Log, LogLevel } from '../domain/ports.ts';
import { redact } from '../domain/redact.ts';
import type { WatchDeps } from './watch-deps.ts';
import { type Claimed, TELLING_CLAIM_MS, type WatchRows } from './watch-rows.ts';

/** Telling ends this long before the claim does, so that nobody else begins while a channel is being asked. */
const MARGIN_MS = 15_000;
/** Notices that came while telling are told in another round; so many at most, then with the next run. */
const MAX_ROUNDS = 4;
const AT_ONCE = 8;

interface Told {
  readonly id: string;
  readonly channel: string;
  readonly ok: boolean;
}

/** One run's telling: a channel that fails is left alone until the next run, so that a dead one holds up nothing for long. */
export function teller(deps: WatchDeps, rows: WatchRows, log: Log) {
  const down = new Set<string>();
  let loaded: Promise<readonly AlertChannel[]> | undefined;
  const channels = (): Promise<readonly AlertChannel[]> => {
    loaded ??= deps.channelNames.length === 0 ? Promise.resolve([]) : deps.channels();
    return loaded;
  };

  /** Tells what a claimed row has to tell, and writes what came of it. */
  async function tell(first: Claimed): Promise<void> {
    const untilMs = (first.stored.row.claim?.untilMs ?? deps.clock.now() + TELLING_CLAIM_MS) - MARGIN_MS;
    let stored = first.stored;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const told = await tellRow(stored.row, untilMs);
      const apply = (notices: readonly PendingNotice[]) =>
        told.reduce(
          (left, { id, channel, ok }) =>
            ok ? noticeTaken(left, id, channel) : noticeRefused(left, id, channel, deps.clock.now()),
          notices,
        );
      const isLast = round === MAX_ROUNDS - 1;
      const held = await rows.settle({ stored, token: first.token }, apply, row => isLast || !hasDue(row, untilMs));
      if (!held) return;
      stored = held;
    }
  }

  function hasDue(row: WatchRow, untilMs: number): boolean {
    const nowMs = deps.clock.now();
    return nowMs < untilMs && namesOf(row).some(name => !down.has(name) && dueFor(row.notices, name, nowMs).length > 0);
  }

  async function tellRow(row: WatchRow, untilMs: number): Promise<readonly Told[]> {
    const told = await Promise.all(namesOf(row).map(name => tellChannel(row, name, untilMs)));
    return told.flat();
  }

  async function tellChannel(row: WatchRow, name: string, untilMs: number): Promise<readonly Told[]> {
    const told: Told[] = [];
    for (const notice of dueFor(row.notices, name, deps.clock.now())) {
      if (down.has(name) || deps.clock.now() >= untilMs) break;
      // Without who still waits for it: what is told again after a crash is the same to the letter.
      const { waiting: _waiting, ...facts } = notice;
      const ok = await send(alertOf(facts, deps.dashboardUrl), name);
      told.push({ id: notice.id, channel: name, ok });
      if (!ok) {
        down.add(name);
        break;
      }
    }
    return told;
  }

  async function send(alert: Alert, name: string): Promise<boolean> {
    if (name === LOG_CHANNEL) {
      logAlert(alert, log);
      return true;
    }
    const channel = (await channels()).find(({ key }) => key === name);
    if (!channel) return true;
    const taken = await channel.send(alert);
    if (!taken.ok) logFailed(deps, alert, channel, taken.reason, log);
    return taken.ok;
  }

  /** Claims and tells every row that has something due. */
  async function tellDue(): Promise<void> {
    const nowMs = deps.clock.now();
    const due = rows
      .all()
      .filter(({ row }) => !(row.claim && row.claim.untilMs > nowMs))
      .filter(({ row }) => hasDue(row, Number.POSITIVE_INFINITY) || hasOld(row));
    await inTurns(due, async stored => {
      const claimed = await rows.claim(stored);
      if (claimed) await tell(claimed);
    });
  }

  /** Waits only for channels that are no longer set up. */
  function hasOld({ notices }: WatchRow): boolean {
    const set = new Set([LOG_CHANNEL, ...deps.channelNames.map(({ key }) => key)]);
    return notices.some(({ waiting }) => waiting.some(({ channel }) => !set.has(channel)));
  }

  return {
    tellDue,
    tellAll: (claimed: readonly Claimed[]) => inTurns(claimed, tell),
  };
}

function namesOf({ notices }: WatchRow): readonly string[] {
  return [...new Set(notices.flatMap(({ waiting }) => waiting.map(({ channel }) => channel)))];
}

/** Runs `work` on each item, a few at a time. */
export async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  await Promise.all(
    Array.from({ length: Math.min(AT_ONCE, left.length) }, async () => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
    }),
  );
}

const LINES: Readonly<Record<Alert['type'], { readonly level: LogLevel; readonly event: string }>> = {
  'incident.opened': { level: 'error', event: 'incident.opened' },
  'incident.updated': { level: 'error', event: 'incident.updated' },
  'incident.reminder': { level: 'warn', event: 'incident.reminder' },
  'incident.closed': { level: 'info', event: 'incident.closed' },
  warning: { level: 'warn', event: 'alert.warning' },
  cleared: { level: 'info', event: 'alert.cleared' },
  test: { level: 'info', event: 'alert.test' },
};

/** The alert as a log line: the alert rules of the infrastructure fire on these. */
export function logAlert(alert: Alert, log: Log): void {
  const { level, event } = LINES[alert.type];
  log(level, {
    event,
    incidentId: alert.incidentId,
    mailbox: alert.mailboxes.join(', ').slice(0, 2000),
    code: alert.code,
    ...(alert.phase === undefined ? {} : { phase: alert.phase }),
    state: alert.type === 'incident.closed' || alert.type === 'cleared' ? 'closed' : 'open',
    detail: alert.detail ?? alert.title,
    since: new Date(alert.sinceMs).toISOString(),
    ...(alert.lastGoodMs === undefined ? {} : { lastGood: new Date(alert.lastGoodMs).toISOString() }),
    ...(alert.isFlapping ? { flapping: true } : {}),
  });
}

export function logFailed(
  deps: Pick<WatchDeps, 'channelNames'>,
  alert: Pick<Alert, 'incidentId' | 'code' | 'type'>,
  channel: Pick<AlertChannel, 'key' | 'kind'>,
  reason: string,
  log: Log,
): void {
  const target = deps.channelNames.find(({ key }) => key === channel.key)?.target ?? '';
  log('error', {
    event: 'alert.failed',
    incidentId: alert.incidentId,
    code: alert.code,
    channel: channel.kind,
    detail: redact(`${target}: ${alert.type} was not taken: ${reason}`, 300),
  });
}
