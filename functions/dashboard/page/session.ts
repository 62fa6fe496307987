import { byId, el, redraw } from './dom.ts';
import { icon } from './icons.ts';

const STORED = 'exosend.key';

/**
 * The key of this visit. It stays in memory and is gone with the page; only who asks for it has it kept in
 * sessionStorage, which ends with the tab. It goes into a header of calls to this app, never into an address.
 */
export function session() {
  let key = sessionStorage.getItem(STORED) ?? undefined;
  return {
    key: () => key,
    keep(next: string, inTab: boolean): void {
      key = next;
      if (inTab) sessionStorage.setItem(STORED, next);
      else sessionStorage.removeItem(STORED);
    },
    forget(): void {
      key = undefined;
      sessionStorage.removeItem(STORED);
    },
  };
}

/** How callers prove themselves, as the app has written it into the page. */
export function authMode(): 'key' | 'entra' {
  return document.documentElement.dataset['auth'] === 'entra' ? 'entra' : 'key';
}

/** Shows the sign-in in place of the board, with why it is asked for, and puts the focus where the answer goes. */
export function askToSignIn(reason: string, onKey: (key: string, inTab: boolean) => void): void {
  byId('board').hidden = true;
  const box = byId('sign-in');
  box.hidden = false;
  redraw(box, authMode() === 'entra' ? entraForm(reason) : keyForm(reason, onKey));
  box.querySelector<HTMLElement>('input, a')?.focus();
}

export function showBoard(): void {
  const box = byId('sign-in');
  if (!box.hidden) byId('main').focus();
  box.hidden = true;
  box.replaceChildren();
  byId('board').hidden = false;
}

function keyForm(reason: string, onKey: (key: string, inTab: boolean) => void): HTMLElement {
  const input = el('input', {
    id: 'key',
    type: 'password',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
    'aria-describedby': 'key-help key-reason',
  });
  const inTab = el('input', { id: 'keep', type: 'checkbox' });
  const submit = (event: Event) => {
    event.preventDefault();
    const key = input.value.trim();
    if (key !== '') onKey(key, inTab.checked);
  };
  return el(
    'form',
    { class: 'sign-in', submit },
    el('h1', {}, 'Open the dashboard'),
    reasonText(reason),
    el('label', { for: 'key' }, 'Function key'),
    input,
    el(
      'p',
      { id: 'key-help', class: 'dim' },
      'A host key, or the key of a caller that MAIL_CALLERS makes an operator. It is sent as a header to this app only, and forgotten when this page is closed.',
    ),
    el('p', { class: 'check' }, inTab, el('label', { for: 'keep' }, 'Keep it until this tab is closed')),
    el('button', { type: 'submit', class: 'primary' }, 'Open'),
  );
}

/** With Entra ID there is no key: App Service authentication keeps a cookie, and calls from this page carry it. */
function entraForm(reason: string): HTMLElement {
  const back = encodeURIComponent(location.pathname);
  return el(
    'div',
    { class: 'sign-in' },
    el('h1', {}, 'Open the dashboard'),
    reasonText(reason),
    el('p', {}, 'This app knows its callers by Entra ID. Sign in with an account that has the app role Mail.Operate.'),
    el(
      'p',
      {},
      el('a', { class: 'button primary', href: `/.auth/login/aad?post_login_redirect_uri=${back}` }, 'Sign in'),
    ),
  );
}

function reasonText(reason: string): HTMLElement {
  return el(
    'p',
    { id: 'key-reason', class: reason === '' ? 'reason' : 'reason told' },
    reason !== '' && icon('bad'),
    reason,
  );
}
