import type { AlertNotice, NoticeType } from './alert-notice.ts';
import { findEntry } from './diagnosis/catalogue.ts';
import { docsUrl } from './diagnosis/docs-url.ts';

/** A notice with everything that a person needs: what channels turn into their own form. */
export interface Alert extends AlertNotice {
  /** One line, begins `Opened:`, `Still open:`, `Resolved:`, `Warning:` or `Test:`. */
  readonly title: string;
  readonly cause: string;
  readonly remedy: string;
  readonly dashboardUrl?: string;
  readonly docsUrl: string;
}

/** What a channel made of an alert. `reason` is short and safe to log. */
export type Taken = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** A way to tell people. Never throws. */
export interface AlertChannel {
  readonly key: string;
  readonly kind: string;
  /** Types that it wants to hear; all when absent. */
  readonly wants?: (type: NoticeType) => boolean;
  send(alert: Alert): Promise<Taken>;
}

/** What a dead-man switch is told of a round of probes. */
export type Pulse = 'start' | 'good' | 'bad';

const TITLES: Readonly<Record<NoticeType, string>> = {
  'incident.opened': 'Opened',
  'incident.updated': 'Still open',
  'incident.reminder': 'Still open',
  'incident.closed': 'Resolved',
  warning: 'Warning',
  cleared: 'Resolved',
  test: 'Test',
};

/** Mailboxes named in a title. */
const MAX_NAMED = 2;

/** A notice → what people are told. */
export function alertOf(notice: AlertNotice, dashboardUrl: string | undefined): Alert {
  const entry = findEntry(notice.code);
  const { type, mailboxes } = notice;
  const who = mailboxes.length > MAX_NAMED ? `${mailboxes.length} mailboxes` : mailboxes.join(', ');
  const how = notice.isFlapping ? ' (comes and goes)' : type === 'incident.updated' ? ' (new cause)' : '';
  return {
    ...notice,
    title: `${TITLES[type]}: ${who === '' ? '' : `${who}: `}${entry?.title ?? notice.code}${how}`,
    cause: entry?.cause ?? 'Not known.',
    remedy: entry?.remedy ?? 'See `GET /api/status` and the log of the app.',
    ...(dashboardUrl === undefined ? {} : { dashboardUrl }),
    docsUrl: docsUrl(notice.code),
  };
}

/** Length of time for people: `3 min`, `2 h 5 min`, `4 d 1 h`. */
export function duration(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / 60_000));
  if (minutes < 1) return 'less than a minute';
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Facts of an alert for people, label and value, in order. */
export function factsOf(alert: Alert): readonly (readonly [label: string, value: string])[] {
  const time = (ms: number) => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  const isOver = alert.type === 'incident.closed';
  return [
    ['Mailbox', alert.mailboxes.join(', ')],
    ['Cause', alert.cause],
    ['Code', alert.code],
    ['Phase', alert.phase ?? ''],
    ['Detail', alert.detail ?? ''],
    ['Since', alert.type === 'test' ? '' : time(alert.sinceMs)],
    ['Lasted', isOver ? duration(alert.atMs - alert.sinceMs) : ''],
    ['Last good', alert.lastGoodMs === undefined ? '' : time(alert.lastGoodMs)],
    [
      'Flapping',
      alert.isFlapping
        ? 'It comes and goes. This is said once; the incident stays open until it has been good six times in a row.'
        : '',
    ],
    ['What to do', isOver ? '' : alert.remedy],
  ].filter((fact): fact is [string, string] => fact[1] !== '');
}
