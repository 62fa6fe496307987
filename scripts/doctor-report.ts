import { type Finding, worstOf } from '../shared/domain/finding.ts';

const MARKS: Readonly<Record<Finding['verdict'], string>> = { ok: '✔', warning: '▲', failed: '✖', left: '·' };
const WIDTH = 110;

/** The report for people: a line each, and below what is not fine its cause, what to do and where to read on. */
export function renderFindings(findings: readonly Finding[]): string {
  const name = Math.min(32, Math.max(...findings.map(({ check }) => check.length)));
  const lines = findings.flatMap(finding => [
    wrap(`${MARKS[finding.verdict]} ${finding.check.padEnd(name)}  `, time(finding) + finding.detail),
    ...(finding.verdict === 'failed' || finding.verdict === 'warning'
      ? [
          ...(finding.cause === undefined ? [] : [wrap('    Cause       ', finding.cause)]),
          ...(finding.remedy === undefined ? [] : [wrap('    What to do  ', finding.remedy)]),
          ...(finding.docs === undefined ? [] : [`    More        ${finding.docs}`]),
          '',
        ]
      : finding.verdict === 'left' && finding.remedy !== undefined
        ? [wrap('    By hand     ', finding.remedy)]
        : []),
  ]);
  return [...lines, '', summary(findings)].join('\n');
}

function time({ ms }: Finding): string {
  return ms === undefined ? '' : `${ms} ms, `;
}

function summary(findings: readonly Finding[]): string {
  const count = (verdict: Finding['verdict']) => findings.filter(finding => finding.verdict === verdict).length;
  const first = findings.find(({ verdict }) => verdict === 'failed');
  switch (worstOf(findings)) {
    case 'failed':
      return `${count('failed')} failed. Begin with: ${first?.check}. What comes after it may be its doing.`;
    case 'warning':
      return `Mail can be sent; ${count('warning')} to look at.`;
    default:
      return 'Mail can be sent.';
  }
}

function wrap(head: string, text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && head.length + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  lines.push(line);
  return head + lines.join(`\n${' '.repeat(head.length)}`);
}
