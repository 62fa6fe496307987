import { type Html, html } from './html.ts';

/**
 * A block of code with a button that copies it.
 *
 * @param name tells it from the other blocks of the page
 * @param caption what stands above it; default: the name
 */
export function codeBlock(name: string, code: Html | string, caption = name): Html {
  return html`<figure class="code"><figcaption><span>${caption}</span><button type="button" class="copy" aria-label="Copy: ${name}">Copy</button></figcaption>
<pre tabindex="0" role="group" aria-label="${name}"><code>${code}</code></pre></figure>`;
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|(?<![\w'-])-?\d+(?:\.\d+)?(?![\w'])/g;

/** Several blocks of code of which one is open at a time. */
export function codeChoice(
  group: string,
  blocks: readonly { readonly name: string; readonly code: Html; readonly caption: string }[],
): Html {
  const [only] = blocks;
  if (only && blocks.length === 1) return codeBlock(only.name, only.code, only.caption);
  return html`${blocks.map(
    ({ name, code, caption }, index) =>
      html`<details class="choice" name="${group}"${index === 0 ? html` open` : ''}><summary>${name}</summary>${codeBlock(name, code, caption)}</details>`,
  )}`;
}

/** JSON, coloured. */
export function jsonCode(value: unknown): Html {
  return coloured(JSON.stringify(value, null, 2));
}

/** A text in which JSON is coloured, e.g. a command with a JSON body. */
export function coloured(text: string): Html {
  const parts: Html[] = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [token, string = '', colon = ''] = match;
    parts.push(html`${text.slice(at, match.index)}`);
    if (string === '') parts.push(html`<span class="n">${token}</span>`);
    else parts.push(colon ? html`<span class="k">${string}</span>${colon}` : html`<span class="s">${string}</span>`);
    at = match.index + token.length;
  }
  return html`${parts}${text.slice(at)}`;
}
