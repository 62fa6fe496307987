import { styleText } from 'node:util';
import { type LogEntry, parseLogEntry } from './log-entry.ts';

const MAX_CHARS = 400;
/** Shown in a place of their own, or not at all. */
const PLACED = ['event', 'messageId', 'traceId', 'mailbox', 'ms', 'detail', 'state', 'phase'];

/**
 * A line of a host for people: of a log entry the time, the event and what matters of it; anything else as it stands.
 * Control characters go: a log holds texts of strangers, and a terminal obeys some of them.
 */
export function showLine(line: string, at: Date): string {
  const entry = parseLogEntry(line);
  const time = styleText('dim', at.toTimeString().slice(0, 8));
  if (!entry) return `${time}  ${clean(line)}`;
  return `${time}  ${styleText(colorOf(entry.event), clean(entry.event).padEnd(18))} ${clean(factsOf(entry))}`.trimEnd();
}

function factsOf(entry: LogEntry): string {
  const { messageId, mailbox, ms, detail } = entry;
  const rest = Object.entries(entry)
    .filter(([name, value]) => !PLACED.includes(name) && value !== undefined)
    .map(([name, value]) => `${name}=${String(value)}`);
  const facts = [messageId, mailbox, ...rest, ms === undefined ? undefined : `${ms} ms`, detail];
  return facts.filter(fact => fact !== undefined && fact !== '').join('  ');
}

function colorOf(event: string): 'red' | 'green' | 'yellow' | 'cyan' {
  if (/(failed|invalid|unknown|expired|lost)$/.test(event)) return 'red';
  if (/(deferred|refused|recorded|kept|renewed|putback)$/.test(event)) return 'yellow';
  return event === 'message.sent' ? 'green' : 'cyan';
}

function clean(text: string): string {
  const plain = text.replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ');
  return plain.length > MAX_CHARS ? `${plain.slice(0, MAX_CHARS)}…` : plain;
}
