/**
 * Addresses in the From fields of a message's header, lower case, in order; [] when there is none.
 * Folded lines, comments, quoted strings, groups and encoded words are understood (RFC 5322 sections 2.2.3 and 3.4).
 */
export function headerFrom(content: Buffer): string[] {
  const end = content.indexOf('\r\n\r\n');
  const header = content.toString('utf8', 0, end < 0 ? content.length : end).replace(/\r\n[ \t]+/g, ' ');
  const fields = header.split('\r\n').filter(line => /^from[ \t]*:/i.test(line));
  return fields.flatMap(field => addresses(field.slice(field.indexOf(':') + 1)));
}

function addresses(list: string): string[] {
  return splitOutsideQuotes(withoutComments(list))
    .map(one => (/<([^<>]*)>\s*$/.exec(one)?.[1] ?? one).trim().toLowerCase())
    .filter(one => one !== '');
}

function withoutComments(text: string): string {
  let depth = 0;
  let quoted = false;
  let kept = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === '\\') {
      if (depth === 0) kept += char + (text[at + 1] ?? '');
      at++;
    } else if (char === '"' && depth === 0) {
      quoted = !quoted;
      kept += char;
    } else if (char === '(' && !quoted) depth++;
    else if (char === ')' && !quoted && depth > 0) depth--;
    else if (depth === 0) kept += char;
  }
  return kept;
}

/** Splits at commas and semicolons; a group's name (up to its colon) is dropped. */
function splitOutsideQuotes(text: string): string[] {
  const parts = [''];
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    const last = parts.length - 1;
    if (char === '\\') parts[last] += char + (text[++at] ?? '');
    else if (char === '"') {
      quoted = !quoted;
      parts[last] += char;
    } else if (!quoted && (char === ',' || char === ';')) parts.push('');
    else if (!quoted && char === ':') parts[last] = '';
    else parts[last] += char;
  }
  return parts;
}
