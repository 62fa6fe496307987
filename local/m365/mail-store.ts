import { randomUUID } from 'node:crypto';

/** A mail that Exchange accepted with a 250 (or would have, had a fault not swallowed the reply). */
export interface StoredMail {
  id: string;
  receivedAt: Date;
  /** Authenticated mailbox and the app's client id. */
  mailbox: string;
  appId: string;
  /** Reverse-path ('' for the null sender) and the recipients that got a 250. */
  envelope: { from: string; to: string[] };
  /** The content as it stands after dot-unstuffing. */
  raw: Buffer;
  /** The id that the 250 names: Exchange's own, not the message's. */
  serverMessageId: string;
  tls: { version: string; cipher: string };
  connectionId: string;
  hasBareLineEnds: boolean;
  /** The SMTP conversation of this mail and of the sign-in before it, credentials and content left out. */
  transcript: string[];
}

const MAX_KEPT_BYTES = 256_000_000;

export interface MailStore {
  /** Oldest first. */
  list(): StoredMail[];
  get(id: string): StoredMail | undefined;
  /** Forgets all mails; counters go on. */
  clear(): void;
  /** Calls back for every mail from now on; returns how to stop. */
  onMail(listener: (mail: StoredMail) => void): () => void;
  /** The first mail, kept or to come, that fits; rejects after `timeoutMs` (default 5,000). */
  waitFor(fits: (mail: StoredMail) => boolean, timeoutMs?: number): Promise<StoredMail>;
  add(mail: Omit<StoredMail, 'id'>): StoredMail;
}

/** A store that keeps the last mails: at most `capacity`, and at most 256 MB of them (the newest always). */
export function createMailStore(capacity = 2000): MailStore {
  let keptBytes = 0;
  const mails: StoredMail[] = [];
  const listeners = new Set<(mail: StoredMail) => void>();
  const onMail: MailStore['onMail'] = listener => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return {
    list: () => [...mails],
    get: id => mails.find(mail => mail.id === id),
    clear() {
      mails.splice(0);
      keptBytes = 0;
    },
    onMail,
    waitFor: (fits, timeoutMs = 5000) =>
      new Promise((resolve, reject) => {
        const known = mails.find(fits);
        if (known) return resolve(known);
        const timer = setTimeout(() => {
          stop();
          reject(new Error(`No such mail within ${timeoutMs} ms; ${mails.length} others are there.`));
        }, timeoutMs);
        const stop = onMail(mail => {
          if (!fits(mail)) return;
          clearTimeout(timer);
          stop();
          resolve(mail);
        });
      }),
    add(given) {
      const mail = { id: randomUUID(), ...given };
      mails.push(mail);
      keptBytes += mail.raw.length;
      while (mails.length > capacity || (keptBytes > MAX_KEPT_BYTES && mails.length > 1)) {
        keptBytes -= mails.shift()?.raw.length ?? 0;
      }
      for (const listener of [...listeners]) listener(mail);
      return mail;
    },
  };
}
