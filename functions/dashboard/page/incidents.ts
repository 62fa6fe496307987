import type { StatusReport } from '../../../shared/domain/status-report.ts';
import { disclosure, el, longText } from './dom.ts';
import { countText, durationText, listText } from './format.ts';
import { type Board, whileBusy } from './page-state.ts';
import { advice, ago, badge, quiet } from './parts.ts';

type Incident = StatusReport['incidents'][number];

/** Open incidents in full, the closed ones of the last days behind a disclosure. */
export function incidents(board: Board, report: StatusReport): HTMLElement[] {
  const open = report.incidents.filter(({ state }) => state === 'open');
  const closed = report.incidents.filter(({ state }) => state === 'closed');
  return [
    ...(open.length === 0 ? [quiet('No incident is open.')] : open.map(one => incidentCard(board, report, one))),
    ...(closed.length === 0
      ? []
      : [
          disclosure(
            'closed-incidents',
            false,
            countText(closed.length, 'closed incident'),
            el('ul', { class: 'plain' }, ...closed.map(one => el('li', {}, closedLine(board, one)))),
          ),
        ]),
  ];
}

function incidentCard(board: Board, { diagnoses }: StatusReport, incident: Incident): HTMLElement {
  const { id, code, since, lastGood, acknowledged } = incident;
  const now = board.now();
  const docs = diagnoses[code]?.docs;
  return el(
    'article',
    { class: 'card incident', 'aria-label': `Incident: ${code}` },
    el(
      'div',
      { class: 'card-head' },
      el('h3', {}, badge('bad', 'Open'), el('code', {}, code)),
      acknowledged
        ? el('span', { class: 'badge none' }, 'Acknowledged')
        : el(
            'button',
            {
              type: 'button',
              'data-focus': `ack:${id}`,
              'aria-label': `Acknowledge the incident ${code}`,
              click: whileBusy(() => acknowledge(board, id), 'Acknowledging…'),
            },
            'Acknowledge',
          ),
    ),
    el(
      'p',
      { class: 'dim' },
      'For ',
      durationText((now - Date.parse(since)) / 1000),
      '. ',
      ...(lastGood ? ['Last good ', ago(lastGood, now), '. '] : []),
      `Hits ${listText(incident.mailboxes)}.`,
    ),
    advice({ ...incident, ...(docs === undefined ? {} : { docs }) }),
  );
}

function closedLine(board: Board, { code, mailboxes, since, cause, id }: Incident): HTMLElement {
  return el(
    'p',
    {},
    el('code', {}, code),
    ` on ${listText(mailboxes)}, began `,
    ago(since, board.now()),
    '. ',
    longText(cause, id),
  );
}

async function acknowledge(board: Board, id: string): Promise<void> {
  const answer = await board.api.acknowledge(id);
  if (!answer.ok) return board.refused(answer, 'The incident was not acknowledged');
  board.tell('Acknowledged: no reminders until it closes.', 'good');
  await board.refresh();
}
