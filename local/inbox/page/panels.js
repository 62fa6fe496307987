import { bytesText, definitions, el } from './dom.js';

const SHOWN_SOURCE_BYTES = 300_000;

/**
 * The tabs of a mail: a name, and what makes its panel.
 * @param {import('./mail.js').Mail} mail
 * @returns {{ name: string, title: string, panel: () => Node }[]}
 */
export function tabsOf(mail) {
  const count = mail.attachments.filter(part => !part.isInline).length;
  return [
    ...(mail.hasHtml ? [{ name: 'html', title: 'HTML', panel: () => htmlPanel(mail) }] : []),
    { name: 'text', title: 'Text', panel: () => textPanel(mail) },
    { name: 'headers', title: 'Headers', panel: () => headersPanel(mail) },
    { name: 'source', title: 'Source', panel: () => sourcePanel(mail) },
    {
      name: 'attachments',
      title: count > 0 ? `Attachments (${count})` : 'Attachments',
      panel: () => attachmentsPanel(mail),
    },
    { name: 'conversation', title: 'Conversation', panel: () => conversationPanel(mail) },
  ];
}

/** @param {import('./mail.js').Mail} mail */
function htmlPanel(mail) {
  // No scripts, no forms, an origin of its own: the server says the same again in the document's own policy.
  const frame = el('iframe', {
    sandbox: 'allow-popups allow-popups-to-escape-sandbox',
    src: `/api/mails/${mail.id}/html`,
    title: 'The mail as HTML',
    referrerpolicy: 'no-referrer',
  });
  const note = 'Images and styles from other servers are not loaded here: nobody learns that this mail was looked at.';
  return el('div', { class: 'paper' }, mail.loadsFromOutside && el('p', { class: 'note' }, note), frame);
}

/** @param {import('./mail.js').Mail} mail */
function textPanel(mail) {
  if (mail.text) return el('pre', { class: 'text' }, mail.text);
  return el('p', { class: 'note' }, 'This mail has no plain text part.');
}

/** @param {import('./mail.js').Mail} mail */
function headersPanel(mail) {
  if (mail.headers.length === 0) return el('p', { class: 'note' }, 'This mail has no headers.');
  return definitions(mail.headers.map(({ name, value }) => [name, value]));
}

/** @param {import('./mail.js').Mail} mail */
function sourcePanel(mail) {
  const pre = el('pre', {}, 'Loading…');
  const path = `/api/mails/${mail.id}/raw`;
  const link = el('a', { href: path, download: true }, `Download the source (${bytesText(mail.bytes)})`);
  readStart(path).then(
    text => pre.replaceChildren(text),
    () => pre.replaceChildren('The source could not be loaded: the mail is gone.'),
  );
  const isCut = mail.bytes > SHOWN_SOURCE_BYTES;
  return el(
    'div',
    {},
    el('p', { class: 'note' }, link, isCut && ` · only the first ${bytesText(SHOWN_SOURCE_BYTES)} are shown`),
    pre,
  );
}

/** The beginning of a large source is enough to look at; a browser chokes on 35 MB in one element. @param {string} path */
async function readStart(path) {
  const response = await fetch(path);
  if (!response.ok || !response.body) throw new Error(String(response.status));
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return text;
    text += decoder.decode(value, { stream: true });
    if (text.length >= SHOWN_SOURCE_BYTES) break;
  }
  reader.cancel();
  return text.slice(0, SHOWN_SOURCE_BYTES);
}

/** @param {import('./mail.js').Mail} mail */
function attachmentsPanel(mail) {
  if (mail.attachments.length === 0) return el('p', { class: 'note' }, 'Nothing is attached.');
  return el('ul', { class: 'files' }, ...mail.attachments.map(part => fileRow(mail.id, part)));
}

/** @param {string} mailId @param {import('./mail.js').Attachment} part */
function fileRow(mailId, part) {
  const path = `/api/mails/${mailId}/parts/${part.index}`;
  const isPicture = /^image\/(png|jpeg|gif|webp|avif|bmp)$/.test(part.contentType);
  const facts = [
    part.contentType,
    bytesText(part.bytes),
    part.isInline && 'inline',
    part.contentId && `cid:${part.contentId}`,
  ];
  return el(
    'li',
    {},
    isPicture
      ? el('img', { src: path, alt: '', loading: 'lazy' })
      : el('span', { class: 'sheet' }, extensionOf(part.filename)),
    el(
      'span',
      {},
      el('a', { href: path, download: true }, part.filename || `part ${part.index + 1}`),
      el('small', {}, facts.filter(Boolean).join(' · ')),
    ),
  );
}

/** @param {import('./mail.js').Mail} mail */
function conversationPanel(mail) {
  const { mailbox, appId, tls, connectionId } = mail.signIn;
  const kinds = /** @type {Record<string, string>} */ ({ C: 'client', S: 'server', '!': 'event' });
  const lines = mail.transcript.map(line => el('span', { class: kinds[line[0] ?? ''] }, `${line}\n`));
  const facts = definitions([
    ['Signed in as', mailbox],
    ['Application', appId],
    ['Encrypted by', `${tls.version}, ${tls.cipher}`],
    ['Envelope from', mail.envelope.from || '<> (the null sender)'],
    ['Envelope to', mail.envelope.to.join(', ')],
    ['Exchange’s id', mail.serverMessageId],
    ['Connection', connectionId],
    ['Line ends', mail.hasBareLineEnds ? 'some are bare (not CRLF)' : ''],
  ]);
  return el('div', {}, facts, el('pre', { class: 'talk' }, ...lines));
}

/** @param {string} name */
const extensionOf = name => (/\.([a-z0-9]{1,4})$/i.exec(name)?.[1] ?? 'file').toUpperCase();
