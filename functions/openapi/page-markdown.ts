import { type Html, html } from './html.ts';

/** The address of a name that stands in code marks, for names that have a place on the page. */
export type LinkOf = (name: string) => string | undefined;

/**
 * The CommonMark that this document uses as HTML: paragraphs, headings of level 2, lists, tables (GFM), bold, code and
 * links. Anything else stays text.
 */
export function markdown(text: string, linkOf: LinkOf): readonly Html[] {
  return text.split(/\n{2,}/).map(block => blockHtml(block, linkOf));
}

/** An anchor from a heading. */
export function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');
}

function blockHtml(block: string, linkOf: LinkOf): Html {
  const lines = block.split('\n');
  if (block.startsWith('## ')) {
    const title = block.slice(3);
    return html`<h2 id="${slug(title)}">${title}</h2>`;
  }
  if (lines.every(line => line.startsWith('- ')))
    return html`<ul>${lines.map(line => html`<li>${inline(line.slice(2), linkOf)}</li>`)}</ul>`;
  if (lines.every(line => line.startsWith('|'))) return table(lines, linkOf);
  return html`<p>${inline(block, linkOf)}</p>`;
}

function table([head = '', , ...rows]: readonly string[], linkOf: LinkOf): Html {
  const cellsOf = (row: string) =>
    row
      .slice(1, -1)
      .split('|')
      .map(cell => cell.trim());
  const names = cellsOf(head);
  return html`<table><thead><tr>${names.map(name => html`<th scope="col">${inline(name, linkOf)}</th>`)}</tr></thead>
<tbody>${rows.map(
    row =>
      html`<tr>${cellsOf(row).map((cell, index) => html`<td data-name="${names[index]}">${inline(cell, linkOf)}</td>`)}</tr>`,
  )}</tbody></table>`;
}

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)\s]+)\)/g;

function inline(text: string, linkOf: LinkOf): readonly Html[] {
  const parts: Html[] = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    parts.push(html`${text.slice(at, match.index)}`, mark(match, linkOf));
    at = match.index + match[0].length;
  }
  return [...parts, html`${text.slice(at)}`];
}

function mark([, code, bold, label, address]: readonly (string | undefined)[], linkOf: LinkOf): Html {
  if (code !== undefined) {
    const target = linkOf(code);
    return target ? html`<a href="${target}"><code>${code}</code></a>` : html`<code>${code}</code>`;
  }
  if (bold !== undefined) return html`<strong>${inline(bold, linkOf)}</strong>`;
  return html`<a href="${address}">${label}</a>`;
}
