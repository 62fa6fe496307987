import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MailStore } from '../../local/m365/mail-store.ts';

/** One accepted message: what the app says of it, and what the mail server has. */
export interface Entry {
  readonly id: string;
  /** Row of the table that it counts in. */
  readonly row: string;
  /** Which fault it was meant for. */
  readonly detail: string;
  /** How often the mail server took it. */
  mails: number;
  /** The record once it is final. */
  final?: FinalRecord;
  /** When its next attempt is due, ms since 1970, if it waits for one. */
  nextAttemptMs?: number;
}

interface FinalRecord {
  readonly status: 'sent' | 'failed' | 'expired' | 'unknown' | 'cancelled';
  readonly attempts: number;
  readonly events: readonly {
    readonly status: string;
    readonly inDoubt?: boolean;
    readonly diagnosis?: { readonly code: string };
  }[];
  readonly diagnosis?: { readonly code: string };
}

export interface Ledger {
  /**
   * Posts a mail until it is accepted, as a careful caller does: again with the same Idempotency-Key after anything that
   * is no answer. Throws, with the last answer, on a refusal and when nothing accepts it for two minutes.
   */
  send(row: string, detail: string, request: Readonly<Record<string, unknown>>): Promise<Entry>;
  /**
   * Waits until every accepted message is final, or as `isDone` has it; gives up on the rest after `limitMs`. Tells whether
   * all are.
   */
  settle(limitMs: number, options?: SettleOptions): Promise<boolean>;
  entries(): readonly Entry[];
  /** Mails that carry the id of no accepted message. */
  strays(): number;
  /** Posts that had to be repeated. */
  repeated(): number;
}

interface SettleOptions {
  readonly progress?: (open: number) => void;
  readonly isDone?: (entry: Entry) => boolean;
}

const FINAL: ReadonlySet<string> = new Set(['sent', 'failed', 'expired', 'unknown', 'cancelled']);
const POST_LIMIT_MS = 40_000;
const ACCEPT_LIMIT_MS = 120_000;
const READERS = 8;
/** Messages without a mail are looked at in every such round only: most of them just wait. */
const EVERY = 4;

/** @param urlOf base of the API; it may change when a host is started anew */
export function createLedger(urlOf: () => string, mails: MailStore): Ledger {
  const entries = new Map<string, Entry>();
  const arrived = new Map<string, number>();
  let repeated = 0;
  mails.onMail(({ raw }) => {
    const id = /^X-Exosend-Id: (\S+)/m.exec(raw.toString('latin1', 0, 4096))?.[1] ?? 'none';
    arrived.set(id, (arrived.get(id) ?? 0) + 1);
  });

  const read = async (entry: Entry): Promise<void> => {
    const response = await fetch(`${urlOf()}/api/messages/${entry.id}`, { signal: AbortSignal.timeout(POST_LIMIT_MS) });
    if (response.status !== 200) throw new Error(`The record of ${entry.id} cannot be read: ${response.status}`);
    const body = (await response.json()) as FinalRecord & { readonly nextAttemptAt?: string };
    delete entry.nextAttemptMs;
    if (FINAL.has(body.status)) entry.final = body;
    else if (body.nextAttemptAt !== undefined) entry.nextAttemptMs = Date.parse(body.nextAttemptAt);
  };

  return {
    async send(row, detail, request) {
      const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() };
      const body = JSON.stringify(request);
      const endMs = Date.now() + ACCEPT_LIMIT_MS;
      let last = 'no answer';
      for (; Date.now() < endMs; repeated++) {
        try {
          const signal = AbortSignal.timeout(POST_LIMIT_MS);
          const response = await fetch(`${urlOf()}/api/messages`, { method: 'POST', headers, body, signal });
          const text = await response.text();
          last = `${response.status} ${text}`;
          if (response.status === 202) {
            const { id } = JSON.parse(text) as { id: string };
            const entry: Entry = { id, row, detail, mails: 0 };
            entries.set(id, entry);
            return entry;
          }
          if (response.status < 500 && ![408, 409, 429].includes(response.status)) break;
        } catch (error) {
          last = String(error);
        }
        await sleep(50);
      }
      throw new Error(`Not accepted (${row}, ${detail}): ${last}`);
    },
    async settle(limitMs, { progress, isDone = (entry: Entry) => entry.final !== undefined } = {}) {
      const endMs = Date.now() + limitMs;
      for (let round = 0; ; round++) {
        const open = [...entries.values()].filter(entry => !isDone(entry));
        progress?.(open.length);
        if (open.length === 0 || Date.now() > endMs) {
          for (const entry of entries.values()) entry.mails = arrived.get(entry.id) ?? 0;
          return open.length === 0;
        }
        const due = round % EVERY === 0 ? [...open] : open.filter(entry => arrived.has(entry.id));
        const reader = async (): Promise<void> => {
          for (let entry = due.pop(); entry; entry = due.pop()) await read(entry).catch(() => sleep(200));
        };
        await Promise.all(Array.from({ length: READERS }, reader));
        await sleep(300);
      }
    },
    entries: () => [...entries.values()],
    strays: () => [...arrived].reduce((sum, [id, count]) => (entries.has(id) ? sum : sum + count), 0),
    repeated: () => repeated,
  };
}
