import type { Diagnosis } from './api-shapes.ts';
import { el, longText } from './dom.ts';
import { agoText, dateText, timeText } from './format.ts';
import { icon, type Tone } from './icons.ts';

/** A time that goes on being true: `ticking` elements are rewritten every few seconds. */
export function ago(iso: string, nowMs: number): HTMLElement {
  const time = el('time', { datetime: iso, class: 'ticking' }, agoText(iso, nowMs));
  time.title = `${dateText(iso)}, ${timeText(iso, Date.parse(iso))}`;
  return time;
}

/** Rewrites every relative time below `root`. */
export function tick(root: ParentNode, nowMs: number): void {
  for (const time of root.querySelectorAll('time.ticking'))
    time.textContent = agoText(time.getAttribute('datetime') ?? '', nowMs);
}

/** A state by sign and word. */
export function badge(tone: Tone, text: string): HTMLElement {
  return el('span', { class: `badge ${tone}` }, icon(tone), text);
}

/** Cause, remedy and the way to the docs. */
export function advice(diagnosis: Pick<Diagnosis, 'code' | 'cause' | 'remedy' | 'docs'>): HTMLElement {
  return el(
    'dl',
    { class: 'advice' },
    el('dt', {}, 'Cause'),
    el('dd', {}, longest(diagnosis.cause, diagnosis.code, prose)),
    el('dt', {}, 'What to do'),
    el('dd', {}, longest(diagnosis.remedy, diagnosis.code, steps)),
    diagnosis.docs !== undefined && /^https:\/\//.test(diagnosis.docs) && el('dt', {}, 'More'),
    diagnosis.docs !== undefined &&
      /^https:\/\//.test(diagnosis.docs) &&
      el(
        'dd',
        {},
        el(
          'a',
          { href: diagnosis.docs, rel: 'noopener noreferrer', target: '_blank' },
          `${diagnosis.code} in the list of errors`,
        ),
      ),
  );
}

/** The catalogue's texts are shorter than this; what is longer came from elsewhere and is cut. */
const MAX_PROSE = 2_000;

function longest(text: string, code: string, show: (text: string) => Node): Node {
  return text.length <= MAX_PROSE ? show(text) : longText(text, `advice:${code}:${text.slice(0, 40)}`);
}

/** A text of the catalogue: what stands between backticks is code. Made of text nodes and elements only. */
export function prose(text: string): DocumentFragment {
  const whole = document.createDocumentFragment();
  for (const [index, piece] of text.split('`').entries())
    if (piece !== '') whole.append(index % 2 === 0 ? piece : el('code', { class: 'code' }, piece));
  return whole;
}

/** A remedy that says `1. …  2. …` as a list of steps, any other as a paragraph. */
function steps(text: string): DocumentFragment {
  const whole = document.createDocumentFragment();
  const [lead = '', ...rest] = text.split(/(?:^|\s)(?=\d\. )/);
  if (rest.length < 2) {
    whole.append(el('p', {}, prose(text)));
    return whole;
  }
  const isStep = (one: string) => /^\d\. /.test(one);
  const items = (isStep(lead) ? [lead, ...rest] : rest).map(one => el('li', {}, prose(one.replace(/^\d\. /, ''))));
  if (!isStep(lead) && lead !== '') whole.append(el('p', {}, prose(lead)));
  whole.append(el('ol', {}, ...items));
  return whole;
}

/** One figure with its name. */
export function figure(name: string, ...value: (Node | string)[]): HTMLElement {
  return el('div', { class: 'figure' }, el('dt', {}, name), el('dd', {}, ...value));
}

export function quiet(text: string): HTMLElement {
  return el('p', { class: 'quiet' }, text);
}
