/** What is different inside a host process, from its first line on. */
export interface HostHooks {
  /** The host's clock is off by this much, ms. */
  readonly clockMs?: number;
  /** Every draw by lot in the host gives this, in [0, 1): 0.95 makes the first retry come 28.5 s later. */
  readonly random?: number;
}

/** NODE_OPTIONS that put the hooks in; undefined for none. */
export function nodeOptions({ clockMs = 0, random }: HostHooks): string | undefined {
  const parts: string[] = [];
  if (random !== undefined) parts.push(`Math.random=()=>${random}`);
  if (clockMs !== 0) {
    parts.push(
      `const R=Date;globalThis.Date=class extends R{constructor(...a){if(a.length)super(...a);else super(R.now()+${clockMs})}static now(){return R.now()+${clockMs}}}`,
    );
  }
  return parts.length === 0 ? undefined : `--import data:text/javascript,${encodeURIComponent(parts.join(';'))}`;
}
