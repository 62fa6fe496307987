import { ServiceFailure } from '../../domain/failure.ts';
import type { Log } from '../../domain/ports.ts';
import { redact } from '../../domain/redact.ts';
import type { AccessToken } from './acquire-token.ts';

/** With more time left than this the token is used without a thought. */
const FRESH_MS = 10 * 60_000;
/** With less than this left a caller waits for a new one; between the two it is renewed in the background. */
const MUST_REFRESH_MS = 3 * 60_000;
/** A token with less than this left is of no use to anyone: the sign-in itself takes time. */
const UNUSABLE_MS = 30_000;
/** A token this young is the newest there is: to ask for another one because it was refused leads nowhere. */
const NEW_MS = 5_000;
/** After a failed renewal Entra is left alone this long, unless someone forces it. */
const PAUSE_MS = 5_000;
/** A Retry-After beyond this is not believed: mail would wait for it. */
const MAX_RETRY_AFTER_MS = 10 * 60_000;

/**
 * Keeps one token in one of three states: fresh (used), ageing (used, renewed in the background), stale (waited for).
 * One renewal at a time, however many callers. When Entra is away, a token that still lives is used on. A Retry-After
 * is kept to, by forced calls as well. `force` asks Entra anew, unless the token in hand has only just come.
 */
export function tokenCycle(acquire: (log: Log) => Promise<AccessToken>, now: () => number) {
  let current: AccessToken | undefined;
  let obtainedAtMs = 0;
  let renewal: Promise<AccessToken> | undefined;
  let failure: { readonly error: unknown; readonly untilMs: number; readonly forcedUntilMs: number } | undefined;

  function renew(log: Log): Promise<AccessToken> {
    renewal ??= acquire(log)
      .then(
        token => {
          current = token;
          obtainedAtMs = now();
          failure = undefined;
          return token;
        },
        (error: unknown) => {
          const asked = error instanceof ServiceFailure ? (error.facts.retryAfterMs ?? 0) : 0;
          const forcedUntilMs = now() + Math.min(asked, MAX_RETRY_AFTER_MS);
          failure = { error, untilMs: Math.max(now() + PAUSE_MS, forcedUntilMs), forcedUntilMs };
          // Here and not where it is used on: one line for each failed renewal, not for each mail.
          if (current && current.expiresAtMs - now() > UNUSABLE_MS) warnKept(log, error);
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
    if (held && leftMs > FRESH_MS && (!force || now() - obtainedAtMs < NEW_MS)) return held;
    const paused = failure !== undefined && now() < (force ? failure.forcedUntilMs : failure.untilMs);
    if (held && !force && leftMs > MUST_REFRESH_MS) {
      if (!paused && !renewal) renew(log).catch(() => {});
      return held;
    }
    try {
      if (paused && failure) throw failure.error;
      return await renew(log);
    } catch (error) {
      if (!held || force || leftMs <= UNUSABLE_MS) throw error;
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
