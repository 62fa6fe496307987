/** A log line of the app: one JSON object with an event and whatever belongs to it. */
export interface LogEntry {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** The entry in a line, or undefined when the line is something else. */
export function parseLogEntry(line: string): LogEntry | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'event' in value && typeof value.event === 'string'
      ? (value as LogEntry)
      : undefined;
  } catch {
    return undefined;
  }
}
