import type { Entry } from './ledger.ts';

/** What became of the messages of one row. */
export interface Tally {
  accepted: number;
  sent: number;
  /** `failed` and `expired`. */
  failed: number;
  unknown: number;
  /** `sent` without a mail, or not final when the time was up. */
  lost: number;
  /** More than one mail. */
  doubled: number;
  /** Two mails, and an event of the timeline says that an attempt ended in doubt. */
  inDoubt: number;
  /** Doubled without such an event. */
  unexplained: number;
  /** Three mails or more, whatever the timeline says. */
  repeatedly: number;
  /** Said to have failed, yet the mail server took it. */
  misstated: number;
}

const NO_TALLY: Readonly<Tally> = {
  accepted: 0,
  sent: 0,
  failed: 0,
  unknown: 0,
  lost: 0,
  doubled: 0,
  inDoubt: 0,
  unexplained: 0,
  repeatedly: 0,
  misstated: 0,
};

/** Why a message counts as a breach of what the app promises; undefined: it does not. */
export function breachOf({ mails, final }: Entry): 'lost' | 'unexplained' | 'repeatedly' | 'misstated' | undefined {
  if (!final || (final.status === 'sent' && mails === 0)) return 'lost';
  if (mails > 2) return 'repeatedly';
  if (mails === 2 && !hasDoubt(final)) return 'unexplained';
  if (mails > 0 && final.status !== 'sent' && final.status !== 'unknown') return 'misstated';
  return undefined;
}

/** One tally for each row, in the order in which the rows were begun. */
export function tallies(entries: readonly Entry[]): Map<string, Tally> {
  const rows = new Map<string, Tally>();
  for (const entry of entries) {
    const tally = rows.get(entry.row) ?? { ...NO_TALLY };
    rows.set(entry.row, tally);
    count(tally, entry);
  }
  return rows;
}

function count(tally: Tally, entry: Entry): void {
  const { final, mails } = entry;
  tally.accepted++;
  if (final?.status === 'sent') tally.sent++;
  else if (final?.status === 'unknown') tally.unknown++;
  else if (final) tally.failed++;
  if (mails > 1) tally.doubled++;
  if (mails === 2 && final && hasDoubt(final)) tally.inDoubt++;
  const breach = breachOf(entry);
  if (breach) tally[breach]++;
}

const hasDoubt = ({ events }: NonNullable<Entry['final']>): boolean => events.some(event => event.inDoubt === true);

export function sumOf(all: Iterable<Tally>): Tally {
  const sum: Tally = { ...NO_TALLY };
  for (const tally of all) for (const key of Object.keys(sum) as (keyof Tally)[]) sum[key] += tally[key];
  return sum;
}

/** No promise broken. */
export function isClean(tally: Tally): boolean {
  return tally.lost + tally.unexplained + tally.repeatedly + tally.misstated === 0;
}

const COLUMNS: readonly (readonly [string, keyof Tally])[] = [
  ['accepted', 'accepted'],
  ['sent', 'sent'],
  ['failed', 'failed'],
  ['unknown', 'unknown'],
  ['lost', 'lost'],
  ['doubled', 'doubled'],
  ['in doubt', 'inDoubt'],
  ['unexplained', 'unexplained'],
  ['3 or more', 'repeatedly'],
  ['misstated', 'misstated'],
];

/** The table as it is printed: a line for each row and one for the total. */
export function tableOf(rows: ReadonlyMap<string, Tally>): string {
  const lines: (readonly [string, Tally])[] = [...rows, ['total', sumOf(rows.values())]];
  const width = Math.max(...lines.map(([name]) => name.length));
  const head = `${'scenario'.padEnd(width)}  ${COLUMNS.map(([title]) => title.padStart(12)).join('')}`;
  const body = lines.map(
    ([name, tally]) => `${name.padEnd(width)}  ${COLUMNS.map(([, key]) => String(tally[key]).padStart(12)).join('')}`,
  );
  return [head, '-'.repeat(head.length), ...body.slice(0, -1), '-'.repeat(head.length), body.at(-1)].join('\n');
}
