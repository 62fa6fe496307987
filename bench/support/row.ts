/** One line of the table. */
export interface Row {
  readonly name: string;
  /** What was measured, in words and units. */
  readonly measured: string;
  /** What it is compared with; empty for plain counts. */
  readonly floor: string;
  /** The figure that the target speaks of: a ratio, or a count in `unit`. */
  readonly result: number;
  readonly unit: '×' | 'MB' | 's' | 'calls' | 'replies' | 'reads' | 'sign-ins' | 'turns';
  /** The single rounds' lowest and highest result. */
  readonly spread?: readonly [low: number, high: number];
  readonly target: { readonly atLeast: number } | { readonly atMost: number };
}

/** What one bench found: its rows, and remarks to print below the table. */
export interface Findings {
  readonly rows: readonly Row[];
  readonly remarks?: readonly string[];
}

export interface BenchOptions {
  /** Fewer and shorter rounds: to see that everything runs, not to judge by. */
  readonly quick: boolean;
  /** Whatever takes long at its full size. */
  readonly full: boolean;
  /** The app as it is deployed, built on first use. */
  appFolder(): Promise<string>;
  /** Says what is being done, for whoever waits. */
  progress(text: string): void;
}

export function isMet({ result, target }: Row): boolean {
  return 'atLeast' in target ? result >= target.atLeast : result <= target.atMost;
}
