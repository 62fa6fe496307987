import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

export interface Page {
  html: string;
  /** Allows the page's own script and style by hash, and requests to its own server; nothing else. */
  csp: string;
}

/** In the order in which they need each other. */
const STYLES = ['inbox.css', 'mail.css'];
const SCRIPTS = ['dom.js', 'list.js', 'panels.js', 'mail.js', 'main.js'];

/** Puts the inbox page together: one document with its script and style inside. */
export async function loadPage(): Promise<Page> {
  const [html = '', ...texts] = await Promise.all(['index.html', ...STYLES, ...SCRIPTS].map(readPart));
  const style = texts.slice(0, STYLES.length).join('');
  const script = joinModules(texts.slice(STYLES.length));
  const csp = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "connect-src 'self'",
    "frame-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // Scripts may not turn text into markup, by whatever mistake.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  const page = html.replace('/* style */', () => style).replace('/* script */', () => script);
  return { html: page, csp };
}

/**
 * Makes one script of modules that import from each other only: without their imports and exports they share a scope. All
 * that a bundler would add is a check that no two of them declare the same name; `use strict` and a test see to that.
 */
function joinModules(modules: string[]): string {
  const bodies = modules.map(text => text.replaceAll(/^import [^;]*;\n/gm, '').replaceAll(/^export /gm, ''));
  return `'use strict';\n{\n${bodies.join('\n')}}\n`;
}

const readPart = (name: string): Promise<string> => readFile(new URL(`page/${name}`, import.meta.url), 'utf8');

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
