import type { Message } from './api-shapes.ts';
import { disclosure, el, longText } from './dom.ts';
import { countText, numberText, timeText } from './format.ts';
import type { Tone } from './icons.ts';
import type { Board } from './page-state.ts';
import { advice, ago, badge } from './parts.ts';

const TONES: Readonly<Record<string, Tone>> = {
  sent: 'good',
  queued: 'info',
  sending: 'info',
  deferred: 'warn',
  unknown: 'warn',
  failed: 'bad',
  expired: 'bad',
  cancelled: 'none',
};

export function statusBadge(status: string): HTMLElement {
  return badge(TONES[status] ?? 'none', status);
}

/** All that the API tells of a message. */
export function messageDetails(board: Board, message: Message): HTMLElement {
  const { id } = message;
  const now = board.now();
  const facts: readonly (readonly [string, string | Node | undefined])[] = [
    ['Id', el('code', {}, id)],
    ['From', message.from],
    ['Mailbox', message.mailbox],
    ['Size', `${numberText(message.bytes)} bytes`],
    ['Attempts', String(message.attempts)],
    ['Next attempt', message.nextAttemptAt && ago(message.nextAttemptAt, now)],
    ['Message-ID', message.messageId && el('code', {}, message.messageId)],
    ['Message-ID by Exchange', message.serverMessageId && el('code', {}, message.serverMessageId)],
    ['Last reply', message.reply && longText(message.reply, `reply:${id}`)],
    ['Metadata', metadataText(message.metadata)],
  ];
  return el(
    'div',
    { class: 'details' },
    message.diagnosis && advice(message.diagnosis),
    el(
      'dl',
      { class: 'facts' },
      ...facts.flatMap(([name, value]) => (value ? [el('dt', {}, name), el('dd', {}, value)] : [])),
    ),
    el('h3', {}, 'Timeline'),
    el(
      'ol',
      { class: 'timeline' },
      ...message.events.map((event, index) =>
        el(
          'li',
          {},
          el('time', { datetime: event.at }, timeText(event.at, now)),
          el(
            'div',
            {},
            statusBadge(event.status),
            event.attempt ? el('span', { class: 'dim' }, ` attempt ${event.attempt}`) : null,
            event.diagnosis && el('code', { class: 'code' }, event.diagnosis.code),
            event.reply && el('p', { class: 'dim' }, longText(event.reply, `event:${id}:${index}`)),
            event.note && el('p', { class: 'dim' }, longText(event.note, `note:${id}:${index}`)),
          ),
        ),
      ),
    ),
    disclosure(
      `recipients:${id}`,
      message.recipients.length <= 5,
      countText(message.recipients.length, 'recipient'),
      el(
        'ul',
        { class: 'plain' },
        ...message.recipients.map(({ address, outcome, reply }, index) =>
          el(
            'li',
            {},
            el('span', { class: 'address' }, address),
            el('span', { class: 'dim' }, ` ${outcome}`),
            reply && el('p', { class: 'dim' }, longText(reply, `recipient:${id}:${index}`)),
          ),
        ),
      ),
    ),
  );
}

function metadataText(metadata: Message['metadata']): Node | undefined {
  const entries = Object.entries(metadata);
  if (entries.length === 0) return undefined;
  return longText(entries.map(([name, value]) => `${name}: ${value}`).join(' · '), `metadata:${entries.length}`);
}
