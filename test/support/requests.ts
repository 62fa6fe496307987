/** The smallest request that is taken, with what a test changes of it. */
export function mailRequest(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { from: 'billing@contoso.com', to: 'ada@example.com', subject: 'Invoice 42', text: 'Please pay.', ...changes };
}

export const NOW_MS = Date.parse('2026-11-21T12:00:00Z');
