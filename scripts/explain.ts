import { readFileSync } from 'node:fs';
import { reasonsFor535 } from '../shared/domain/diagnosis/auth-reasons.ts';
import { docsUrl } from '../shared/domain/diagnosis/docs-url.ts';
import { type ExplainMatch, explain } from '../shared/domain/diagnosis/explain.ts';

const USAGE = `Explains an error of sending mail through Exchange Online.

  npm run explain -- "535 5.7.3 Authentication unsuccessful [AM0PR04CA0001…]"
  npm run explain -- --json "AADSTS700027: …"
  npm run explain < error.txt

Takes an SMTP reply, a nodemailer or Node error, an Entra ID answer, a log line of Exosend, a whole log, or a code.
Exit code: 0 explained, 1 nothing in the text is known, 2 no text given.`;

/** Prints the explanations of the text in the arguments or on standard input; returns the exit code. */
function main(args: readonly string[]): number {
  const asJson = args.includes('--json');
  const words = args.filter(arg => arg !== '--json');
  if (words.includes('--help') || words.includes('-h')) {
    console.log(USAGE);
    return 0;
  }
  const text = words.length > 0 ? words.join(' ') : readInput();
  if (text.trim() === '') {
    console.error(USAGE);
    return 2;
  }
  const matches = explain(text);
  if (asJson) console.log(JSON.stringify({ matches }, undefined, 2));
  else console.log(renderMatches(matches));
  return matches.length > 0 ? 0 : 1;
}

function readInput(): string {
  return process.stdin.isTTY ? '' : readFileSync(0, 'utf8');
}

function renderMatches(matches: readonly ExplainMatch[]): string {
  const [first, ...others] = matches;
  if (first === undefined) {
    return `Nothing in this text is known. All codes: ${docsUrl('contents')}`;
  }
  const lines = [
    `${first.code}  (${first.class}, retried: ${first.retry})`,
    '',
    `Cause       ${first.cause}`,
    `What to do  ${first.remedy}`,
    `Source      ${first.source}`,
    `More        ${docsUrl(first.code)}`,
  ];
  if (first.code === 'smtp_auth_unsuccessful') lines.push('', ...renderReasons());
  if (others.length > 0) lines.push('', `Less likely: ${others.map(other => other.code).join(', ')}`);
  return lines.join('\n');
}

function renderReasons(): string[] {
  return reasonsFor535().flatMap(({ reason, check, expected, fix }, index) => [
    `${index + 1}. ${reason}`,
    `   Check: ${check}`,
    `   Fine when: ${expected}`,
    `   Else: ${fix}`,
  ]);
}

process.exitCode = main(process.argv.slice(2));
