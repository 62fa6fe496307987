import { readFileSync, writeFileSync } from 'node:fs';
import { catalogueSections } from '../shared/domain/diagnosis/catalogue.ts';
import type {
  BreakerEffect,
  CatalogueEntry,
  DiagnosisClass,
  FailureScope,
  RetryKind,
} from '../shared/domain/diagnosis/diagnosis.ts';

const CLASSES: Readonly<Record<DiagnosisClass, string>> = {
  transient: 'passes by itself',
  throttled: 'a service asks us to slow down',
  authentication: 'the proof of identity was refused',
  configuration: 'a setting, a role or a permission is missing or wrong',
  recipient: 'one address cannot be reached or may not be written to',
  content: 'the message, or the request that brought it, is refused',
  quota: 'a counted allowance is used up',
  blocked: 'a mailbox, an address or the tenant is shut off by the service',
  inDoubt: 'it cannot be known whether the message was sent',
};

const RETRIES: Readonly<Record<RetryKind, string>> = {
  never: 'no',
  soon: 'yes, from seconds to minutes apart',
  slow: 'yes, minutes apart',
  afterAuthFix: 'yes, once the cause is repaired',
  quotaWindow: 'yes, hours later, when the window has moved on',
  fewTries: 'a few times',
  onceRefreshed: 'once with a new token, then after repair',
};

const BREAKERS: Readonly<Record<BreakerEffect, string>> = {
  none: 'not touched',
  opens: 'counts against it',
  timeOnly: 'opens at once, closed by time only',
};

const SCOPES: Readonly<Record<FailureScope, string>> = {
  message: 'one message',
  recipient: 'one recipient',
  mailbox: 'all mail of one mailbox',
  app: 'all mail of one app registration or of this app',
  vault: 'all mail whose credential is in the vault',
  service: 'all mail',
};

/** docs/errors.md as one text, made from the catalogue: contents by stage, then one section per code. */
export function renderErrorDocs(): string {
  const contents = catalogueSections.map(({ title, entries }) => {
    const links = entries.map(entry => `[${entry.code}](#${entry.code})`).join(', ');
    return `- [${title}](#${headingSlug(title)}): ${links}`;
  });
  const sections = catalogueSections.flatMap(({ title, entries }) => [`## ${title}`, ...entries.map(renderEntry)]);
  return `${[renderIntro(), '## Contents', contents.join('\n'), ...sections].join('\n\n')}\n`;
}

function renderIntro(): string {
  const classes = Object.entries(CLASSES).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`);
  return [
    '# Errors: what they mean and what to do',
    '',
    '<!-- Made from shared/domain/diagnosis by scripts/write-error-docs.ts. Change the catalogue, then run the script. -->',
    '',
    'Every failure that Exosend reports carries one of the codes below: in the `diagnosis` of a message, in `code` of a problem',
    'document, in `code` of a log line and in every alert. A code is never renamed.',
    '',
    'Have you a text and no code? Paste it: `npm run explain -- "535 5.7.3 Authentication unsuccessful"`, or',
    '`GET /api/explain?text=…` on a running app. Words in angle brackets stand for your own values.',
    'Exchange commands want `Connect-ExchangeOnline` first. A changed permission can take up to about two hours to show.',
    '',
    '| class | meaning |',
    '|---|---|',
    ...classes,
  ].join('\n');
}

function renderEntry(entry: CatalogueEntry): string {
  return [
    `### ${entry.code}`,
    '',
    `**${entry.title}**`,
    '',
    '| class | retried | breaker of the mailbox | hits |',
    '|---|---|---|---|',
    `| \`${entry.class}\` | ${RETRIES[entry.retry]} | ${BREAKERS[entry.breaker]} | ${SCOPES[entry.scope]} |`,
    '',
    'Seen as:',
    '',
    '```text',
    entry.samples.map(sample => sample.replaceAll('\r\n', '\n')).join('\n\n'),
    '```',
    '',
    `Cause: ${entry.cause}`,
    '',
    `What to do: ${entry.remedy}`,
    '',
    `Source: ${entry.source.startsWith('https://') ? linked(entry.source) : entry.source}`,
  ].join('\n');
}

function linked(source: string): string {
  const [url = source, ...rest] = source.split(' ');
  return [`<${url}>`, ...rest].join(' ');
}

/** The anchor that GitHub gives a heading. */
function headingSlug(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

/** Writes docs/errors.md, or with `--check` compares it; returns the exit code. */
function main(args: readonly string[]): number {
  const file = new URL('../docs/errors.md', import.meta.url);
  const wanted = renderErrorDocs();
  if (!args.includes('--check')) {
    writeFileSync(file, wanted);
    return 0;
  }
  if (readIfThere(file) === wanted) return 0;
  console.error('docs/errors.md differs from the catalogue. Run: node scripts/write-error-docs.ts');
  return 1;
}

function readIfThere(file: URL): string | undefined {
  try {
    return readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
  } catch {
    return undefined;
  }
}

if (process.argv[1] === import.meta.filename) process.exitCode = main(process.argv.slice(2));
