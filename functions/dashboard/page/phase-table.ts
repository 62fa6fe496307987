import { spanBar, sparkline } from './charts.ts';
import { el } from './dom.ts';
import { msText } from './format.ts';
import { icon, type Tone } from './icons.ts';
import type { Mailbox } from './page-state.ts';

const NAMES: Readonly<Record<string, string>> = {
  settings: 'Settings',
  identity: 'Managed identity',
  vault: 'Key Vault',
  token: 'Token',
  dns: 'DNS',
  tcp: 'TCP',
  greeting: 'Greeting',
  ehlo: 'EHLO',
  tls: 'TLS',
  ehlo2: 'EHLO after TLS',
  auth: 'Sign-in',
  envelope: 'Sender, recipient',
  canary: 'Canary mail',
};

export const phaseName = (phase: string): string => NAMES[phase] ?? phase;

/** The last run phase by phase: where it lay, how long it took, and how that compares with the last 24 hours. */
export function phaseTable({ mailbox, lastProbe, history }: Mailbox): HTMLElement | undefined {
  if (!lastProbe || lastProbe.phases.length === 0) return undefined;
  const totalMs = lastProbe.phases.reduce((sum, { ms }) => sum + ms, 0);
  let startMs = 0;
  const rows = lastProbe.phases.map(({ phase, ok, ms, detail }) => {
    const times = history?.phases.find(one => one.phase === phase);
    const begunMs = startMs;
    startMs += ms;
    const { tone, text } = outcome(ok);
    const number = (value: number | null | undefined) =>
      el('td', { class: 'number dim' }, value === null || value === undefined ? '–' : msText(value));
    return el(
      'tr',
      {},
      el(
        'th',
        { scope: 'row', title: detail.slice(0, 400) },
        el(
          'span',
          { class: 'phase-name' },
          icon(tone),
          phaseName(phase),
          el('span', { class: 'visually-hidden' }, text),
        ),
      ),
      el('td', { class: 'span-cell' }, ok === null ? null : spanBar(begunMs, ms, totalMs, ok ? 'fill' : 'bad')),
      el('td', { class: 'number' }, ok === null ? '–' : msText(ms)),
      number(times?.p50),
      number(times?.p95),
      el('td', { class: 'spark-cell' }, times ? sparkline(times) : null),
    );
  });
  const head = (text: string, name = '') => el('th', { scope: 'col', class: name }, text);
  return el(
    'table',
    { class: 'phases' },
    el(
      'caption',
      { class: 'visually-hidden' },
      `Phases of the last probe of ${mailbox}, and their times in the last 24 hours`,
    ),
    el(
      'thead',
      {},
      el(
        'tr',
        {},
        head('Phase'),
        head('Last run', 'span-cell'),
        el('th', { scope: 'col', class: 'number' }, el('span', { class: 'visually-hidden' }, 'Time')),
        head('p50', 'number'),
        head('p95', 'number'),
        head('Trend', 'spark-cell'),
      ),
    ),
    el('tbody', {}, ...rows),
  );
}

function outcome(ok: boolean | null): { readonly tone: Tone; readonly text: string } {
  if (ok === null) return { tone: 'none', text: 'not reached' };
  return ok ? { tone: 'good', text: 'good' } : { tone: 'bad', text: 'failed' };
}
