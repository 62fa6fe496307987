import type { StatusReport } from '../../../shared/domain/status-report.ts';
import { el } from './dom.ts';
import { countText, durationText, numberText } from './format.ts';
import { icon, type Tone } from './icons.ts';
import { figure } from './parts.ts';

/** The first look: does it work, and what waits. */
export function summary(report: StatusReport): HTMLElement[] {
  const { tone, title, text } = verdict(report);
  return [
    el(
      'div',
      { class: `verdict ${tone}` },
      icon(tone),
      el('div', {}, el('h1', { id: 'summary-title' }, title), el('p', {}, text)),
    ),
    el('dl', { class: 'figures' }, ...figures(report)),
    ...report.missing.map(({ source, detail, code }) =>
      el(
        'p',
        { class: 'notice warn' },
        icon('warn'),
        el('span', {}, el('strong', {}, `${SOURCES[source]} could not be read. `), `${detail} (${code})`),
      ),
    ),
  ];
}

const SOURCES: Record<StatusReport['missing'][number]['source'], string> = {
  incidents: 'Incidents',
  probes: 'Probe results',
  mailboxes: 'Quota and breakers',
  queues: 'Queue lengths',
  messages: 'Open messages',
};

function verdict({ mailboxes, mode, missing }: StatusReport): { tone: Tone; title: string; text: string } {
  const count = (state: string) => mailboxes.filter(one => one.state === state).length;
  const [failing, degraded, unknown] = ['failing', 'degraded', 'unknown'].map(count) as [number, number, number];
  const all = mailboxes.length;
  const text = `${countText(all, 'mailbox', 'mailboxes')} · mode ${mode}${MODES[mode]}`;
  const of = (some: number) =>
    all === 1 ? 'The mailbox' : some === all ? 'All mailboxes' : `${some} of ${all} mailboxes`;
  const verb = (some: number) => (all > 1 && (some > 1 || some === all) ? 'are' : 'is');
  if (failing > 0) return { tone: 'bad', title: `${of(failing)} ${verb(failing)} failing`, text };
  if (degraded > 0) return { tone: 'warn', title: `${of(degraded)} ${verb(degraded)} degraded`, text };
  if (unknown > 0)
    return {
      tone: 'none',
      title: unknown === all ? 'Nothing has been probed or sent yet' : `${of(unknown)} ${verb(unknown)} unknown`,
      text,
    };
  return {
    tone: missing.length > 0 ? 'warn' : 'good',
    title: missing.length > 0 ? 'Not everything could be read' : `${of(all)} ${verb(all)} healthy`,
    text,
  };
}

const MODES: Record<StatusReport['mode'], string> = {
  live: '',
  'allow-list': ': only to the addresses on its list',
  sandbox: ': nothing leaves the app',
};

function figures({ open, queues }: StatusReport): HTMLElement[] {
  const sum = (some: StatusReport['queues']) => some.reduce((total, { length }) => total + length, 0);
  const poison = sum(queues.filter(({ name }) => isPoison(name)));
  const atLeast = open?.truncated ? '≥ ' : '';
  return [
    ...(open
      ? [
          figure('Waiting', `${atLeast}${numberText(open.queued + open.sending)}`),
          figure('To be tried again', `${atLeast}${numberText(open.deferred)}`),
          figure('Scheduled', `${atLeast}${numberText(open.scheduled)}`),
          figure('Longest overdue', open.oldestOverdueSeconds === 0 ? 'none' : durationText(open.oldestOverdueSeconds)),
        ]
      : []),
    ...(queues.length > 0
      ? [
          figure('On queues', numberText(sum(queues.filter(({ name }) => !isPoison(name))))),
          figure('On poison queues', poison > 0 ? el('strong', { class: 'warn-text' }, numberText(poison)) : '0'),
        ]
      : []),
  ];
}

/** Each queue by name, for who wants to know where it waits. */
export function queueTable({ queues }: StatusReport): HTMLElement {
  const lengths = new Map(queues.map(({ name, length }) => [name, length]));
  const head = (text: string) => el('th', { scope: 'col', class: 'number' }, text);
  const number = (name: string) => {
    const length = lengths.get(name);
    return el('td', { class: 'number' }, length === undefined ? '–' : numberText(length));
  };
  return el(
    'table',
    { class: 'queues' },
    el('caption', { class: 'visually-hidden' }, 'Messages on each queue'),
    el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'Queue'), head('On it'), head('Poison'))),
    el(
      'tbody',
      {},
      ...queues
        .filter(({ name }) => !isPoison(name))
        .map(({ name }) => el('tr', {}, el('th', { scope: 'row' }, name), number(name), number(`${name}-poison`))),
    ),
  );
}

function isPoison(name: string): boolean {
  return name.endsWith('-poison');
}
