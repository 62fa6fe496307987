/** Text that is HTML already. Made by `html` only, so what came from elsewhere is always escaped. */
export interface Html {
  readonly html: string;
}

type Part = string | number | Html | undefined | readonly Part[];

/** HTML from a template: strings and numbers are escaped, HTML goes in as it is, lists one after the other. */
export function html(literals: TemplateStringsArray, ...parts: Part[]): Html {
  return { html: literals.map((literal, index) => literal + rendered(parts[index])).join('') };
}

function rendered(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part));
  return 'html' in part ? part.html : part.map(rendered).join('');
}

/** Text for an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`);
}
