import { matchesAddressPattern } from './address.ts';
import { isFinal, type MessageRecord } from './message-record.ts';
import type { PhaseResult } from './probe-run.ts';
import { redact } from './redact.ts';
import type { Sender } from './sender.ts';

/** A canary is never submitted later than this: what is late by then tells what it has to tell. */
export const CANARY_LIFE_MS = 15 * 60_000;
/** `sweep` ends what has expired; a canary that has not ended by then tells that nothing moves at all. */
const GIVEN_UP_MS = CANARY_LIFE_MS + 5 * 60_000;

/** What is remembered of a mailbox's last canary. */
export interface CanaryNote {
  readonly mailbox: string;
  readonly sentAtMs: number;
  /** `sent`: accepted by us, nothing known yet. `refused`: not even that, and no run has told it. `failed`: a run has told it. */
  readonly state: 'sent' | 'refused' | 'good' | 'failed';
  readonly messageId?: string;
  readonly code?: string;
  readonly detail?: string;
}

/** What has become of a canary: its phase in this run, and what to remember; no note where nothing has changed. */
export interface CanaryOutcome {
  readonly phase: PhaseResult;
  readonly note?: CanaryNote;
}

/** Judges a canary by its record; undefined: there is no such record. */
export function judgeCanary(note: CanaryNote, record: MessageRecord | undefined, nowMs: number): CanaryOutcome {
  const phase = { phase: 'canary', ms: Math.max(0, (record?.finalAtMs ?? nowMs) - note.sentAtMs) } as const;
  if (record?.status === 'sent') {
    const detail = `message ${record.id}: Exchange took it. ${redact(record.reply ?? '', 300)}`.trim();
    return { phase: { ...phase, ok: true, detail }, note: { ...note, state: 'good' } };
  }
  const isOver = record ? isFinal(record.status) : false;
  if (!isOver && nowMs - note.sentAtMs < GIVEN_UP_MS) {
    const what = record ? `message ${record.id} is ${record.status}` : 'it is not stored yet';
    return { phase: { ...phase, ok: null, detail: `${what}; the next run tells more` } };
  }
  const code = causeOf(record) ?? 'message_expired';
  const what = record ? `message ${record.id} is ${record.status}` : 'its message is gone';
  const detail = `${what}. ${redact(record?.reply ?? '', 300)}`.trim();
  return { phase: { ...phase, ok: false, code, detail }, note: { ...note, state: 'failed', code } };
}

/** A canary that was not even accepted. */
export function refusedCanary(note: CanaryNote): CanaryOutcome {
  const code = note.code ?? 'internal_error';
  return {
    phase: { phase: 'canary', ms: 0, ok: false, code, detail: `not accepted: ${note.detail ?? code}` },
    note: { ...note, state: 'failed' },
  };
}

/** The code that says why; for one that ran out of time, what it was waiting for. */
function causeOf(record: MessageRecord | undefined): string | undefined {
  const waitedFor = record?.events.findLast(({ status, code }) => status === 'deferred' && code !== undefined)?.code;
  return record?.status === 'expired' ? (waitedFor ?? record.code) : (record?.code ?? waitedFor);
}

/** The From of a mailbox's canaries: the mailbox where it may send as itself, else the first address that it may. */
export function canaryFrom({ from }: Pick<Sender, 'from'>, mailbox: string): string {
  if (from.some(pattern => matchesAddressPattern(mailbox, pattern))) return mailbox;
  return from.find(pattern => !pattern.startsWith('*@')) ?? mailbox;
}
