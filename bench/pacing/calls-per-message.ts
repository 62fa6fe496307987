const LARGE = /^table: transaction of (?:[5-9]|\d{2,})\b.*/;

/** Calls by name, each as its share of one message, as lines of a table with the sum at its end. */
export function callsPerMessage(calls: readonly string[], messages: number): string {
  const counts = new Map<string, number>();
  for (const call of calls) {
    const name = LARGE.test(call) ? 'table: transaction of many, for many messages' : call;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const isSeldom = (count: number) => count / messages < 0.01;
  const seldom = [...counts.values()].filter(isSeldom).reduce((sum, count) => sum + count, 0);
  const lines = [...counts].filter(([, count]) => !isSeldom(count)).toSorted(([, a], [, b]) => b - a);
  lines.push(['whatever comes less than once in a hundred mails', seldom]);
  lines.push(['in all', calls.length]);
  return lines.map(([call, count]) => `  ${(count / messages).toFixed(2).padStart(6)}  ${call}`).join('\n');
}
