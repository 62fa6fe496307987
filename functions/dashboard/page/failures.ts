import type { StatusReport } from '../../../shared/domain/status-report.ts';
import type { Api } from './api.ts';
import type { Diagnosis, MessageSummary } from './api-shapes.ts';
import { disclosure, el } from './dom.ts';
import { countText, listText } from './format.ts';
import type { Board } from './page-state.ts';
import { advice, ago, prose, quiet } from './parts.ts';

/** States in which a message has ended badly; each is asked for by itself. */
const BAD_ENDS = ['failed', 'unknown', 'expired'] as const;
const PER_STATE = '50';

interface Group {
  readonly code: string;
  messages: number;
  probes: number;
  lastAt: string;
  readonly mailboxes: Set<string>;
  /** One message of this code, to read the diagnosis from. */
  example?: string;
}

/** The latest messages that ended badly. Undefined when they could not be read. */
export async function readFailedMessages(api: Api): Promise<readonly MessageSummary[] | undefined> {
  const pages = await Promise.all(BAD_ENDS.map(status => api.messages({ status, limit: PER_STATE })));
  if (pages.some(page => !page.ok)) return undefined;
  return pages.flatMap(page => (page.ok ? page.data.messages : []));
}

/** Diagnoses by code, as far as they are known; asked for once each. */
export function diagnosisReader(api: Api) {
  const known = new Map<string, Promise<Diagnosis | undefined>>();
  return (code: string, example: string): Promise<Diagnosis | undefined> => {
    let found = known.get(code);
    if (!found) {
      found = api.message(example).then(answer => {
        if (answer.ok && answer.data.diagnosis) return answer.data.diagnosis;
        known.delete(code);
        return undefined;
      });
      known.set(code, found);
    }
    return found;
  };
}

/** Failures of messages and probes by their cause, the latest first: what went wrong lately, and what to do about it. */
export async function failures(
  board: Board,
  report: StatusReport,
  messages: readonly MessageSummary[] | undefined,
  diagnosisOf: ReturnType<typeof diagnosisReader>,
): Promise<HTMLElement[]> {
  const groups = grouped(report, messages ?? []);
  const unread = messages ? [] : [quiet('The messages that failed could not be read.')];
  if (groups.length === 0) return [...unread, ...(messages ? [quiet('No failure in the last days.')] : [])];
  const shown = groups.slice(0, 12);
  const found = await Promise.all(
    shown.map(({ code, example }) => report.diagnoses[code] ?? (example ? diagnosisOf(code, example) : undefined)),
  );
  return [...unread, ...shown.map((group, index) => groupCard(board, group, found[index]))];
}

function grouped(report: StatusReport, messages: readonly MessageSummary[]): Group[] {
  const groups = new Map<string, Group>();
  const add = (code: string, kind: 'messages' | 'probes', at: string, mailbox: string, example?: string) => {
    const group = groups.get(code) ?? { code, messages: 0, probes: 0, lastAt: at, mailboxes: new Set<string>() };
    group[kind]++;
    if (mailbox !== '') group.mailboxes.add(mailbox);
    if (at > group.lastAt) group.lastAt = at;
    if (example !== undefined) group.example ??= example;
    groups.set(code, group);
  };
  for (const { id, code, status, updatedAt, mailbox } of messages)
    add(code ?? status, 'messages', updatedAt, mailbox, id);
  for (const { mailbox, history } of report.mailboxes)
    for (const { at, code, phase } of history?.failures ?? []) add(code ?? `probe: ${phase}`, 'probes', at, mailbox);
  return [...groups.values()].sort((a, b) => (a.lastAt < b.lastAt ? 1 : -1));
}

function groupCard(board: Board, group: Group, diagnosis: Diagnosis | undefined): HTMLElement {
  const counts = [
    ...(group.messages > 0 ? [countText(group.messages, 'message')] : []),
    ...(group.probes > 0 ? [countText(group.probes, 'probe')] : []),
  ];
  const boxes = [...group.mailboxes];
  const where =
    boxes.length === 0
      ? ''
      : ` · ${boxes.length > 3 ? countText(boxes.length, 'mailbox', 'mailboxes') : listText(boxes)}`;
  return el(
    'article',
    { class: 'failure', 'aria-label': `Failure: ${group.code}` },
    el(
      'p',
      { class: 'failure-head' },
      el('code', { class: 'code' }, group.code),
      el('span', { class: 'dim' }, `${listText(counts)}${where} · `, ago(group.lastAt, board.now())),
    ),
    diagnosis ? el('p', {}, prose(diagnosis.cause)) : null,
    diagnosis ? disclosure(`failure:${group.code}`, false, 'What to do', advice(diagnosis)) : null,
  );
}
