import type { Answer, Message, MessagePage, MessageSummary } from './api-shapes.ts';
import { byId, el, redraw } from './dom.ts';
import { countText, messageIdIn } from './format.ts';
import { messageDetails, statusBadge } from './message-details.ts';
import { type Board, whileBusy } from './page-state.ts';
import { ago, quiet } from './parts.ts';

const PAGE_SIZE = '20';

/** The list of messages with its search: kept apart from the rest of the page, since who reads it wants it to stand still. */
export function messageList(board: Board) {
  let rows: MessageSummary[] = [];
  let continuation: string | undefined;
  let note = '';
  let openId: string | undefined;
  let open: Message | undefined;
  /** Answers of an older question must not overwrite those of a newer one. */
  let asked = 0;

  const form = byId('message-search') as HTMLFormElement;
  const field = (name: string) => form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement;

  form.addEventListener('submit', event => {
    event.preventDefault();
    void search();
  });
  field('status').addEventListener('change', () => void search());
  field('mailbox').addEventListener('change', () => void search());

  async function search(): Promise<void> {
    const text = field('id').value.trim();
    if (text === '') return reload(true);
    const id = messageIdIn(text);
    if (id === undefined) {
      field('id').setAttribute('aria-invalid', 'true');
      return show([], undefined, 'That is no message id: 26 letters and digits, as the 202 gave it.', true);
    }
    field('id').removeAttribute('aria-invalid');
    const question = ++asked;
    const answer = await board.api.message(id);
    if (question !== asked) return;
    if (!answer.ok) {
      if (answer.kind === 'absent') return show([], undefined, `There is no message ${id}.`, true);
      return board.refused(answer, 'The message could not be read');
    }
    [openId, open] = [id, answer.data];
    show([summaryOf(answer.data)], undefined, 'One message found.', true);
  }

  /** Reads the first page of the list anew, as long as nobody has searched for an id. */
  async function reload(isAsked = false): Promise<void> {
    if (field('id').value.trim() !== '') return;
    field('id').removeAttribute('aria-invalid');
    const question = ++asked;
    const answer = await list();
    if (question !== asked) return;
    if (!answer.ok) {
      if (isAsked) board.refused(answer, 'The messages could not be read');
      else if (rows.length === 0) show([], undefined, answer.text);
      return;
    }
    const { messages, continuation: more } = answer.data;
    show([...messages], more, countText(messages.length, 'message'), isAsked);
  }

  function list(from?: string): Promise<Answer<MessagePage>> {
    return board.api.messages({
      status: field('status').value,
      mailbox: field('mailbox').value,
      limit: PAGE_SIZE,
      continuation: from,
    });
  }

  async function loadMore(): Promise<void> {
    const question = ++asked;
    const answer = await list(continuation);
    if (question !== asked) return;
    if (!answer.ok) return board.refused(answer, 'Older messages could not be read');
    const before = rows.length;
    show([...rows, ...answer.data.messages], answer.data.continuation, '');
    board.tell(`${countText(rows.length - before, 'more message')} shown.`);
  }

  function show(next: MessageSummary[], more: string | undefined, text: string, isAsked = false): void {
    [rows, continuation, note] = [next, more, text];
    draw();
    if (isAsked) board.tell(note);
  }

  function draw(): void {
    const empty =
      field('status').value || field('mailbox').value ? 'No message like that on this page.' : 'No message yet.';
    redraw(
      byId('message-list'),
      rows.length === 0 ? quiet(/^\d/.test(note) ? empty : note) : table(),
      continuation !== undefined &&
        el(
          'p',
          { class: 'more' },
          el(
            'button',
            { type: 'button', 'data-focus': 'more-messages', click: whileBusy(loadMore, 'Reading…') },
            'Older messages',
          ),
        ),
    );
  }

  function table(): HTMLElement {
    const head = ['State', 'Message', 'Mailbox', 'Recipients', 'Accepted'].map(text =>
      el('th', { scope: 'col', class: text === 'Recipients' ? 'number' : '' }, text),
    );
    return el(
      'table',
      { class: 'messages' },
      el('caption', { class: 'visually-hidden' }, 'Messages, newest first'),
      el(
        'thead',
        {},
        el('tr', {}, ...head, el('th', { scope: 'col' }, el('span', { class: 'visually-hidden' }, 'Actions'))),
      ),
      el('tbody', {}, ...rows.flatMap(row)),
    );
  }

  function row(message: MessageSummary): HTMLElement[] {
    const { id, status, code, mailbox, recipientCount, createdAt } = message;
    const isOpen = openId === id && open !== undefined;
    const line = el(
      'tr',
      { class: isOpen ? 'is-open' : '' },
      el('td', {}, statusBadge(status)),
      el(
        'td',
        { class: 'id' },
        el(
          'button',
          {
            type: 'button',
            class: 'link',
            'aria-expanded': String(isOpen),
            'aria-label': `Message ${id}, ${status}: details`,
            'data-focus': `message:${id}`,
            click: () => void toggle(id),
          },
          id,
        ),
        code && el('code', { class: 'code' }, code),
      ),
      el('td', { class: 'mailbox', 'data-name': 'Mailbox' }, mailbox || '–'),
      el('td', { class: 'number', 'data-name': 'Recipients' }, recipientCount),
      el('td', { class: 'when' }, ago(createdAt, board.now())),
      el('td', { class: 'actions' }, ...actions(message)),
    );
    if (!isOpen || !open) return [line];
    return [line, el('tr', { class: 'details-row' }, el('td', { colspan: 6 }, messageDetails(board, open)))];
  }

  function actions({ id, status }: MessageSummary): HTMLElement[] {
    const button = (text: string, act: (id: string, status: string) => Promise<void>, busy: string) =>
      el(
        'button',
        {
          type: 'button',
          class: 'small',
          'aria-label': `${text} message ${id}`,
          'data-focus': `${text}:${id}`,
          click: whileBusy(() => act(id, status), busy),
        },
        text,
      );
    if (status === 'failed' || status === 'unknown') return [button('Retry', retry, 'Retrying…')];
    if (status === 'queued' || status === 'deferred') return [button('Cancel', cancel, 'Cancelling…')];
    return [];
  }

  async function toggle(id: string): Promise<void> {
    if (openId === id) {
      [openId, open] = [undefined, undefined];
      return draw();
    }
    const answer = await board.api.message(id);
    if (!answer.ok) return board.refused(answer, 'The message could not be read');
    [openId, open] = [id, answer.data];
    draw();
  }

  async function retry(id: string, status: string): Promise<void> {
    const isSure =
      status !== 'unknown' ||
      (await board.confirm({
        title: 'Send it again?',
        text: `Nobody can tell whether Exchange took message ${id}. If it did, its recipients get it twice.`,
        yes: 'Send again',
      }));
    if (isSure) await change(board.api.retry(id), id, 'is queued again', 'The message was not queued again');
  }

  async function cancel(id: string): Promise<void> {
    const isSure = await board.confirm({
      title: 'Cancel this message?',
      text: `Message ${id} will not be sent. Its record stays.`,
      yes: 'Cancel the message',
    });
    if (isSure) await change(board.api.cancel(id), id, 'is cancelled', 'The message was not cancelled');
  }

  async function change(call: Promise<Answer<unknown>>, id: string, done: string, not: string): Promise<void> {
    const answer = await call;
    if (!answer.ok) return board.refused(answer, not);
    board.tell(`Message ${id} ${done}.`, 'good');
    const fresh = await board.api.message(id);
    if (fresh.ok) {
      rows = rows.map(one => (one.id === id ? summaryOf(fresh.data) : one));
      if (openId === id) open = fresh.data;
      draw();
    }
    await board.refresh();
  }

  return {
    reload: () => reload(),
    /** The mailboxes to choose from. */
    offer(mailboxes: readonly string[]): void {
      const select = field('mailbox') as HTMLSelectElement;
      const wanted = ['', ...mailboxes];
      if ([...select.options].map(({ value }) => value).join('\n') === wanted.join('\n')) return;
      const { value } = select;
      select.replaceChildren(...wanted.map(one => el('option', { value: one }, one || 'all')));
      select.value = wanted.includes(value) ? value : '';
    },
  };
}

function summaryOf({ recipients, diagnosis, ...message }: Message): MessageSummary {
  return { ...message, recipientCount: recipients.length, ...(diagnosis ? { code: diagnosis.code } : {}) };
}
