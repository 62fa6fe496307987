import { el } from './dom.ts';
import { type Board, whileBusy } from './page-state.ts';

/** What has been read stays in sight when the card is drawn anew. */
const read = new Map<string, string>();

/** Shows what was said over SMTP in one failed run; read only when asked for. */
export function transcriptButton(board: Board, mailbox: string, at: string): HTMLElement {
  const key = `${mailbox} ${at}`;
  const known = read.get(key);
  if (known !== undefined) return transcript(known);
  const place = el('div', {});
  const show = async (button: HTMLButtonElement): Promise<void> => {
    const atMs = Date.parse(at);
    const answer = await board.api.probes(mailbox, at, new Date(atMs + 1000).toISOString());
    if (!answer.ok) return board.refused(answer, 'The transcript could not be read');
    const lines = answer.data.runs.find(run => run.at === at)?.transcript ?? [];
    const text = lines.length > 0 ? lines.join('\n') : 'Nothing was said over SMTP in this run.';
    read.set(key, text.slice(0, 20_000));
    const shown = transcript(text.slice(0, 20_000));
    place.replaceChildren(shown);
    button.hidden = true;
    shown.focus();
  };
  return el(
    'div',
    {},
    el(
      'button',
      {
        type: 'button',
        class: 'small',
        'data-focus': `transcript:${mailbox}:${at}`,
        click: whileBusy(show, 'Reading…'),
      },
      'SMTP transcript',
    ),
    place,
  );
}

function transcript(text: string): HTMLElement {
  return el('pre', { tabindex: '0', role: 'group', 'aria-label': 'SMTP transcript' }, text);
}
