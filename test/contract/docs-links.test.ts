import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { dirname, join, normalize, resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '../..');

/** A heading's anchor, as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
}

function withoutCode(markdown: string): string {
  return markdown.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '');
}

async function anchorsOf(file: string): Promise<ReadonlySet<string>> {
  const text = (await readFile(file, 'utf8')).replace(/^```[\s\S]*?^```/gm, '');
  return new Set([...text.matchAll(/^#{1,6}\s+(.*)$/gm)].map(match => anchorOf(match[1] ?? '')));
}

const pages: string[] = [];
for await (const page of glob(['*.md', 'docs/**/*.md', 'infra/**/*.md', '.github/**/*.md'], { cwd: ROOT }))
  pages.push(page);

test('there are pages to check', () => assert.ok(pages.length >= 4, pages.join(' ')));

for (const page of pages.sort()) {
  test(`${page}: every link of the repository leads somewhere`, async () => {
    const text = withoutCode(await readFile(join(ROOT, page), 'utf8'));
    const links = [...text.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)].map(match => match[1] ?? '');
    for (const link of links) {
      if (/^[a-z]+:/i.test(link)) {
        assert.doesNotThrow(() => new URL(link), `${link} is no address`);
        continue;
      }
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? join(ROOT, page) : normalize(join(ROOT, dirname(page), path));
      assert.ok(existsSync(target), `${link}: there is no ${target.slice(ROOT.length + 1)}`);
      if (anchor) assert.ok((await anchorsOf(target)).has(anchor), `${link}: no heading of this name`);
    }
  });
}

test('the runbook has a section for each alert rule', async () => {
  const rules = await readFile(join(ROOT, 'infra/alert-rules.bicep'), 'utf8');
  const names = [...rules.matchAll(/^ {4}name: '([\w-]+)'$/gm)].map(match => match[1] ?? '');
  assert.ok(names.length > 5, names.join(' '));
  const runbook = await anchorsOf(join(ROOT, 'docs/operations.md'));
  assert.deepEqual(
    names.filter(name => !runbook.has(name)),
    [],
  );
});
