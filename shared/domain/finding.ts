/** One line of the doctor's report. */
export interface Finding {
  /** Short name of what was looked at, e.g. `token` or `dmarc contoso.com`. */
  readonly check: string;
  /** `left` was not looked at, because something before it failed or it does not apply. */
  readonly verdict: 'ok' | 'warning' | 'failed' | 'left';
  /** What was found, in a sentence. Scrubbed. */
  readonly detail: string;
  /** Code of the diagnosis, where the catalogue has one. */
  readonly code?: string;
  readonly cause?: string;
  /** What to do, with the command. */
  readonly remedy?: string;
  readonly docs?: string;
  readonly ms?: number;
}

/** Failed if anything failed, a warning if anything warned. */
export function worstOf(findings: readonly Finding[]): 'ok' | 'warning' | 'failed' {
  if (findings.some(({ verdict }) => verdict === 'failed')) return 'failed';
  return findings.some(({ verdict }) => verdict === 'warning') ? 'warning' : 'ok';
}
