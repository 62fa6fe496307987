import { type LogEntry, parseLogEntry } from './log-entry.ts';

/** The lines that hosts write, as they come: the app's log and the host's own warnings. */
export interface LineFeed {
  /** The last 50,000, oldest first. */
  list(): string[];
  /** Those of them that are log entries of the app. @param event only these, e.g. `message.sent` */
  entries(event?: string): LogEntry[];
  /** Calls back for every line from now on; returns how to stop. */
  onLine(listener: (line: string) => void): () => void;
  /** The first entry, there or to come, that fits; rejects after `timeoutMs` (default 10,000). */
  waitFor(fits: (entry: LogEntry) => boolean, timeoutMs?: number): Promise<LogEntry>;
  add(line: string): void;
}

const MAX_LINES = 50_000;

export function createLineFeed(): LineFeed {
  const lines: string[] = [];
  const listeners = new Set<(line: string) => void>();
  const onLine: LineFeed['onLine'] = listener => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  const entries: LineFeed['entries'] = event =>
    lines
      .map(parseLogEntry)
      .filter(entry => entry !== undefined)
      .filter(entry => event === undefined || entry.event === event);
  return {
    list: () => [...lines],
    entries,
    onLine,
    waitFor: (fits, timeoutMs = 10_000) =>
      new Promise((resolve, reject) => {
        const known = entries().find(fits);
        if (known) return resolve(known);
        const timer = setTimeout(() => {
          stop();
          reject(new Error(`No such log line within ${timeoutMs} ms. The last ones:\n${lines.slice(-20).join('\n')}`));
        }, timeoutMs);
        const stop = onLine(line => {
          const entry = parseLogEntry(line);
          if (!entry || !fits(entry)) return;
          clearTimeout(timer);
          stop();
          resolve(entry);
        });
      }),
    add(line) {
      // Cut by the thousand: shifting for every line would be slow under load.
      if (lines.push(line) > MAX_LINES + 1000) lines.splice(0, 1000);
      for (const listener of [...listeners]) listener(line);
    },
  };
}
