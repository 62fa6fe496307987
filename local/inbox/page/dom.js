/**
 * Makes an element. Text goes in as text, never as markup: everything in a mail is a stranger's.
 * @param {string} tag
 * @param {Record<string, string | boolean | undefined>} attributes an absent or false one is left out
 * @param {...(Node | string | undefined | false)} children
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter(child => child !== undefined && child !== false));
  return element;
}

/** @param {string} id */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`#${id} is missing`);
  return element;
}

/** @param {number} count */
export function bytesText(count) {
  if (count < 1000) return `${count} B`;
  return count < 1_000_000 ? `${(count / 1000).toFixed(1)} kB` : `${(count / 1_000_000).toFixed(1)} MB`;
}

/** The time of day for today's mails, else the date with it. @param {string} iso */
export function timeText(iso) {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const time = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
  if (date.toDateString() === new Date().toDateString()) return time;
  return `${date.toLocaleDateString([], { day: 'numeric', month: 'short' })} ${time}`;
}

/** A list of terms and what belongs to each; rows without a value are left out. @param {[string, Node | string | undefined][]} rows */
export function definitions(rows) {
  const filled = rows.filter(([, value]) => value !== undefined && value !== '');
  return el('dl', { class: 'facts' }, ...filled.flatMap(([term, value]) => [el('dt', {}, term), el('dd', {}, value)]));
}
