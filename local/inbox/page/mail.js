import { bytesText, definitions, el, timeText } from './dom.js';
import { tabsOf } from './panels.js';

/**
 * @typedef {{ index: number, filename: string, contentType: string, bytes: number, isInline: boolean, contentId?: string }} Attachment
 * @typedef {{
 *   id: string, receivedAt: string, bytes: number, subject: string, from: string, to: string[], cc: string[], replyTo: string[],
 *   date: string, text: string, hasHtml: boolean, loadsFromOutside: boolean, headers: { name: string, value: string }[], problem?: string,
 *   attachments: Attachment[], envelope: { from: string, to: string[] }, serverMessageId: string, hasBareLineEnds: boolean,
 *   signIn: { mailbox: string, appId: string, tls: { version: string, cipher: string }, connectionId: string }, transcript: string[],
 * }} Mail
 */

/** The tab that was looked at last: the next mail opens with the same. */
let chosenTab = '';

/** One mail: its head, and tabs that make their panel when they are first looked at. @param {Mail} mail */
export function mailView(mail) {
  const tabs = tabsOf(mail);
  const panel = el('section', { class: 'panel', role: 'tabpanel', tabindex: '0' });
  const buttons = tabs.map(({ name, title }) => el('button', { type: 'button', role: 'tab', 'data-tab': name }, title));
  /** @param {string} name */
  const show = name => {
    const tab = tabs.find(one => one.name === name) ?? tabs[0];
    for (const button of buttons) {
      const isShown = button.dataset['tab'] === tab?.name;
      button.setAttribute('aria-selected', String(isShown));
      button.tabIndex = isShown ? 0 : -1;
    }
    panel.className = `panel ${tab?.name}`;
    panel.setAttribute('aria-label', tab?.title ?? '');
    panel.replaceChildren(...(tab ? [tab.panel()] : []));
  };
  const bar = el('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Views of the mail' }, ...buttons);
  bar.addEventListener('click', event => {
    const name = event.target instanceof HTMLElement ? event.target.dataset['tab'] : undefined;
    if (!name) return;
    chosenTab = name;
    show(name);
  });
  bar.addEventListener('keydown', event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = buttons.findIndex(button => button.getAttribute('aria-selected') === 'true');
    const next = buttons[(at + step + buttons.length) % buttons.length];
    next?.click();
    next?.focus();
  });
  show(chosenTab);
  return [head(mail), bar, panel];
}

/** What stands where a mail would be. */
export function noMail() {
  const keys = [
    ['j k', 'next, previous'],
    ['/', 'search'],
    ['Esc', 'back to the list'],
  ];
  const help = keys.map(([key, what]) => el('span', {}, el('kbd', {}, key ?? ''), ` ${what}`));
  return [
    el('div', { class: 'nothing' }, el('p', {}, 'Choose a mail to read it.'), el('p', { class: 'keys' }, ...help)),
  ];
}

/** @param {Mail} mail */
function head(mail) {
  /** @param {string} address */
  const isSilent = address =>
    ![...mail.to, ...mail.cc].some(shown => shown.toLowerCase().includes(address.toLowerCase()));
  return el(
    'header',
    { class: 'head' },
    el('a', { class: 'back', href: '#' }, '← All mails'),
    el('h2', {}, mail.subject || '(no subject)'),
    mail.problem && el('p', { class: 'note' }, `This mail cannot be taken apart (${mail.problem}). See its source.`),
    definitions([
      ['From', mail.from || mail.envelope.from],
      ['To', mail.to.join(', ')],
      ['Cc', mail.cc.join(', ')],
      // In the envelope, but in no header: the blind copies.
      ['Bcc', mail.envelope.to.filter(isSilent).join(', ')],
      ['Reply to', mail.replyTo.join(', ')],
      ['Received', `${timeText(mail.receivedAt)} · ${bytesText(mail.bytes)}`],
      ['Signed in', `${mail.signIn.mailbox} · ${mail.signIn.tls.version}`],
    ]),
  );
}
