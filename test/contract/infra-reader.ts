import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The text of a file of the project. */
export function readText(path: string): Promise<string> {
  return readFile(join(root, path), 'utf8');
}

/** Paths, from the project's root and with `/`, of the files that a pattern means. */
export async function filesOf(pattern: string): Promise<string[]> {
  const found: string[] = [];
  for await (const path of glob(pattern, { cwd: root })) found.push(path.replaceAll('\\', '/'));
  return found.toSorted();
}

/** Bicep or PowerShell without whole-line comments. */
export function withoutComments(text: string): string {
  return text.replace(/^\s*(?:\/\/|#).*$/gm, '').replace(/<#[\s\S]*?#>/g, '');
}

/** Every text of the app's code, joined: what the app reads, names and logs stands somewhere in it. */
export async function readCode(): Promise<string> {
  const files = [...(await filesOf('shared/**/*.ts')), ...(await filesOf('functions/**/*.ts'))];
  return (await Promise.all(files.map(readText))).join('\n');
}

/** The strings of `var <name> = [...]` in a Bicep text, or of `<name>: [...]`. */
export function stringsOf(bicep: string, name: string): string[] {
  const list = new RegExp(`(?:var ${name} =|\\b${name}:) \\[([^\\]]*)\\]`).exec(bicep)?.[1];
  if (list === undefined) throw new Error(`There is no list ${name}.`);
  return [...list.matchAll(/'([^']*)'/g)].map(match => match[1] ?? '');
}

/** Rows of the Markdown table under a heading, each as its cells without backticks. */
export function tableUnder(markdown: string, heading: string): string[][] {
  const start = markdown.indexOf(`\n## ${heading}\n`);
  if (start < 0) throw new Error(`There is no heading "${heading}".`);
  const section = markdown.slice(start + 4).split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter(line => line.startsWith('|'));
  return rows.slice(2).map(row =>
    row
      .slice(1, row.lastIndexOf('|'))
      .split(/(?<!\\)\|/)
      .map(cell => cell.replaceAll('`', '').trim()),
  );
}
