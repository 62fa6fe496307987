import type { StatusReport } from '../../../shared/domain/status-report.ts';
import { gauge, uptimeBar } from './charts.ts';
import { disclosure, el, longText } from './dom.ts';
import { agoText, countText, dateText, msText, numberText, timeText } from './format.ts';
import type { Tone } from './icons.ts';
import { type Board, type Mailbox, whileBusy } from './page-state.ts';
import { advice, ago, badge, figure } from './parts.ts';
import { phaseName, phaseTable } from './phase-table.ts';
import { transcriptButton } from './transcript.ts';

const TONES: Record<Mailbox['state'], Tone> = { healthy: 'good', degraded: 'warn', failing: 'bad', unknown: 'none' };
const WORDS: Record<Mailbox['state'], string> = {
  healthy: 'Healthy',
  degraded: 'Degraded',
  failing: 'Failing',
  unknown: 'Unknown',
};
const ORDER: readonly Mailbox['state'][] = ['failing', 'degraded', 'unknown', 'healthy'];
/** With more mailboxes than this a card shows its phases only when asked. */
const FEW = 4;

/** One card for each mailbox, those that need somebody first. */
export function mailboxCards(board: Board, report: StatusReport): HTMLElement[] {
  const sorted = [...report.mailboxes].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  return sorted.map(mailbox => mailboxCard(board, report, mailbox, sorted.length <= FEW));
}

function mailboxCard(board: Board, report: StatusReport, mailbox: Mailbox, isOpen: boolean): HTMLElement {
  const { mailbox: name, state, history } = mailbox;
  const phases = phaseTable(mailbox);
  const now = board.now();
  return el(
    'article',
    { class: `card mailbox ${TONES[state]}`, 'aria-label': `Mailbox ${name}: ${WORDS[state]}` },
    el(
      'div',
      { class: 'card-head' },
      el('h3', {}, badge(TONES[state], WORDS[state]), el('span', { class: 'name' }, name)),
      el(
        'button',
        {
          type: 'button',
          'data-focus': `probe:${name}`,
          'aria-label': `Probe ${name} now`,
          click: whileBusy(() => probeNow(board, name), 'Probing…'),
        },
        'Probe now',
      ),
    ),
    reasons(board, report, mailbox),
    el(
      'div',
      { class: 'card-body' },
      el(
        'div',
        {},
        history && uptimeBar('Last 24 hours', history.day, history.coveredFrom, now),
        history && uptimeBar('Last 7 days', history.week, history.coveredFrom, now),
        el('dl', { class: 'figures small' }, ...figures(mailbox, now)),
      ),
      phases
        ? disclosure(`phases:${name}`, isOpen, 'Phases of the last probe', phases)
        : el('p', { class: 'quiet' }, 'No probe has run yet.'),
    ),
    failures(board, mailbox),
  );
}

function reasons(
  board: Board,
  { diagnoses, incidents }: StatusReport,
  { mailbox, reasons }: Mailbox,
): HTMLElement | null {
  if (reasons.length === 0) return null;
  const open = new Set(incidents.filter(({ state }) => state === 'open').map(({ code }) => code));
  const told = new Set<string>();
  return el(
    'ul',
    { class: 'reasons' },
    ...reasons.map(({ text, code }) => {
      // What an incident above explains in full is not explained again.
      const diagnosis = code !== undefined && !open.has(code) && !told.has(code) ? diagnoses[code] : undefined;
      if (code !== undefined) told.add(code);
      return el(
        'li',
        {},
        longText(readable(text, board.now()), `reason:${mailbox}:${text.slice(0, 80)}`),
        code !== undefined && el('code', { class: 'code' }, code),
        diagnosis && disclosure(`advice:${mailbox}:${code}`, false, 'Cause and remedy', advice(diagnosis)),
      );
    }),
  );
}

/** The report's times are UTC; a reader's are their own. */
function readable(text: string, nowMs: number): string {
  return text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, iso => timeText(iso, nowMs));
}

function figures({ lastProbe, credential, quota, breaker }: Mailbox, now: number): HTMLElement[] {
  const certificate = figure(...credentialFigure(credential));
  certificate.classList.add('wide');
  return [
    lastProbe
      ? figure('Last probe', ago(lastProbe.at, now), note(outcomeText(lastProbe)))
      : figure('Last probe', 'never'),
    figure('Breaker', ...breakerText(breaker, now)),
    certificate,
    quotaFigure('Rate, last minute', quota.messagesPerMinute, 'messages'),
    quotaFigure('Recipients, 24 hours', quota.recipientsPerDay, 'recipients'),
  ];
}

