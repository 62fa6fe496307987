import type { Log } from '../../domain/ports.ts';
import { redact } from '../../domain/redact.ts';
import type { AccessToken } from './acquire-token.ts';

/** With more time left than this the token is used without a thought. */
const FRESH_MS = 10 * 60_000;
/** With less than this left a caller waits for a new one; between the two it is renewed in the background. */
const MUST_REFRESH_MS = 3 * 60_000;
/** A token with less than this left is of no use to anyone: the sign-in itself takes time. */
const UNUSABLE_MS = 30_000;
/** After a failed renewal Entra is left alone this long, unless someone forces it. */
const PAUSE_MS = 5_000;

/**
 * Keeps one token in one of three states: fresh (used), ageing (used, renewed in the background), stale (waited for).
 * One renewal at a time, however many callers. When Entra is away, a token that still lives is used on.
 */
export function tokenCycle(acquire: (log: Log) => Promise<AccessToken>, now: () => number) {
  let current: AccessToken | undefined;
  let renewal: Promise<AccessToken> | undefined;
  let failure: { error: unknown; untilMs: number } | undefined;

  function renew(log: Log): Promise<AccessToken> {
    renewal ??= acquire(log)
      .then(
        token => {
          current = token;
          failure = undefined;
          return token;
        },
        (error: unknown) => {
          failure = { error, untilMs: now() + PAUSE_MS };
          throw error;
        },
      )
      .finally(() => {
        renewal = undefined;
      });
    return renewal;
  }

  return async function getToken({ force }: { readonly force: boolean }, log: Log): Promise<AccessToken> {
    const held = current;
    const leftMs = held ? held.expiresAtMs - now() : 0;
    if (held && !force && leftMs > FRESH_MS) return held;
    const paused = !force && failure !== undefined && now() < failure.untilMs;
    if (held && !force && leftMs > MUST_REFRESH_MS) {
      if (!paused) renew(log).catch((error: unknown) => warnKept(log, error));
      return held;
    }
    try {
      if (paused && failure) throw failure.error;
      return await renew(log);
    } catch (error) {
      if (!held || force || leftMs <= UNUSABLE_MS) throw error;
      warnKept(log, error);
      return held;
    }
  };
}

function warnKept(log: Log, error: unknown): void {
  log('warn', {
    event: 'token.kept',
    phase: 'token',
    detail: `the token in hand is used on: ${redact(error instanceof Error ? error.message : String(error), 300)}`,
  });
}
