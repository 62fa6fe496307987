import type { ConnectionSlots, MailboxStates } from '../../shared/domain/mailbox-ports.ts';
import type { MailboxState } from '../../shared/domain/pacing.ts';

/** What the instances share of each mailbox. */
export function mailboxStates(
  storageCall: () => Promise<void>,
  counts: { stateWrites: number; stateReads: number },
): MailboxStates {
  const rows = new Map<string, { state: MailboxState; etag: string }>();
  let etags = 0;
  return {
    async read(mailbox) {
      counts.stateReads++;
      await storageCall();
      return rows.get(mailbox);
    },
    async write(mailbox, state, etag) {
      counts.stateWrites++;
      await storageCall();
      if (rows.get(mailbox)?.etag !== etag) return { ok: false, reason: 'conflict' };
      const next = String(++etags);
      rows.set(mailbox, { state, etag: next });
      return { ok: true, etag: next };
    },
    list: async () => [...rows].map(([mailbox, { state }]) => ({ mailbox, state })),
  };
}

/** Leases that never run out. */
export function connectionSlots(storageCall: () => Promise<void>, random: () => number): ConnectionSlots {
  const held = new Set<string>();
  return {
    async acquire(mailbox, count, only) {
      const first = only ?? Math.floor(random() * count);
      for (let i = 0; i < (only === undefined ? count : 1); i++) {
        const index = (first + i) % count;
        const name = `${mailbox}/${index}`;
        await storageCall();
        if (held.has(name)) continue;
        held.add(name);
        return { index, isHeld: () => held.has(name), release: async () => void held.delete(name) };
      }
      return undefined;
    },
  };
}
