import { isMet, type Row } from './row.ts';

const HEAD = ['bench', 'measured', 'floor', 'result', 'spread', 'target', 'met'];

/** The rows as a table for a fixed-width font. */
export function tableOf(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map(line => line[column]?.length ?? 0)));
  const text = lines.map(line =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  text.splice(1, 0, widths.map(width => '-'.repeat(width)).join('  '));
  return text.join('\n');
}

function cells(row: Row): string[] {
  const { target, unit } = row;
  const wanted = 'atLeast' in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`;
  const [low, high] = row.spread ?? [];
  return [
    row.name,
    row.measured,
    row.floor,
    figure(row.result, unit),
    low === undefined || high === undefined ? '' : `${figure(low, unit)} … ${figure(high, unit)}`,
    unit === '×' ? `${wanted}×` : `${wanted} ${unit}`,
    isMet(row) ? 'yes' : 'NO',
  ];
}

function figure(value: number, unit: Row['unit']): string {
  if (unit === 'calls' && value === 1) return '1 call';
  if (unit !== '×' && unit !== 's' && unit !== 'MB' && Number.isInteger(value)) return `${value} ${unit}`;
  const text = value.toFixed(value >= 20 ? 1 : 2);
  return unit === '×' ? `${text}×` : `${text} ${unit}`;
}
