import { byId, el } from './dom.ts';
import { icon } from './icons.ts';
import type { Question } from './page-state.ts';

const SHOWN_MS = 8_000;
let hiding: ReturnType<typeof setTimeout> | undefined;

/** Says it to the eye for some seconds, and to a screen reader once. */
export function tell(text: string, tone: 'good' | 'bad' | 'info' = 'info'): void {
  const place = byId('live');
  clearTimeout(hiding);
  place.replaceChildren();
  // Emptied and filled in two steps: the same words twice are then said twice.
  setTimeout(() => place.replaceChildren(el('p', { class: `toast ${tone}` }, icon(tone), el('span', {}, text))), 30);
  hiding = setTimeout(() => place.replaceChildren(), tone === 'bad' ? 2 * SHOWN_MS : SHOWN_MS);
}

/** Asks before something that cannot be taken back. The focus begins on the harmless answer and returns where it was. */
export function confirm({ title, text, yes }: Question): Promise<boolean> {
  const before = document.activeElement;
  return new Promise(resolve => {
    const answer = (isYes: boolean) => () => {
      dialog.close(isYes ? 'yes' : 'no');
    };
    const dialog = el(
      'dialog',
      { 'aria-labelledby': 'confirm-title', 'aria-describedby': 'confirm-text' },
      el('h2', { id: 'confirm-title' }, title),
      el('p', { id: 'confirm-text' }, text),
      el(
        'p',
        { class: 'buttons' },
        el('button', { type: 'button', autofocus: true, click: answer(false) }, 'Leave it'),
        el('button', { type: 'button', class: 'primary', click: answer(true) }, yes),
      ),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      if (before instanceof HTMLElement) before.focus();
      resolve(dialog.returnValue === 'yes');
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
