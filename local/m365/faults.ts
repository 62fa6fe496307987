import type { Counters } from './counters.ts';
import type { BadCertificate } from './state.ts';

const SMTP_POINTS = [
  'smtp.connect',
  'smtp.greeting',
  'smtp.ehlo',
  'smtp.starttls',
  'smtp.tls',
  'smtp.ehlo2',
  'smtp.auth',
  'smtp.mail',
  'smtp.rcpt',
  'smtp.data',
  'smtp.content',
  'smtp.dot',
  'smtp.rset',
  'smtp.quit',
] as const;
const HTTP_POINTS = ['identity', 'vault', 'token', 'discovery', 'graph'] as const;
const ACTIONS: readonly string[] = ['reply', 'drop', 'stall', 'delay', 'slow', 'http', 'certificate'];

export type SmtpPoint = (typeof SMTP_POINTS)[number];
export type HttpPoint = (typeof HTTP_POINTS)[number];
type FaultPoint = SmtpPoint | HttpPoint;

/**
 * What goes wrong. `smtp.dot` actions, and `drop` over HTTP, may carry `stored: true`: the mail is accepted (kept, counted),
 * or the call carried out, before the action.
 */
export type FaultAction =
  /** SMTP: this reply in place of the real one; `close` closes after it (421 always does). */
  | { action: 'reply'; text: string; close?: boolean; stored?: boolean }
  /** The connection goes away without a word; `reset`: by RST. */
  | { action: 'drop'; reset?: boolean; stored?: boolean }
  /** Silence for `ms` (undefined: for ever), then as if nothing had been. */
  | { action: 'stall'; ms?: number; stored?: boolean }
  /** The real reply, late by `ms`. */
  | { action: 'delay'; ms: number; stored?: boolean }
  /** Bytes trickle: `smtp.content` is read, `smtp.tls` (the whole handshake) and every other reply is written, at this speed. */
  | { action: 'slow'; bytesPerSecond: number }
  /** `smtp.tls`: a certificate that a careful client must refuse. */
  | { action: 'certificate'; kind: BadCertificate }
  /** HTTP: this answer; `body` an object for JSON, or text. */
  | { action: 'http'; status: number; body?: unknown; retryAfter?: string | number };

export type Fault = FaultAction & {
  at: FaultPoint;
  /** How often; default: until cleared. */
  times?: number;
  /** How many occasions pass unharmed first; default 0. */
  skip?: number;
  /** `smtp.content`: after this many bytes of content have been read; default 0. A shorter message gets away, but uses the fault up. */
  after?: number;
  /** Only where all given members match: mailbox (authenticated, or the one in AUTH), recipient (of RCPT, or any of the mail's), path (part of the URL), method. */
  match?: { mailbox?: string; recipient?: string; path?: string; method?: string };
};

interface FaultSubject {
  mailbox?: string | undefined;
  recipients?: string[];
  path?: string;
  method?: string;
}

export interface Faults {
  /** Replaces all faults. Throws on a point or action that does not exist, as `add` does. */
  set(faults: Fault | Fault[]): void;
  add(fault: Fault): void;
  clear(): void;
  /** What is still in force, with `times` and `skip` as they stand. */
  list(): Fault[];
  /** The first fault in force for this occasion, used up by one; undefined when all is well. */
  take(at: FaultPoint, subject?: FaultSubject): Fault | undefined;
}

/** An empty set of faults. */
export function createFaults(counters: Counters): Faults {
  let faults: Fault[] = [];
  const add = (fault: Fault): void => {
    assertFault(fault);
    faults.push(structuredClone(fault));
  };
  return {
    set(given) {
      const next = Array.isArray(given) ? given : [given];
      next.forEach(assertFault);
      faults = structuredClone(next);
    },
    add,
    clear() {
      faults = [];
    },
    list: () => structuredClone(faults),
    take(at, subject = {}) {
      for (const fault of faults.filter(one => one.at === at && matches(one, subject))) {
        if (fault.skip && fault.skip > 0) {
          fault.skip--;
          continue;
        }
        if (fault.times !== undefined && --fault.times <= 0) faults = faults.filter(one => one !== fault);
        counters.faultsTriggered++;
        return fault;
      }
      return undefined;
    },
  };
}

/** Catches a misspelt point or action, which would otherwise never strike and let a test pass for nothing. */
function assertFault({ at, action }: Fault): void {
  const points: readonly string[] = [...SMTP_POINTS, ...HTTP_POINTS];
  if (!points.includes(at)) throw new Error(`No fault point '${at}'. There are ${points.join(', ')}.`);
  const isHttp = (HTTP_POINTS as readonly string[]).includes(at);
  const isMisplaced = isHttp ? action === 'reply' : action === 'http';
  if (!ACTIONS.includes(action) || isMisplaced || (action === 'certificate' && at !== 'smtp.tls')) {
    throw new Error(`No fault action '${action}' at '${at}'.`);
  }
}

function matches({ match }: Fault, subject: FaultSubject): boolean {
  if (!match) return true;
  if (match.mailbox !== undefined && !same(match.mailbox, subject.mailbox)) return false;
  if (match.recipient !== undefined && !subject.recipients?.some(one => same(one, match.recipient))) return false;
  if (match.method !== undefined && !same(match.method, subject.method)) return false;
  return match.path === undefined || (subject.path ?? '').includes(match.path);
}

const same = (one: string | undefined, other: string | undefined): boolean =>
  one?.toLowerCase() === other?.toLowerCase();
