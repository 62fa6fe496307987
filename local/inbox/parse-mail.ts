import PostalMime, { type Address, decodeWords, type Email } from 'postal-mime';
import type { StoredMail } from '../m365/mail-store.ts';

export interface MailPart {
  filename: string;
  contentType: string;
  /** Without angle brackets; what a `cid:` names. */
  contentId: string | undefined;
  /** Shown within the HTML rather than offered as a file. */
  isInline: boolean;
  content: Buffer;
}

/** A mail taken apart. All text is the sender's: nothing here may be trusted. */
export interface ParsedMail {
  subject: string;
  from: string;
  to: string[];
  cc: string[];
  replyTo: string[];
  /** The Date header: ISO 8601, or as it stands when it is no date; '' when there is none. */
  date: string;
  text: string;
  html: string;
  headers: { name: string; value: string }[];
  parts: MailPart[];
  /** Why the mail could not be taken apart; the rest is then empty. */
  problem?: string;
}

/** Takes a mail apart. Never rejects: what cannot be read is told in `problem`, and the source can still be looked at. */
export async function parseMail({ raw }: Pick<StoredMail, 'raw'>): Promise<ParsedMail> {
  try {
    return viewOf(await PostalMime.parse(raw, { forceRfc822Attachments: true }));
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    const subject = /^subject:[ \t]*(.*)$/im.exec(headOf(raw))?.[1] ?? '';
    return { ...viewOf({ headers: [], headerLines: [], attachments: [], subject: decodeWords(subject) }), problem };
  }
}

function viewOf(email: Email): ParsedMail {
  return {
    subject: email.subject ?? '',
    from: email.from ? addressText(email.from) : '',
    to: (email.to ?? []).map(addressText),
    cc: (email.cc ?? []).map(addressText),
    replyTo: (email.replyTo ?? []).map(addressText),
    date: email.date ?? '',
    text: email.text ?? '',
    html: email.html ?? '',
    headers: email.headers.map(({ originalKey, value }) => ({ name: originalKey, value: decodeWords(value) })),
    parts: email.attachments.map(attachment => ({
      filename: attachment.filename ?? '',
      contentType: attachment.mimeType,
      contentId: attachment.contentId?.replace(/^<|>$/g, ''),
      isInline: attachment.related === true || attachment.disposition === 'inline',
      content: bytesOf(attachment.content),
    })),
  };
}

function addressText({ name, address, group }: Address): string {
  if (group) return `${name}: ${group.map(addressText).join(', ')}`;
  return name && address ? `${name} <${address}>` : name || address || '';
}

function bytesOf(content: ArrayBuffer | Uint8Array | string): Buffer {
  if (typeof content === 'string') return Buffer.from(content);
  return content instanceof Uint8Array ? Buffer.from(content) : Buffer.from(new Uint8Array(content));
}

/** The header section, as far as the first 64 KiB hold it. */
function headOf(raw: Buffer): string {
  const text = raw.subarray(0, 65_536).toString('latin1');
  return text.split(/\r?\n\r?\n/, 1)[0] ?? '';
}
