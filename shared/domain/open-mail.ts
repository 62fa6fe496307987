import type { OpenRow } from './message-ports.ts';
import type { OpenMail } from './status-report.ts';

/**
 * Counts the messages that are not final. What is due counts as overdue from its due time, whatever holds it up: its
 * turn, the breaker, or a fault.
 *
 * @param isAll false when there are more rows than these
 */
export function countOpenMail(rows: readonly OpenRow[], isAll: boolean, nowMs: number): OpenMail {
  const counts = { queued: 0, sending: 0, deferred: 0, scheduled: 0 };
  let oldestMs = 0;
  for (const { status, dueAtMs } of rows) {
    if (status === 'sending' || status === 'deferred') counts[status]++;
    else counts[dueAtMs > nowMs ? 'scheduled' : 'queued']++;
    oldestMs = Math.max(oldestMs, nowMs - dueAtMs);
  }
  return { ...counts, oldestOverdueSeconds: Math.floor(oldestMs / 1000), ...(isAll ? {} : { truncated: true }) };
}
