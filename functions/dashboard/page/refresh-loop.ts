/** How often the page reads anew, and how far apart its tries are while the app does not answer. */
const EVERY_MS = 20_000;
const MAX_MS = 300_000;

interface Loop {
  /** Reads now, and goes on from there. */
  now(): Promise<void>;
  pause(): void;
  resume(): void;
  isPaused(): boolean;
  stop(): void;
}

/**
 * Reads again and again: after a failure further and further apart, not while the tab is hidden, never twice at once.
 *
 * @param read resolves true, or with the seconds to wait where the app has said so, or false when it failed
 */
export function refreshLoop(read: () => Promise<boolean | number>, onPlan: (nextMs: number | undefined) => void): Loop {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let busy: Promise<void> | undefined;
  let failures = 0;
  let isPaused = false;
  let isStopped = true;

  function plan(ms: number): void {
    clearTimeout(timer);
    if (isPaused || isStopped) {
      onPlan(undefined);
      return;
    }
    timer = setTimeout(() => {
      // A hidden tab is read when somebody looks at it again.
      if (!document.hidden) void now();
    }, ms);
    onPlan(Date.now() + ms);
  }

  function now(): Promise<void> {
    isStopped = false;
    clearTimeout(timer);
    busy ??= read()
      .then(answer => {
        failures = answer === true ? 0 : failures + 1;
        const wanted = typeof answer === 'number' ? answer * 1000 : 0;
        plan(Math.max(wanted, Math.min(MAX_MS, EVERY_MS * 2 ** Math.min(failures, 8))));
      })
      .finally(() => {
        busy = undefined;
      });
    return busy;
  }

  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && !isPaused && !isStopped) void now();
  });

  return {
    now,
    pause() {
      isPaused = true;
      plan(0);
    },
    resume() {
      isPaused = false;
      void now();
    },
    isPaused: () => isPaused,
    stop() {
      isStopped = true;
      plan(0);
    },
  };
}
