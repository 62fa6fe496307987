import type { ParsedMail } from './parse-mail.ts';

/**
 * For a mail's HTML, both as header and, in part, as attribute of its frame: an origin of its own, no scripts, no forms,
 * nothing loaded from anywhere. `data:` is what its own parts have become. Links open in a new tab, outside the sandbox.
 */
export const MAIL_CSP = [
  'sandbox allow-popups allow-popups-to-escape-sandbox',
  "default-src 'none'",
  'img-src data:',
  'media-src data:',
  'font-src data:',
  "style-src 'unsafe-inline'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'self'",
].join('; ');

/** The HTML of a mail as a document to frame: `cid:` references become the parts that they name, links open in a new tab. */
export function mailDocument({ html, parts }: ParsedMail): string {
  const byId = new Map(parts.map(part => [part.contentId, part]));
  const resolved = html.replaceAll(/cid:([^"'\s<>)]+)/gi, (reference, name: string) => {
    const part = byId.get(decoded(name)) ?? byId.get(name);
    // Only images, so that nothing else of a mail becomes a document; the type is checked since it lands in an attribute.
    if (!part || !/^image\/[a-z0-9.+-]+$/.test(part.contentType)) return reference;
    return `data:${part.contentType};base64,${part.content.toString('base64')}`;
  });
  const base = '<base target="_blank">';
  const start = /<head(\s[^>]*)?>/i.exec(resolved) ?? /<html(\s[^>]*)?>/i.exec(resolved);
  if (!start) return `<!doctype html>${base}${resolved}`;
  const end = start.index + start[0].length;
  return resolved.slice(0, end) + base + resolved.slice(end);
}

/** Tells whether the HTML asks for something from another machine, which is then not shown. */
export function loadsFromOutside(html: string): boolean {
  return (
    /\s(?:src|srcset|background|poster)\s*=\s*["']?\s*(?:https?:)?\/\//i.test(html) ||
    /(?:url\(|@import)\s*["']?\s*(?:https?:)?\/\//i.test(html) ||
    /<link\b[^>]*\shref\s*=\s*["']?\s*(?:https?:)?\/\//i.test(html)
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
