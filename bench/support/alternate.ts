/**
 * Runs every side once in each round and gives each side's figures in order of rounds. Every second round runs backwards,
 * so that what drifts (a warming CPU, a growing table) falls on all sides alike.
 */
export async function alternate<Side extends string>(
  sides: readonly Side[],
  rounds: number,
  run: (side: Side, round: number) => Promise<number>,
): Promise<Record<Side, number[]>> {
  const figures = Object.fromEntries(sides.map(side => [side, [] as number[]])) as Record<Side, number[]>;
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) figures[side].push(await run(side, round));
  }
  return figures;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The median of the rounds' own ratios, and their range: two figures of one round saw the same machine. */
export function ratioOf(measured: readonly number[], floor: readonly number[]) {
  const ratios = measured.map((value, round) => value / (floor[round] ?? Number.NaN));
  return { result: median(ratios), spread: [Math.min(...ratios), Math.max(...ratios)] as const };
}
