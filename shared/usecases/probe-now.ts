import type { Log } from '../domain/ports.ts';
import type { ProbeRun } from '../domain/probe-run.ts';
import { type ProbeRoundDeps, probeRound } from './probe-round.ts';

/** One lease for all rounds of all instances; no mailbox has a name like it. */
const ROUND = 'probe round';
const POLL_MS = 500;

type ProbeAnswer =
  /** `shared`: a round that was under way when this was asked for has answered it. */
  | { readonly kind: 'ran' | 'shared'; readonly runs: readonly ProbeRun[] }
  /** Another round is still under way after all the patience. */
  | { readonly kind: 'busy' };

/**
 * Probes now, unless a round is under way, here or on another instance: rounds that overlap count as one. Who has the patience gets
 * that round's runs, and a round of its own for the mailboxes that were not in it.
 *
 * @param patienceMs how long to wait for a round that is under way; 0 for the timer, which has nobody to answer
 * Throws ServiceFailure when storage is away: it says who may begin.
 */
export async function probeNow(
  deps: ProbeRoundDeps,
  mailboxes: readonly string[],
  patienceMs: number,
  log: Log,
): Promise<ProbeAnswer> {
  const askedMs = deps.clock.now();
  let lease = await deps.slots.acquire(ROUND, 1);
  const hadToWait = !lease;
  while (!lease) {
    if (deps.clock.now() - askedMs >= patienceMs) {
      log('info', { event: 'probe.skipped', state: 'busy', detail: 'another round is under way' });
      return { kind: 'busy' };
    }
    await deps.clock.sleep(POLL_MS);
    lease = await deps.slots.acquire(ROUND, 1);
  }
  try {
    // What ended after the question was asked answers it.
    const known = hadToWait
      ? (await deps.history.latest(mailboxes)).filter(({ at, ms }) => Date.parse(at) + ms >= askedMs)
      : [];
    const answered = new Map(known.map(run => [run.mailbox.toLowerCase(), run]));
    const open = mailboxes.filter(mailbox => !answered.has(mailbox.toLowerCase()));
    if (open.length === 0) return { kind: 'shared', runs: known };
    for (const run of await probeRound(deps, open, log)) answered.set(run.mailbox.toLowerCase(), run);
    return { kind: 'ran', runs: mailboxes.flatMap(mailbox => answered.get(mailbox.toLowerCase()) ?? []) };
  } finally {
    await lease.release();
  }
}
