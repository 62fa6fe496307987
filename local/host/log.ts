import type { LogCategory, LogLevel } from './rpc-types.ts';

export type LogEntry = {
  level: LogLevel;
  category: LogCategory;
  message: string;
  functionName?: string;
  invocationId?: string;
};

export type LogSink = (entry: LogEntry) => void;

const ranks: Record<LogLevel, number> = {
  trace: 0,
  debug: 1,
  information: 2,
  warning: 3,
  error: 4,
  critical: 5,
  none: 6,
};

/**
 * Tells whether the app's own line is to be shown, by `logging.logLevel` of host.json: the longest key that is a
 * prefix of the category decides, then `default`, then Information.
 * https://learn.microsoft.com/azure/azure-functions/configure-monitoring#configure-categories
 */
export function isUserLineEnabled(entry: LogEntry, logLevel: Record<string, string>): boolean {
  const category = `Function.${entry.functionName ?? ''}.User`.toLowerCase();
  const keys = Object.keys(logLevel).filter(key => `${category}.`.startsWith(`${key.toLowerCase()}.`));
  const key = keys.sort((a, b) => b.length - a.length)[0] ?? 'default';
  const threshold = (logLevel[key] ?? 'information').toLowerCase() as LogLevel;
  return ranks[entry.level] >= (ranks[threshold] ?? ranks.information);
}

/**
 * Makes the sink of the command line. The app's lines go to stdout as given, one line each (line breaks inside a
 * message become `\n`); the host's own go to stderr: warnings and errors always, the rest with `verbose`.
 */
export function createConsoleSink(verbose: boolean): LogSink {
  return entry => {
    const text = entry.message.replaceAll(/\r?\n/g, '\\n');
    if (entry.category === 'user') process.stdout.write(`${text}\n`);
    else if (verbose || ranks[entry.level] >= ranks.warning) process.stderr.write(`[${entry.level}] ${text}\n`);
  };
}
