import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MailStore, StoredMail } from '../m365/mail-store.ts';
import { type ParsedMail, parseMail } from './parse-mail.ts';

/** What a list shows of a mail. */
interface MailSummary {
  id: string;
  /** ISO 8601. */
  receivedAt: string;
  from: string;
  /** Everyone it went to, Bcc too: the envelope's recipients. */
  to: string[];
  subject: string;
  /** How the text begins. */
  snippet: string;
  bytes: number;
  attachmentCount: number;
}

export interface MailList {
  /** Mails in the store. */
  total: number;
  /** Those that the search leaves. */
  matched: number;
  /** Newest first. */
  mails: MailSummary[];
}

export interface ListQuery {
  /** Words that all must occur in addresses, subject, text or names of attachments; case does not count. */
  search: string;
  offset: number;
  limit: number;
}

interface Digest {
  summary: MailSummary;
  searchText: string;
}

const SEARCHED_TEXT_CHARS = 100_000;

/** Makes the lister of a store. A mail is taken apart once, when it is first asked for, and its summary kept as long as the mail. */
export function createMailLister(store: MailStore): (query: ListQuery) => Promise<MailList> {
  const digests = new WeakMap<StoredMail, Promise<Digest>>();
  const digestOf = (mail: StoredMail): Promise<Digest> => {
    const known = digests.get(mail) ?? parseMail(mail).then(parsed => digest(mail, parsed));
    digests.set(mail, known);
    return known;
  };
  return async ({ search, offset, limit }) => {
    const newestFirst = store.list().reverse();
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    const matching = words.length === 0 ? newestFirst : await filter(newestFirst, words, digestOf);
    const page = matching.slice(offset, offset + limit);
    const mails = await Promise.all(page.map(async mail => (await digestOf(mail)).summary));
    return { total: newestFirst.length, matched: matching.length, mails };
  };
}

async function filter(
  mails: StoredMail[],
  words: string[],
  digestOf: (mail: StoredMail) => Promise<Digest>,
): Promise<StoredMail[]> {
  const found: StoredMail[] = [];
  for (const [index, mail] of mails.entries()) {
    // The mail server lives in the same process and has to get its turn.
    if (index % 50 === 49) await nextTurn();
    const { searchText } = await digestOf(mail);
    if (words.every(word => searchText.includes(word))) found.push(mail);
  }
  return found;
}

function digest(mail: StoredMail, parsed: ParsedMail): Digest {
  const { from, subject, text, html, parts } = parsed;
  const body = text || html.replaceAll(/<(style|script)[\s\S]*?<\/\1>|<[^>]*>/gi, ' ');
  const summary = {
    id: mail.id,
    receivedAt: mail.receivedAt.toISOString(),
    from: from || mail.envelope.from,
    to: mail.envelope.to,
    subject,
    snippet: body.slice(0, 2000).replaceAll(/\s+/g, ' ').trim().slice(0, 140),
    bytes: mail.raw.length,
    attachmentCount: parts.filter(part => !part.isInline).length,
  };
  const searched = [
    ...[summary.from, mail.envelope.from, ...mail.envelope.to, ...parsed.to, ...parsed.cc],
    ...[subject, ...parts.map(part => part.filename), body.slice(0, SEARCHED_TEXT_CHARS)],
  ];
  return { summary, searchText: searched.join('\n').toLowerCase() };
}
