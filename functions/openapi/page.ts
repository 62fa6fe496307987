import { createHash } from 'node:crypto';
import type { OpenApiDocument } from './document-types.ts';
import { type Html, html } from './html.ts';
import { codeBlock, jsonCode } from './page-code.ts';
import { type LinkOf, markdown, slug } from './page-markdown.ts';
import { methodBadge, operationSection, type Route, routesOf } from './page-operation.ts';
import { type SchemaContext, schemaFields } from './page-schema.ts';
import { PAGE_SCRIPT } from './page-script.ts';
import { PAGE_STYLE } from './page-style.ts';

/** Nothing but the page's own style and script runs or loads, so that a text in the document can never do harm. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src '${hashOf(PAGE_STYLE)}'`,
  `script-src '${hashOf(PAGE_SCRIPT)}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

/** The document as one page of HTML that loads nothing. Serve it with PAGE_POLICY as Content-Security-Policy. */
export function docsPageHtml(document: OpenApiDocument): string {
  const { info, components } = document;
  const linkOf: LinkOf = name =>
    Object.hasOwn(components.schemas, name)
      ? `#schema-${name}`
      : Object.hasOwn(components.examples, name)
        ? `#problem-${name}`
        : undefined;
  const context: SchemaContext = { schemas: components.schemas, linkOf };
  const routes = routesOf(document);
  const serverUrl = document.servers[0]?.url ?? '';
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${info.title} API</title>
<style>${{ html: PAGE_STYLE }}</style>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header><p class="name"><strong>${info.title}</strong> API <span class="version">${info.version}</span></p>
<p class="links"><a href="openapi.json">OpenAPI 3.1</a></p></header>
<div class="layout">
${contents(document, routes)}
<main id="main">
<h1>${info.title} API</h1>
<p class="lead">${info.summary}</p>
${codeBlock('Base URL', serverUrl)}
${markdown(info.description, linkOf)}
${document.tags.map(
  ({ name, description }) => html`<h2 id="${slug(name)}">${name}</h2><p>${description}</p>
${routes.filter(({ operation }) => operation.tags.includes(name)).map(route => operationSection(document, context, route))}`,
)}
${problemSection(document)}
${schemaSection(context)}
</main>
</div>
<p class="live" role="status" aria-live="polite"></p>
<script>${{ html: PAGE_SCRIPT }}</script>
</body>
</html>
`;
  return page.html;
}

function contents({ info, tags, components }: OpenApiDocument, routes: readonly Route[]): Html {
  const headings = [...info.description.matchAll(/^## (.+)$/gm)].map(match => match[1] ?? '');
  const link = (address: string, text: Html | string) => html`<li><a href="#${address}">${text}</a></li>`;
  return html`<nav aria-label="Contents"><details open><summary>Contents</summary>
<p>Basics</p><ul>${headings.map(title => link(slug(title), title))}</ul>
${tags.map(
  ({ name }) =>
    html`<p>${name}</p><ul>${routes
      .filter(({ operation }) => operation.tags.includes(name))
      .map(({ method, operation }) =>
        link(operation.operationId, html`${methodBadge(method)} <span>${operation.summary}</span>`),
      )}</ul>`,
)}
<p>Reference</p><ul>${link('problem-codes', 'Problem codes')}${link('schemas', 'Schemas')}${Object.keys(components.schemas).map(name => link(`schema-${name}`, html`<code>${name}</code>`))}</ul>
</details></nav>`;
}

function problemSection({ components }: OpenApiDocument): Html {
  return html`<h2 id="problem-codes">Problem codes</h2>
${Object.entries(components.examples).map(
  ([
    code,
    { summary, value },
  ]) => html`<details class="entry" id="problem-${code}"><summary><code>${code}</code> <span>${summary}</span></summary>
${codeBlock(code, jsonCode(value))}</details>`,
)}`;
}

function schemaSection(context: SchemaContext): Html {
  return html`<h2 id="schemas">Schemas</h2>
${Object.entries(context.schemas).map(
  ([name, schema]) => html`<details class="entry" id="schema-${name}"><summary><code>${name}</code></summary>
${schema.description ? markdown(schema.description, context.linkOf) : ''}${schemaFields(context, schema, Number.POSITIVE_INFINITY)}</details>`,
)}`;
}
