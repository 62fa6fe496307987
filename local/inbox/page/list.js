import { bytesText, el, timeText } from './dom.js';

/**
 * @typedef {{
 *   id: string, receivedAt: string, from: string, to: string[], subject: string, snippet: string, bytes: number,
 *   attachmentCount: number,
 * }} Summary
 */

/**
 * One line of the list; a link, so that it is reached and opened as links are.
 * @param {Summary} mail
 * @param {{ isOpen: boolean, isNew: boolean }} state
 */
export function mailRow(mail, { isOpen, isNew }) {
  const files = mail.attachmentCount;
  return el(
    'li',
    {},
    el(
      'a',
      { href: `#${mail.id}`, class: isNew ? 'row new' : 'row', 'aria-current': isOpen ? 'true' : undefined },
      el('span', { class: 'from' }, nameOf(mail.from) || '(nobody)'),
      el('time', { datetime: mail.receivedAt, title: mail.receivedAt }, timeText(mail.receivedAt)),
      el('span', { class: 'subject' }, mail.subject || '(no subject)'),
      el(
        'span',
        { class: 'size' },
        files > 0 && el('span', { class: 'files' }, files === 1 ? '1 file' : `${files} files`),
        bytesText(mail.bytes),
      ),
      el('span', { class: 'to' }, `to ${mail.to.join(', ')}`, mail.snippet && ` · ${mail.snippet}`),
    ),
  );
}

/** What stands in an empty list. @param {boolean} isSearch */
export function emptyRow(isSearch) {
  return isSearch
    ? el('li', { class: 'empty' }, el('strong', {}, 'Nothing found'), 'No mail has all these words.')
    : el('li', { class: 'empty' }, el('strong', {}, 'No mail yet'), 'It will appear here as it comes in.');
}

/** @param {string} from */
const nameOf = from => /^(.+) <[^<>]*>$/.exec(from)?.[1] ?? from;