function outcomeText({ ok, ms }: NonNullable<Mailbox['lastProbe']>): string {
  if (ok === null) return 'could not tell';
  return `${ok ? 'good' : 'failed'} after ${msText(ms)}`;
}

function credentialFigure({
  kind,
  name,
  version,
  expiresAt,
  daysLeft,
  fallback,
}: Mailbox['credential']): [string, ...(Node | string)[]] {
  if (kind === 'managedIdentity') return ['Credential', 'managed identity', note('no secret, nothing to renew')];
  const title = kind === 'certificate' ? 'Certificate' : 'Client secret';
  const versionText = version === null ? '' : ` · ${version.slice(0, 8)}`;
  if (daysLeft === null || expiresAt === null) return [title, 'not read yet', note(`${name ?? ''}${versionText}`)];
  const left = daysLeft < 0 ? 'expired' : `${countText(daysLeft, 'day')} left`;
  return [
    title,
    el('span', { class: daysLeft <= 14 ? 'warn-text' : '' }, left),
    note(`${name ?? ''}${versionText} · to ${dateText(expiresAt)}`),
    ...(fallback ? [note(`an older version stands in: the newest is ${FALLBACKS[fallback.reason]}`)] : []),
  ];
}

const FALLBACKS: Record<NonNullable<Mailbox['credential']['fallback']>['reason'], string> = {
  refused: 'refused by Entra ID',
  disabled: 'disabled',
  notYetValid: 'not valid yet',
  expired: 'expired',
  unusable: 'unusable',
};

function quotaFigure(
  title: string,
  { used, limit }: { used: number | null; limit: number },
  what: string,
): HTMLElement {
  if (used === null) return figure(title, 'not known', note(`of ${numberText(limit)}`));
  return figure(
    title,
    `${numberText(used)} `,
    el('span', { class: 'dim' }, `of ${numberText(limit)}`),
    gauge(`${numberText(used)} of ${numberText(limit)} ${what} used`, used, limit),
  );
}

function breakerText(breaker: Mailbox['breaker'], now: number): (Node | string)[] {
  if (!breaker) return ['not known'];
  if (breaker.state === 'closed') return ['closed', note('mail may go')];
  const words = breaker.state === 'open' ? 'open' : 'half open';
  const trial = breaker.nextTrialAt ? `, next trial ${agoText(breaker.nextTrialAt, now)}` : '';
  return [
    el('span', { class: 'bad-text' }, words),
    note(`since ${timeText(breaker.since ?? '', now)}${breaker.state === 'open' ? trial : ', a trial is under way'}`),
  ];
}

function note(text: string): HTMLElement {
  return el('span', { class: 'note' }, text);
}

function failures(board: Board, { mailbox, history }: Mailbox): HTMLElement | null {
  if (!history || history.failures.length === 0) return null;
  return disclosure(
    `failures:${mailbox}`,
    false,
    `Latest failed probes (${history.failures.length})`,
    el(
      'ol',
      { class: 'plain failed-runs' },
      ...history.failures.map(({ at, phase, code, detail }) =>
        el(
          'li',
          {},
          el(
            'p',
            {},
            ago(at, board.now()),
            phase ? ` at ${phaseName(phase)} ` : ' ',
            code && el('code', { class: 'code' }, code),
          ),
          el('p', { class: 'dim' }, longText(detail, `failure:${mailbox}:${at}`)),
          transcriptButton(board, mailbox, at),
        ),
      ),
    ),
  );
}

async function probeNow(board: Board, mailbox: string): Promise<void> {
  board.tell(`Probing ${mailbox}…`);
  const answer = await board.api.probe(mailbox);
  if (!answer.ok) return board.refused(answer, 'The probe did not run');
  const run = answer.data.runs.find(one => one.mailbox.toLowerCase() === mailbox.toLowerCase()) ?? answer.data.runs[0];
  const failed = run?.phases.find(phase => phase.ok === false);
  if (run?.ok === true) board.tell(`${mailbox}: good, in ${msText(run.ms)}.`, 'good');
  else if (failed) board.tell(`${mailbox}: failed at ${phaseName(failed.phase)}.`, 'bad');
  else board.tell(`${mailbox}: the probe could not tell.`);
  await board.refresh();
}
