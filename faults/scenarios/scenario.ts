import type { Lots } from '../../test/support/seeded.ts';
import type { Rig, RigOptions } from '../support/rig.ts';

export interface Run {
  /** A few messages for each fault, and nothing that takes minutes: shows that the matrix itself works. */
  readonly isShort: boolean;
  readonly lots: Lots;
  progress(text: string): void;
}

/** A part of the matrix: sends mail, lets faults strike, and leaves the waiting for the end to the caller. */
export interface Scenario {
  rig(isShort: boolean): RigOptions;
  /** Returns remarks for the reader, one sentence each. */
  run(rig: Rig, run: Run): Promise<readonly string[]>;
  /** The longest that an accepted message may need after `run`, in ms. */
  readonly settleMs: number;
}

/** Runs `work` on each item, `width` at a time. */
export async function eachOf<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = [...items].reverse();
  const worker = async (): Promise<void> => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

export const timesOf = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
