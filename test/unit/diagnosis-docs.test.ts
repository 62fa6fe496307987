import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { renderErrorDocs } from '../../scripts/write-error-docs.ts';
import { catalogue } from '../../shared/domain/diagnosis/catalogue.ts';

const written = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8').replaceAll('\r\n', '\n');

describe('docs/errors.md', () => {
  it('is what the catalogue gives', () => {
    assert.equal(written, renderErrorDocs(), 'run: node scripts/write-error-docs.ts');
  });

  it('has one section for each code, and no other', () => {
    const headings = [...written.matchAll(/^### (.+)$/gm)].map(match => match[1]);
    assert.deepEqual(
      headings,
      catalogue.map(entry => entry.code),
    );
  });

  it('has no link to a section that does not exist', () => {
    const anchors = new Set([...written.matchAll(/^#{2,3} (.+)$/gm)].map(match => slugOf(match[1] ?? '')));
    const links = [...written.matchAll(/\]\(#([^)]+)\)/g)].map(match => match[1] ?? '');
    assert.ok(links.length > catalogue.length);
    for (const link of links) assert.ok(anchors.has(link), link);
  });

  it('keeps placeholders in code, where Markdown does not take them for tags', () => {
    const prose = written.replace(/```text\n.*?\n```/gs, '').replace(/`[^`\n]*`/g, '');
    for (const match of prose.matchAll(/<[^>\n]+>/g)) assert.match(match[0], /^<(?:https:\/\/|!--)/);
  });

  it('is checked by the script', () => {
    const script = fileURLToPath(new URL('../../scripts/write-error-docs.ts', import.meta.url));
    assert.equal(spawnSync(process.execPath, [script, '--check']).status, 0);
  });
});

/** The anchor that GitHub gives a heading. */
function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_\- ]/gu, '')
    .replaceAll(' ', '-');
}
