import assert from 'node:assert/strict';
import { isFinal, type MessageRecord, mayFollow } from '../../shared/domain/message-record.ts';
import type { SubmitJob } from '../../shared/domain/transport-ports.ts';
import type { MemoryMessages } from './memory-messages.ts';
import type { StoredMail } from './virtual-exchange.ts';
import type { VirtualHost } from './virtual-world.ts';

interface Fate {
  /** Copies of the mail that the server has, by recipient. */
  readonly copies: Map<string, number>;
  /** Attempts that ended in doubt, as seen when they were written; a timeline could have lost them. */
  doubts: number;
  /** Times it was put back by a person; each begins a life of its own. */
  lives: number;
}

/** What must hold for every message at every moment. A breach is kept, since it may happen inside code that catches errors. */
export function messageWatch() {
  const fates = new Map<string, Fate>();
  const breaches: string[] = [];
  const fateOf = (id: string): Fate => {
    const fate = fates.get(id) ?? { copies: new Map(), doubts: 0, lives: 1 };
    fates.set(id, fate);
    return fate;
  };
  const breach = (id: string, what: string) => void breaches.push(`${id.slice(-4)}: ${what}`);
  const mustHold = (holds: boolean, id: string, what: string) => holds || breach(id, what);

  return {
    breaches: breaches as readonly string[],
    /** For the store: every record written. `host` is who writes. */
    onWrite(before: MessageRecord | undefined, after: MessageRecord, host: VirtualHost | undefined): void {
      const { id } = after;
      if (!before) return void mustHold(after.status === 'queued', id, `begins as ${after.status}`);
      const isPutBack = isFinal(before.status) && !isFinal(after.status);
      if (isPutBack) {
        fateOf(id).lives++;
        mustHold(after.deadlineAtMs > after.updatedAtMs, id, 'put back without time to be sent');
      }
      if (before.status !== after.status || after.claim?.token !== before.claim?.token) {
        const same = before.status === after.status && after.claim === undefined;
        // Put back after a doubt and never sent again: it is in doubt still.
        const isDoubtKept = after.status === 'unknown' && before.events.some(({ inDoubt }) => inDoubt);
        mustHold(
          same || isDoubtKept || mayFollow(before.status, after.status),
          id,
          `${before.status} → ${after.status}`,
        );
        if (isFinal(after.status) && after.status !== 'sent' && after.status !== 'unknown')
          mustHold(!before.events.some(({ inDoubt }) => inDoubt), id, `a doubt ends as ${after.status}`);
      }
      mustHold(after.attempts >= before.attempts, id, 'attempts fall');
      mustHold(after.generation >= before.generation, id, 'the generation falls');
      mustHold(isPutBack || after.deadlineAtMs === before.deadlineAtMs, id, 'the deadline moves');
      mustHold(after.expiresAtMs === before.expiresAtMs, id, 'expiresAt moves');
      for (const [index, recipient] of before.recipients.entries()) {
        const now = after.recipients[index];
        mustHold(recipient.outcome !== 'accepted' || now?.outcome === 'accepted', id, 'a 250 is forgotten');
        mustHold(now?.address === recipient.address, id, 'recipients change');
      }
      if (after.events.at(-1)?.inDoubt && after.status !== before.status) {
        fateOf(id).doubts++;
        const mayGoAgain = before.onUnknown === 'resend' && before.resends === 0;
        mustHold(after.status !== 'deferred' || mayGoAgain, id, 'goes again although it must not');
      }
      const token = after.claim?.token;
      if (token !== undefined && token !== before.claim?.token && host)
        mustHold((before.claim?.untilMs ?? 0) <= host.latestMs, id, 'claimed while another claim lives');
    },
    /** For the mail server: the dot leaves the machine. */
    onDot(host: VirtualHost, job: SubmitJob, record: MessageRecord | undefined): void {
      const id = job.messageId;
      mustHold(record !== undefined && record.status !== 'cancelled', id, `sent when ${record?.status}`);
      const expiresAt = record?.expiresAtMs ?? Number.POSITIVE_INFINITY;
      mustHold(host.clock.now() < expiresAt, id, 'sent after expiresAt');
    },
    onStored({ messageId, recipients }: StoredMail): void {
      const { copies } = fateOf(messageId);
      for (const recipient of recipients) copies.set(recipient, (copies.get(recipient) ?? 0) + 1);
    },
    /** After every step. */
    checkRows(table: MemoryMessages): void {
      for (const { record } of table.rows.values())
        mustHold(table.open.has(record.id) !== isFinal(record.status), record.id, `open row of ${record.status}`);
      assert.deepEqual(breaches, []);
    },
    /** When faults are over and time has passed: every message has an end, and every copy an explanation. */
    checkEnd(table: MemoryMessages, blobs: ReadonlyMap<string, Uint8Array>, isTidy: boolean): void {
      for (const { record } of table.rows.values()) {
        const { id, status, recipients, events } = record;
        const { copies, doubts, lives } = fateOf(id);
        const saysDoubt = events.some(event => event.inDoubt);
        mustHold(isFinal(status), id, `still ${status}`);
        mustHold(doubts === 0 || saysDoubt, id, 'its doubt is not in the timeline');
        mustHold(record.code !== 'content_gone', id, 'its content was deleted before its end');
        mustHold(status !== 'sent' || recipients.some(one => one.outcome === 'accepted'), id, 'sent to nobody');
        if (isTidy) mustHold(!blobs.has(id) || record.content.isDeleted !== true, id, 'its blob is left behind');
        for (const { address, outcome } of recipients) {
          const count = copies.get(address) ?? 0;
          mustHold(count <= 1 || saysDoubt, id, `${count} copies without a doubt`);
          mustHold(count <= 1 + doubts && count <= 2 * lives, id, `${count} copies, ${doubts} doubts, ${lives} lives`);
          mustHold(outcome !== 'accepted' || count > 0, id, 'accepted, but the server has no copy');
          const isDenied = status === 'failed' || status === 'expired' || status === 'cancelled';
          mustHold(count === 0 || !isDenied || lives > 1, id, `${status} with a copy that may have arrived`);
          mustHold(outcome === 'accepted' || count === 0 || saysDoubt, id, `a copy, yet ${outcome} in ${status}`);
          const isOpen = outcome === 'pending' || outcome === 'deferred';
          mustHold(!isOpen || status === 'unknown' || status === 'cancelled', id, `${status}, a recipient ${outcome}`);
        }
      }
      assert.deepEqual(breaches, []);
    },
  };
}
