import type { AppContext } from './app-context.ts';
import { hookContext } from './hooks.ts';
import type { LogEntry } from './log.ts';

/**
 * Passes a line through the app's log hooks to the sink. Hooks may change level and message of `user` lines; what they
 * do to other lines, and what they throw, has no effect on the line.
 */
export function writeLog(app: AppContext, entry: LogEntry, invocationContext?: unknown): void {
  if (app.hooks.log.length === 0) {
    app.log(entry);
    return;
  }
  const draft = hookContext(
    { level: entry.level, message: entry.message },
    {
      category: entry.category,
      invocationContext,
      hookData: app.appLevelHookData,
      appHookData: app.appHookData,
    },
  );
  try {
    for (const hook of app.hooks.log) hook(draft);
  } catch (error) {
    app.log({ level: 'error', category: 'system', message: `A log hook failed: ${error}` });
  }
  app.log(entry.category === 'user' ? { ...entry, level: draft.level, message: draft.message } : entry);
}
