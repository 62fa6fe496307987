import type { Log } from '../domain/ports.ts';
import type { ProbeArchive } from '../domain/probe-ports.ts';
import { failedPhase, type PhaseResult, type ProbeRun } from '../domain/probe-run.ts';
import { redact } from '../domain/redact.ts';
import { eachOf } from './each-of.ts';
import { type ProbeMailboxDeps, probeMailbox, type RoundWalks } from './probe-mailbox.ts';
import { attempt } from './probe-trouble.ts';

export interface ProbeRoundDeps extends ProbeMailboxDeps {
  readonly history: ProbeArchive;
  /** Walks for one round, which remember nothing from before. */
  readonly walks: () => RoundWalks;
  /** Canaries that have come to an end, or are late; and sends the next where the last one failed. Absent without an address. */
  readonly canaries?: (mailboxes: readonly string[], log: Log) => Promise<ReadonlyMap<string, PhaseResult>>;
  readonly onGoodProbe: (mailbox: string, log: Log) => Promise<void>;
  readonly onRound: (runs: readonly ProbeRun[], log: Log) => Promise<void>;
}

/** Mailboxes probed at once: little work for us, and few enough for one address at Exchange's front end. */
const AT_ONCE = 24;

/**
 * Probes mailboxes side by side and hands the runs on: to the history, to whoever listens. Identity, vault and token are
 * asked once for all who share them. Never throws for what a service did: that is what a run tells.
 */
export async function probeRound(
  deps: ProbeRoundDeps,
  mailboxes: readonly string[],
  log: Log,
): Promise<readonly ProbeRun[]> {
  const before = new Map((await attempt(deps.history.latest(mailboxes), log, 'read the last runs'))?.map(keyed));
  const canaries = deps.canaries && (await attempt(deps.canaries(mailboxes, log), log, 'look after the canaries'));
  const walks = deps.walks();
  const runs = await eachOf(mailboxes, AT_ONCE, async mailbox => {
    const canary = canaries?.get(mailbox);
    return probeMailbox(deps, walks, mailbox, before.get(mailbox.toLowerCase()), canary, log);
  });
  for (const run of runs) logRun(run, log);
  await attempt(deps.history.add(runs), log, 'store the runs');
  const good = runs.filter(({ phases }) => phases.some(({ phase, ok }) => phase === 'envelope' && ok === true));
  await Promise.all(good.map(({ mailbox }) => attempt(deps.onGoodProbe(mailbox, log), log, 'tell of a good run')));
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

function keyed(run: ProbeRun): readonly [string, ProbeRun] {
  return [run.mailbox.toLowerCase(), run];
}
