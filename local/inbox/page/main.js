import { byId, el } from './dom.js';
import { emptyRow, mailRow } from './list.js';
import { mailView, noMail } from './mail.js';

const PAGE = 100;
const list = byId('list');
const search = /** @type {HTMLInputElement} */ (byId('search'));
const sure = /** @type {HTMLDialogElement} */ (byId('sure'));
/** Mails that came in while the page was open and have not been looked at. @type {Set<string>} */
const fresh = new Set();
let limit = PAGE;
let openId = '';
let pending = 0;

/** Loads the list and shows it; of several calls under way the last one wins. */
async function showList() {
  const turn = ++pending;
  const query = new URLSearchParams({ q: search.value, limit: String(limit) });
  const response = await fetch(`/api/mails?${query}`);
  const { total, matched, mails } = await response.json();
  if (turn !== pending) return;
  const focused = document.activeElement instanceof HTMLAnchorElement ? document.activeElement.hash : '';
  const rows = mails.map((/** @type {import('./list.js').Summary} */ mail) =>
    mailRow(mail, { isOpen: mail.id === openId, isNew: fresh.has(mail.id) }),
  );
  list.replaceChildren(...(rows.length > 0 ? rows : [emptyRow(search.value.trim() !== '')]));
  if (focused) rowOf(focused.slice(1))?.focus();
  byId('count').textContent =
    matched === total ? `${total} ${total === 1 ? 'mail' : 'mails'}` : `${matched} of ${total}`;
  byId('more').hidden = matched <= limit;
  document.title = `${total > 0 ? `(${total}) ` : ''}Inbox · Exosend`;
}

/** Shows the mail that the address names, or none. */
async function showMail() {
  openId = location.hash.slice(1);
  fresh.delete(openId);
  document.body.classList.toggle('reading', openId !== '');
  for (const row of list.querySelectorAll('a')) {
    const isOpen = row.hash === `#${openId}`;
    row.setAttribute('aria-current', String(isOpen));
    if (isOpen) row.classList.remove('new');
  }
  const pane = byId('mail');
  if (!openId) {
    pane.replaceChildren(...noMail());
    return;
  }
  const id = openId;
  const response = await fetch(`/api/mails/${encodeURIComponent(id)}`);
  const mail = response.ok ? await response.json() : undefined;
  if (id !== openId) return;
  const gone = el(
    'div',
    { class: 'nothing' },
    el('p', {}, 'This mail is gone.'),
    el('a', { href: '#' }, '← All mails'),
  );
  pane.replaceChildren(...(mail ? mailView(mail) : [gone]));
  rowOf(id)?.scrollIntoView({ block: 'nearest' });
}

/** @param {string} id */
const rowOf = id => [...list.querySelectorAll('a')].find(row => row.hash === `#${id}`);

/** Opens the mail `step` rows further down. @param {number} step */
function move(step) {
  const rows = [...list.querySelectorAll('a')];
  const at = rows.findIndex(row => row.hash === `#${openId}`);
  const next = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step))];
  if (!next) return;
  next.focus();
  location.hash = next.hash;
}

let isListingSoon = false;
/** Lists again soon: a burst of mails is one request, not a thousand. */
function listSoon() {
  if (isListingSoon) return;
  isListingSoon = true;
  setTimeout(() => {
    isListingSoon = false;
    showList().catch(() => {});
  }, 200);
}

function listen() {
  const events = new EventSource('/api/events');
  const live = byId('live');
  events.addEventListener('open', () => {
    live.className = 'live on';
    live.title = 'Live: new mails appear by themselves';
    listSoon();
  });
  events.addEventListener('error', () => {
    live.className = 'live';
    live.title = 'Not connected: is the local cloud still running?';
  });
  events.addEventListener('mail', event => {
    fresh.add(JSON.parse(event.data).id);
    listSoon();
  });
  events.addEventListener('cleared', listSoon);
}

search.addEventListener('input', listSoon);
byId('more').addEventListener('click', () => {
  limit += PAGE;
  showList();
});
byId('clear').addEventListener('click', () => sure.showModal());
byId('keep').addEventListener('click', () => sure.close());
byId('delete').addEventListener('click', async () => {
  sure.close();
  await fetch('/api/mails', { method: 'DELETE' });
  location.hash = '';
  showList();
});
window.addEventListener('hashchange', showMail);
document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || sure.open) return;
  if (event.key === 'Escape') {
    if (document.activeElement === search) search.blur();
    else location.hash = '';
  } else if (document.activeElement === search) {
    if (event.key === 'ArrowDown' || event.key === 'Enter') move(0);
  } else if (event.key === 'j' || event.key === 'k') move(event.key === 'j' ? 1 : -1);
  else if (event.key === '/') {
    event.preventDefault();
    search.focus();
    search.select();
  }
});

showList();
showMail();
listen();
