/** A certificate uploaded to the app registration takes minutes to be known everywhere; more often there is no use in asking. */
const REFUSED_MS = 60 * 60_000;

/** Versions of a certificate that Entra refused for one app: left aside for an hour each, as long as another one serves. */
export function refusedVersions(now: () => number) {
  const refused = new Map<string, { readonly code: string; readonly untilMs: number }>();
  return {
    /** @param code of the diagnosis */
    add(version: string, code: string): void {
      refused.set(version, { code, untilMs: now() + REFUSED_MS });
    },
    /** Entra has taken it after all. */
    remove(version: string): void {
      refused.delete(version);
    },
    /** Version → code of the diagnosis, of those whose hour has not passed. */
    current(): Map<string, string> {
      for (const [version, { untilMs }] of refused) if (now() >= untilMs) refused.delete(version);
      return new Map([...refused].map(([version, { code }]) => [version, code]));
    },
  };
}
