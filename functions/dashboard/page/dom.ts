type Child = Node | string | number | null | undefined | false;
type Attributes = Readonly<Record<string, string | number | boolean | undefined | ((event: Event) => void)>>;

/**
 * Makes an element. Text goes in as text, never as markup: names, replies and details come from servers and callers.
 * A function is a listener for the event of its name; an attribute that is absent or false is left out.
 */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Tag] {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

function filled<T extends Element>(element: T, attributes: Attributes, children: readonly Child[]): T {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false)
      element.append(typeof child === 'number' ? String(child) : child);
  }
  return element;
}

export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`#${id} is missing`);
  return found;
}

/** What somebody has opened stays open when its part of the page is drawn anew. */
const opened = new Map<string, boolean>();

/** A disclosure that remembers by `key` whether it is open. */
export function disclosure(key: string, isOpen: boolean, summary: Child, ...children: readonly Child[]) {
  const details = el(
    'details',
    { open: opened.get(key) ?? isOpen, 'data-key': key },
    el('summary', { 'data-focus': `open:${key}` }, summary),
    ...children,
  );
  details.addEventListener('toggle', () => opened.set(key, details.open));
  return details;
}

/** Draws a part anew and puts the focus back on what had it (by `data-focus`), so that nobody loses their place. */
export function redraw(container: HTMLElement, ...children: readonly Child[]): void {
  const active = document.activeElement;
  const key = active && container.contains(active) ? active.getAttribute('data-focus') : null;
  container.replaceChildren();
  filled(container, {}, children);
  if (key === null) return;
  const again = [...container.querySelectorAll<HTMLElement>('[data-focus]')].find(
    one => one.getAttribute('data-focus') === key,
  );
  again?.focus({ preventScroll: true });
}

/** Long texts are cut, with the rest one step away: a page must stay readable whatever a server says. */
export function longText(text: string, key: string, max = 320): Node {
  if (text.length <= max) return document.createTextNode(text);
  return el(
    'span',
    {},
    `${text.slice(0, max)}… `,
    disclosure(`long:${key}`, false, `Show all ${text.length.toLocaleString('en')} characters`, el('span', {}, text)),
  );
}
