import type { StatusReport } from '../../../shared/domain/status-report.ts';
import { api } from './api.ts';
import type { MessageSummary, Refusal } from './api-shapes.ts';
import { byId, el, redraw } from './dom.ts';
import { diagnosisReader, failures, readFailedMessages } from './failures.ts';
import { durationText } from './format.ts';
import { incidents } from './incidents.ts';
import { mailboxCards } from './mailbox-card.ts';
import { messageList } from './messages.ts';
import { confirm, tell } from './notices.ts';
import type { Board } from './page-state.ts';
import { quiet, tick } from './parts.ts';
import { refreshLoop } from './refresh-loop.ts';
import { askToSignIn, authMode, session, showBoard } from './session.ts';
import { queueTable, summary } from './summary.ts';

/** Lists cost more than the status and change less. */
const LISTS_EVERY_MS = 60_000;

const visit = session();
const client = api(visit.key);
const diagnosisOf = diagnosisReader(client);
let readAtMs: number | undefined;
let listsReadAtMs = 0;
let nextMs: number | undefined;
let failed: readonly MessageSummary[] | undefined;
/** What each part was drawn from: drawn anew only when that has changed. */
const drawn = new Map<string, string>();

const board: Board = {
  api: client,
  now: () => Date.now(),
  tell,
  refused(refusal, what) {
    if (refusal.kind === 'signIn') return signIn(refusal);
    const text = refusal.kind === 'absent' ? `${refusal.text} It may be of a version without this part.` : refusal.text;
    tell(`${what}. ${text}`, 'bad');
  },
  refresh: async () => {
    listsReadAtMs = 0;
    await loop.now();
  },
  confirm,
};

const messages = messageList(board);
const loop = refreshLoop(read, next => {
  nextMs = next;
  showAge();
});

async function read(): Promise<boolean | number> {
  document.documentElement.toggleAttribute('data-reading', true);
  const answer = await client.status();
  document.documentElement.toggleAttribute('data-reading', false);
  if (!answer.ok) return refusedStatus(answer);
  try {
    showBoard();
    await draw(answer.data);
  } catch {
    trouble('The answer of the app is not what this page expects: reload the page.');
    return false;
  }
  readAtMs = Date.now();
  byId('trouble').replaceChildren();
  showAge();
  return true;
}

function trouble(text: string): void {
  redraw(byId('trouble'), el('p', { class: 'notice bad', role: 'alert' }, text));
}

function refusedStatus(refusal: Refusal): boolean | number {
  if (refusal.kind === 'signIn' || refusal.kind === 'forbidden') {
    signIn(refusal);
    return false;
  }
  if (readAtMs === undefined) {
    // Nothing to show yet, and a key would not help.
    showBoard();
    redraw(byId('summary'), el('h1', { id: 'summary-title' }, 'No data yet'));
  }
  trouble(`${refusal.text} What is shown below may be out of date.`);
  return refusal.retryAfterSeconds ?? false;
}

function signIn({ kind, text }: Refusal): void {
  loop.stop();
  const hadKey = visit.key() !== undefined;
  visit.forget();
  const reason =
    hadKey || kind === 'forbidden' ? `${hadKey && kind === 'signIn' ? 'This key was not accepted. ' : ''}${text}` : '';
  askToSignIn(reason, (key, inTab) => {
    visit.keep(key, inTab);
    void loop.now();
  });
  byId('forget').hidden = true;
}

async function draw(report: StatusReport): Promise<void> {
  const { at: _at, ...data } = report;
  const worst = report.mailboxes.filter(({ state }) => state === 'failing').length;
  document.title = `${worst > 0 ? `(${worst}) ` : ''}Exosend`;
  byId('forget').hidden = visit.key() === undefined;
  messages.offer(report.mailboxes.map(({ mailbox }) => mailbox));
  part('summary', [data.mailboxes, data.open, data.queues, data.missing, data.mode], () => summary(report));
  part('incident-list', [data.incidents, data.diagnoses], () => incidents(board, report));
  part('mailbox-list', data, () =>
    report.mailboxes.length === 0 ? [quiet('No mailbox is set up.')] : mailboxCards(board, report),
  );
  part('queue-list', data.queues, () => [
    report.queues.length === 0 ? quiet('Queue lengths are not known.') : queueTable(report),
  ]);
  if (Date.now() - listsReadAtMs >= LISTS_EVERY_MS) {
    listsReadAtMs = Date.now();
    const [, found] = await Promise.all([messages.reload(), readFailedMessages(client)]);
    failed = found;
  }
  const cards = await failures(board, report, failed, diagnosisOf);
  part('failure-list', [failed, data.mailboxes.map(({ history }) => history?.failures), cards.length], () => cards);
}

function part(id: string, from: unknown, make: () => HTMLElement[]): void {
  const text = JSON.stringify(from);
  if (drawn.get(id) === text) return;
  drawn.set(id, text);
  redraw(byId(id), ...make());
}

function showAge(): void {
  const age = readAtMs === undefined ? '' : `Read ${durationText((Date.now() - readAtMs) / 1000)} ago`;
  const next = loop?.isPaused()
    ? 'paused'
    : nextMs === undefined
      ? ''
      : `next in ${durationText((nextMs - Date.now()) / 1000)}`;
  byId('age').textContent = [age, next].filter(Boolean).join(' · ');
}

const pause = byId('pause');
pause.addEventListener('click', () => {
  const isPausing = !loop.isPaused();
  if (isPausing) loop.pause();
  else loop.resume();
  pause.setAttribute('aria-pressed', String(isPausing));
  showAge();
});
byId('refresh').addEventListener('click', () => void board.refresh().then(() => tell('Read anew.')));
byId('forget').addEventListener('click', () => {
  loop.stop();
  drawn.clear();
  readAtMs = undefined;
  // Loaded anew, so that nothing of what was read is left in the page.
  visit.forget();
  location.reload();
});
setInterval(() => {
  tick(document, Date.now());
  if (readAtMs !== undefined) showAge();
}, 5_000);

if (authMode() === 'entra') byId('forget').hidden = true;
void loop.now();
