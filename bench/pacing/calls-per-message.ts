/** Calls by name, each as its share of one message: `table: read entity 1.02; …; 9.80 in all`. */
export function callsPerMessage(calls: readonly string[], messages: number): string {
  const counts = new Map<string, number>();
  for (const call of calls) counts.set(call, (counts.get(call) ?? 0) + 1);
  const parts = [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([call, count]) => `${call} ${(count / messages).toFixed(2)}`);
  return `${parts.join('; ')}; ${(calls.length / messages).toFixed(2)} calls a mail in all.`;
}
