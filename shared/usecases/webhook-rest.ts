/** A failed delivery that took this long has held a place that other receivers' events could have had. */
const SLOW_MS = 3_000;
const SLOW_FAILURES = 3;
const REST_MS = 30_000;

/**
 * Keeps a receiver that does not answer from taking every place of the queue function: after three slow failures in a
 * row it is left alone for 30 s, and then tried by one delivery at a time until one is quick. Known per process only.
 */
export function webhookRest(now: () => number) {
  const states = new Map<string, { failures: number; untilMs: number; isProbed: boolean }>();
  return {
    /** Zero = deliver now and call `leave` afterwards; else come back after so many ms. */
    enter(webhook: string): number {
      const state = states.get(webhook);
      if (!state || state.failures < SLOW_FAILURES) return 0;
      if (now() < state.untilMs) return state.untilMs - now();
      if (state.isProbed) return REST_MS / 2;
      state.isProbed = true;
      return 0;
    },
    /** `tried` absent: the receiver was not called after all. */
    leave(webhook: string, tried: { readonly isDelivered: boolean; readonly ms: number } | undefined): void {
      const state = states.get(webhook);
      if (!tried) {
        if (state) state.isProbed = false;
      } else if (tried.isDelivered || tried.ms < SLOW_MS) states.delete(webhook);
      else states.set(webhook, { failures: (state?.failures ?? 0) + 1, untilMs: now() + REST_MS, isProbed: false });
    },
  };
}

export type WebhookRest = ReturnType<typeof webhookRest>;
