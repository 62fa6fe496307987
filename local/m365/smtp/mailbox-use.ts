import type { Limits, Mailbox, World } from '../world.ts';

const DAY_MS = 86_400_000;

interface Use {
  /** Signed-in sessions, in order of their sign-in. */
  sessions: object[];
  /** When messages were accepted, ms; a delayed one counts where its delay ends. */
  acceptedAtMs: number[];
  recipients: { atMs: number; count: number }[];
}

/** What each mailbox has used of its limits. */
export interface MailboxUse {
  signedIn(session: object, mailbox: Mailbox): void;
  left(session: object): void;
  /** Whether the session is beyond the mailbox's number of concurrent connections; earlier sign-ins come first. */
  exceedsConnections(session: object, mailbox: Mailbox, limits: Limits): boolean;
  /** Time until the rate allows one more message, ms; 0 when it does now. */
  rateWaitMs(mailbox: Mailbox, limits: Limits, nowMs: number): number;
  exceedsRecipients(mailbox: Mailbox, limits: Limits, count: number, nowMs: number): boolean;
  accepted(mailbox: Mailbox, recipientCount: number, atMs: number): void;
  /** Forgets rates and quotas; open connections stay. */
  reset(): void;
}

/** The limits in force for a mailbox: its own over the tenant's. */
export const limitsOf = (world: World, mailbox: Mailbox): Limits => ({ ...world.exchange.limits, ...mailbox.limits });

/** Empty books. */
export function createMailboxUse(): MailboxUse {
  const uses = new Map<string, Use>();
  function useOf({ address }: Mailbox): Use {
    const key = address.toLowerCase();
    const use = uses.get(key) ?? { sessions: [], acceptedAtMs: [], recipients: [] };
    uses.set(key, use);
    return use;
  }
  return {
    signedIn: (session, mailbox) => void useOf(mailbox).sessions.push(session),
    left(session) {
      for (const use of uses.values()) use.sessions = use.sessions.filter(one => one !== session);
    },
    exceedsConnections(session, mailbox, limits) {
      const { sessions } = useOf(mailbox);
      const place = sessions.indexOf(session);
      return (place < 0 ? sessions.length : place) >= limits.connections;
    },
    rateWaitMs(mailbox, limits, nowMs) {
      const use = useOf(mailbox);
      use.acceptedAtMs = use.acceptedAtMs.filter(at => at > nowMs - limits.rateWindowMs);
      const oldest = use.acceptedAtMs.at(-limits.messagesPerMinute);
      return use.acceptedAtMs.length < limits.messagesPerMinute || oldest === undefined
        ? 0
        : oldest + limits.rateWindowMs - nowMs;
    },
    exceedsRecipients(mailbox, limits, count, nowMs) {
      const use = useOf(mailbox);
      use.recipients = use.recipients.filter(one => one.atMs > nowMs - DAY_MS);
      return use.recipients.reduce((sum, one) => sum + one.count, 0) + count > limits.recipientsPerDay;
    },
    accepted(mailbox, recipientCount, atMs) {
      const use = useOf(mailbox);
      use.acceptedAtMs.push(atMs);
      use.recipients.push({ atMs, count: recipientCount });
    },
    reset() {
      for (const use of uses.values()) {
        use.acceptedAtMs = [];
        use.recipients = [];
      }
    },
  };
}
