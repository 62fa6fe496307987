import type { InvocationContext } from '@azure/functions';
import type { Log } from '../shared/domain/ports.ts';

/** Structured log lines: one JSON object each, so that queries name fields and never parse sentences. */
export function contextLog(context: InvocationContext): Log {
  return (level, fields) => {
    const line = JSON.stringify(fields);
    if (level === 'error') context.error(line);
    else if (level === 'warn') context.warn(line);
    else context.info(line);
  };
}
