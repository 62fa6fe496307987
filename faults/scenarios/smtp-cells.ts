import type { Fault, FaultAction, SmtpPoint } from '../../local/m365/faults.ts';

/** One cell of the matrix of SMTP phases and what goes wrong in them. */
export interface Cell {
  readonly phase: string;
  readonly action: string;
  readonly fault: FaultAction & { at: SmtpPoint };
  /** Before AUTH the server does not know the mailbox: such a fault strikes whoever comes next. */
  readonly isAnonymous: boolean;
}

const ANONYMOUS: readonly SmtpPoint[] = [
  'smtp.connect',
  'smtp.greeting',
  'smtp.ehlo',
  'smtp.starttls',
  'smtp.tls',
  'smtp.ehlo2',
];
const KNOWN: readonly SmtpPoint[] = [
  'smtp.auth',
  'smtp.mail',
  'smtp.rcpt',
  'smtp.data',
  'smtp.content',
  'smtp.dot',
  'smtp.quit',
];

const TEXTS: Partial<Record<SmtpPoint, readonly [temporary: string, permanent: string]>> = {
  'smtp.auth': ['454 4.7.0 Temporary authentication failure', '535 5.7.3 Authentication unsuccessful'],
  'smtp.rcpt': ['450 4.2.1 Mailbox busy', '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found'],
  'smtp.starttls': ['454 4.7.0 TLS not available', '554 5.3.0 TLS not available'],
};
const TEXT = ['451 4.3.2 Please try again later', '554 5.3.0 Refused'] as const;

/**
 * Every phase × (4xx, 5xx, drop, stall, slow bytes), and what only the end of a mail has: the server takes it and its
 * reply is lost, stalls or comes slowly.
 *
 * @param stallMs undefined: for ever, so that the app's own time limits are what ends it
 */
export function smtpCells(stallMs: number | undefined): readonly Cell[] {
  const stall: FaultAction = stallMs === undefined ? { action: 'stall' } : { action: 'stall', ms: stallMs };
  const cells: Cell[] = [];
  for (const at of [...ANONYMOUS, ...KNOWN]) {
    const [temporary, permanent] = TEXTS[at] ?? TEXT;
    const actions: readonly (readonly [string, FaultAction])[] = [
      ['4xx', { action: 'reply', text: temporary }],
      ['5xx', { action: 'reply', text: permanent }],
      ['drop', { action: 'drop' }],
      ['stall', stall],
      ['slow', slowAt(at)],
    ];
    for (const [action, fault] of actions) cells.push(cell(at.slice('smtp.'.length), action, { ...fault, at }));
  }
  const stored = { stored: true } as const;
  cells.push(
    cell('reply', 'drop', { at: 'smtp.dot', action: 'drop', ...stored }),
    cell('reply', 'late', { at: 'smtp.dot', action: 'delay', ms: 15_000, ...stored }),
    cell('reply', 'stall', { at: 'smtp.dot', ...(stall as { action: 'stall'; ms?: number }), ...stored }),
    cell('reply', 'delay', { at: 'smtp.dot', action: 'delay', ms: 5_000, ...stored }),
  );
  return cells;
}

function cell(phase: string, action: string, fault: Cell['fault']): Cell {
  return { phase, action, fault, isAnonymous: ANONYMOUS.includes(fault.at) };
}

/** Slow enough to be seen, quick enough to pass: a greeting of 80 bytes takes two seconds. */
const slowAt = (at: SmtpPoint): FaultAction => ({
  action: 'slow',
  bytesPerSecond: at === 'smtp.content' ? 100 : at === 'smtp.tls' ? 500 : 40,
});

/** The fault of a cell for one mailbox, `times` times. */
export function faultOf({ fault, isAnonymous }: Cell, mailbox: string, times: number): Fault {
  return { ...fault, times, ...(isAnonymous ? {} : { match: { mailbox } }) } as Fault;
}
