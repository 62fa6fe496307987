import type { Notice } from './notices.ts';
import { MAILBOX, OTHER_MAILBOX } from './probe-fault.ts';
import type { Trial } from './try-fault.ts';

/** From the fault to the alert. */
const MAX_RUNS = 3;

/** What is wrong with what arrived, as short phrases. None: it is just what the operator should hear. */
export function problemsOf({ fault, notices, runs, broken }: Trial): readonly string[] {
  if (broken !== undefined) return [broken];
  const problems: string[] = [];
  const [opened, ...more] = ofType(notices, 'incident.opened');
  const closed = ofType(notices, 'incident.closed');
  if (!opened) return ['no alert', ...notices.map(({ type, code }) => `${type} ${code}`)];
  if (opened.code !== fault.code) problems.push(`not ${fault.code}`);
  const hit = fault.hit ?? fault.mailboxes ?? [MAILBOX, OTHER_MAILBOX];
  if (sorted(opened.mailboxes) !== sorted(hit)) problems.push(`names ${sorted(opened.mailboxes)}`);
  if (runs === undefined || runs > MAX_RUNS) problems.push(`after ${runs} runs`);
  if (more.length > 0) problems.push(`${more.length + 1} alerts`);
  if (closed.length !== 1) problems.push(`${closed.length} resolves`);
  if (closed.some(({ incidentId }) => incidentId !== opened.incidentId)) problems.push('another incident was resolved');
  for (const { type, code } of notices)
    if (type !== 'incident.opened' && type !== 'incident.closed') problems.push(`also ${type} ${code}`);
  if (notices.some(({ isSigned }) => !isSigned)) problems.push('badly signed');
  return problems;
}

const HEAD = ['fault', 'code named', 'runs', 'seconds', 'alerts', 'resolves', 'verdict'];

/** The trials as a table for a fixed-width font. */
export function tableOf(trials: readonly Trial[]): string {
  const lines = [HEAD, ...trials.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map(line => line[column]?.length ?? 0)));
  const text = lines.map(line =>
    line
      .map((cell, column) =>
        column >= 2 && column <= 5 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  text.splice(1, 0, widths.map(width => '-'.repeat(width)).join('  '));
  return text.join('\n');
}

function cells(trial: Trial): string[] {
  const { fault, notices, runs, seconds } = trial;
  const opened = ofType(notices, 'incident.opened');
  const problems = problemsOf(trial);
  return [
    fault.name,
    opened[0]?.code ?? '',
    runs === undefined ? '' : String(runs),
    seconds === undefined ? '' : seconds.toFixed(1),
    String(opened.length),
    String(ofType(notices, 'incident.closed').length),
    problems.length === 0 ? 'ok' : `MISSED: ${problems.join('; ')}`,
  ];
}

const ofType = (notices: readonly Notice[], wanted: string) => notices.filter(({ type }) => type === wanted);
const sorted = (names: readonly string[]): string => [...names].sort().join(', ');
