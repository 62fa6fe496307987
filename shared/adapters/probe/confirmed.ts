import { isWorthConfirming, type PhaseOutcome } from '../../domain/probe-phase.ts';

/** The outcome of a phase; of a second try where the network may have been to blame. */
export async function confirmed<T>(
  { pause }: { pause(): Promise<void> },
  phase: () => Promise<PhaseOutcome<T>>,
): Promise<PhaseOutcome<T>> {
  const first = await phase();
  if (first.ok || !isWorthConfirming(first.facts)) return first;
  await pause();
  return withFirst(first, await phase());
}

interface Tried {
  /** Null: not walked. */
  readonly ok: boolean | null;
  readonly ms: number;
  readonly detail: string;
}

/** What the second try came to, saying what the first was. */
export function withFirst<T extends Tried>(first: Tried, second: T): T {
  if (second.ok === null) return second;
  const detail = second.ok
    ? `${second.detail}; at the second try, the first: ${first.detail}`
    : `${second.detail} (twice)`;
  return { ...second, ms: first.ms + second.ms, detail };
}
