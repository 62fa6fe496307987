import type { Log } from '../domain/ports.ts';
import type { CanaryNote, CanaryOutcome } from '../domain/probe-canary.ts';
import type { ProbeArchive } from '../domain/probe-ports.ts';
import { failedPhase, type ProbeRun } from '../domain/probe-run.ts';
import { redact } from '../domain/redact.ts';
import { eachOf } from './each-of.ts';
import { type ProbeMailboxDeps, probeMailbox, type RoundWalks } from './probe-mailbox.ts';
import { attempt } from './probe-trouble.ts';

export interface ProbeRoundDeps extends ProbeMailboxDeps {
  readonly history: ProbeArchive;
  /** Walks for one round, which remember nothing from before. */
  readonly walks: () => RoundWalks;
  /** Looks after a canary that was sent. Absent without an address. */
  readonly canary?: (note: CanaryNote, log: Log) => Promise<CanaryOutcome | undefined>;
  readonly onGoodProbe: (mailbox: string, log: Log) => Promise<void>;
  /** Called as a round begins. */
  readonly onStart?: (log: Log) => Promise<void>;
  readonly onRound: (runs: readonly ProbeRun[], log: Log) => Promise<void>;
}

/** Mailboxes probed at once: little work for us, and few enough for one address at Exchange's front end. */
const AT_ONCE = 32;

/**
 * Probes mailboxes side by side and hands the runs on: to the history, to whoever listens. Identity, vault and token are
 * asked once for all who share them. Never throws for what a service did: that is what a run tells.
 */
export async function probeRound(
  deps: ProbeRoundDeps,
  mailboxes: readonly string[],
  log: Log,
): Promise<readonly ProbeRun[]> {
  // Told beside the walk: a receiver that hangs must not hold it up.
  const started = deps.onStart && attempt(deps.onStart(log), log, 'tell of the start');
  const memory = await attempt(deps.history.recall(mailboxes), log, 'read the last runs');
  const walks = deps.walks();
  const notes: CanaryNote[] = [];
  const runs = await eachOf(mailboxes, AT_ONCE, async mailbox => {
    const { run: before, canary: note } = memory?.get(mailbox.toLowerCase()) ?? {};
    const looked = note && deps.canary?.(note, log);
    const canary = looked && (await attempt(looked, log, 'look after the canary', mailbox));
    if (canary?.note) notes.push(canary.note);
    return probeMailbox(deps, walks, mailbox, before, canary?.phase, log);
  });
  for (const run of runs) logRun(run, log);
  await attempt(deps.history.add(runs, notes), log, 'store the runs');
  const good = runs.filter(({ phases }) => phases.some(({ phase, ok }) => phase === 'envelope' && ok === true));
  await Promise.all(good.map(({ mailbox }) => attempt(deps.onGoodProbe(mailbox, log), log, 'tell of a good run')));
  await started;
  await attempt(deps.onRound(runs, log), log, 'hand the runs on');
  return runs;
}

function logRun(run: ProbeRun, log: Log): void {
  const failed = failedPhase(run);
  log(run.ok === false ? 'error' : 'info', {
    event: 'probe.run',
    mailbox: run.mailbox,
    state: run.ok === null ? 'neutral' : run.ok ? 'good' : 'failed',
    ms: run.ms,
    ...(failed ? { phase: failed.phase, detail: redact(failed.detail, 500) } : {}),
    ...(run.code === undefined ? {} : { code: run.code }),
  });
  for (const { phase, ok, code, detail } of run.phases) {
    if (ok === true && code !== undefined)
      log('warn', { event: 'probe.warning', mailbox: run.mailbox, phase, code, detail: redact(detail, 500) });
  }
}
