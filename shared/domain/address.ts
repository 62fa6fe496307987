import { domainToASCII } from 'node:url';

/** A mailbox as it goes into a header: `address` is what was validated, letter for letter what the envelope carries. */
export interface Mailbox {
  readonly address: string;
  readonly name?: string;
}

export type AddressResult =
  | { readonly ok: true; readonly address: string }
  | { readonly ok: false; readonly reason: string };
export type MailboxResult =
  | { readonly ok: true; readonly mailbox: Mailbox }
  | { readonly ok: false; readonly reason: string };

/** RFC 5321 4.5.3.1.1 and .3: 64 octets of local part, 254 octets of a whole address (path of 256 less the brackets). */
const MAX_LOCAL_OCTETS = 64;
const MAX_ADDRESS_OCTETS = 254;
const MAX_NAME_LENGTH = 256;
/** Name, address and what stands around them. A bound on the work, too: nothing here is looked at beyond it. */
const MAX_MAILBOX_LENGTH = 1000;

/** RFC 5322 3.2.3 dot-atom, with the non-ASCII characters that RFC 6532 3.2 adds; no quoted strings, no comments. */
const LOCAL_PART =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\u{10ffff}-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\u{10ffff}-]+)*$/u;
/** What may not stand in a non-ASCII local part: separators, controls, private use, unassigned, lone surrogates. */
const FORBIDDEN_IN_LOCAL = /[\p{Z}\p{C}]/u;
/** RFC 1123 2.1 host names: letters, digits, inner hyphens; at least two labels, the last not all digits. */
const DOMAIN = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** Characters that UTS 46 would drop or fold into another domain: only letters, digits, marks, hyphen and full stop are taken. */
const DOMAIN_INPUT = /^[\p{L}\p{N}\p{M}.-]+$/u;

/**
 * Checks one addr-spec and gives it in the one form that is compared and sent: local part as written, domain
 * in lower-case ASCII (IDNA).
 *
 * Narrower than RFC 5322 on purpose: no quoted local parts, comments, groups or address literals, because every
 * one of them has been read differently by two parsers of the same mail (nodemailer GHSA-mm7p-fcc7-pg87).
 */
export function parseAddress(input: string): AddressResult {
  if (input.includes('\ufffd')) return refuse('has a replacement character: it was not UTF-8');
  const at = input.lastIndexOf('@');
  if (at < 0) return refuse('has no @');
  const local = input.slice(0, at);
  const domain = input.slice(at + 1);
  if (local === '') return refuse('has nothing before the @');
  if (domain === '') return refuse('has nothing after the @');
  if (local.startsWith('"')) return refuse('has a quoted part before the @, which is not taken');
  if (!LOCAL_PART.test(local) || (/[^\x20-\x7e]/.test(local) && FORBIDDEN_IN_LOCAL.test(local))) {
    return refuse('has a character before the @ that an address cannot have');
  }
  if (local !== local.normalize('NFC')) return refuse('is not in Unicode normal form C before the @');
  if (Buffer.byteLength(local) > MAX_LOCAL_OCTETS)
    return refuse(`has more than ${MAX_LOCAL_OCTETS} octets before the @`);
  const ascii = parseDomain(domain);
  if (ascii === undefined) return refuse('has no valid domain after the @');
  const address = `${local}@${ascii}`;
  if (Buffer.byteLength(address) > MAX_ADDRESS_OCTETS) return refuse(`is longer than ${MAX_ADDRESS_OCTETS} octets`);
  return { ok: true, address };
}

/** The domain in lower-case ASCII, or undefined. Domains that IDNA would map to other letters than written are refused. */
export function parseDomain(input: string): string | undefined {
  if (!DOMAIN_INPUT.test(input) || input.normalize('NFKC').toLowerCase() !== input.normalize('NFC').toLowerCase())
    return undefined;
  const ascii = domainToASCII(input);
  return DOMAIN.test(ascii) ? ascii : undefined;
}

/**
 * Reads `user@host`, `<user@host>`, `Name <user@host>` or `"Name" <user@host>`: exactly one mailbox.
 * Anything a second parser could read as another or a further recipient is refused.
 */
export function parseMailbox(input: string): MailboxResult {
  if (input.length > MAX_MAILBOX_LENGTH) return refuse(`is longer than ${MAX_MAILBOX_LENGTH} characters`);
  if (hasControl(input)) return refuse('has a control character or line break');
  const text = input.trim();
  const open = text.lastIndexOf('<');
  if (open < 0 || !text.endsWith('>')) {
    if (/[\s,;<>()[\]\\:]/.test(text)) return refuse('is not one address');
    const parsed = parseAddress(text);
    return parsed.ok ? { ok: true, mailbox: { address: parsed.address } } : parsed;
  }
  const parsed = parseAddress(text.slice(open + 1, -1));
  if (!parsed.ok) return parsed;
  const name = parseDisplayName(text.slice(0, open).trimEnd());
  if (name === undefined) return refuse('has a display name that must be put in double quotes');
  return mailboxOf(parsed.address, name);
}

/** Joins a checked address and a display name. The name may have any text but line breaks, controls and lone surrogates. */
export function mailboxOf(address: string, name: string): MailboxResult {
  if (name.length > MAX_NAME_LENGTH) return refuse(`has a display name of more than ${MAX_NAME_LENGTH} characters`);
  if (hasControl(name)) return refuse('has a control character in the display name');
  return { ok: true, mailbox: name === '' ? { address } : { address, name } };
}

/** Whether text has CR, LF, NUL, another control, a line or paragraph separator, or a lone surrogate: nothing a header may carry. */
export function hasControl(text: string): boolean {
  return /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text) || !text.isWellFormed();
}

/** A pattern, `*@domain` or an address, in the form that is compared: the domain as IDNA has it. Undefined when it is neither. */
export function parseAddressPattern(text: string): string | undefined {
  if (!text.startsWith('*@')) {
    const parsed = parseAddress(text);
    return parsed.ok ? parsed.address : undefined;
  }
  const domain = parseDomain(text.slice(2));
  return domain === undefined ? undefined : `*@${domain}`;
}

/** What stands after the last @. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

/** Whether `address` matches `pattern`: an address, or `*@domain`. Case does not count (Exchange compares neither part by case). */
export function matchesAddressPattern(address: string, pattern: string): boolean {
  const wanted = pattern.toLowerCase();
  const given = address.toLowerCase();
  if (!wanted.startsWith('*@')) return given === wanted;
  return given.slice(given.lastIndexOf('@') + 1) === wanted.slice(2);
}

function parseDisplayName(written: string): string | undefined {
  if (written === '') return '';
  const quoted = /^"((?:[^"\\]|\\.)*)"$/su.exec(written);
  if (quoted) return (quoted[1] ?? '').replace(/\\(.)/gsu, '$1');
  return /["(),:;<>@[\\\]]/.test(written) ? undefined : written;
}

function refuse(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}
