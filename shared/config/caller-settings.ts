import { z } from 'zod';
import type { CallerRules } from '../domain/accept-input.ts';
import { parseAddressPattern } from '../domain/address.ts';
import { type CallerEntry, parseRecipientPattern } from '../domain/callers.ts';
import { reportIssues } from './report-issues.ts';
import type { SettingReader } from './setting-reader.ts';

/** Stands in records, table keys and logs: letters, digits and a few signs, 1 to 64. */
const NAME = /^[\p{L}\p{N}](?:[\p{L}\p{N} ._@-]{0,62}[\p{L}\p{N}._-])?$/u;
const SHA256 = /^[0-9a-f]{64}$/i;
const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const patterns = (parse: (text: string) => string | undefined, message: string) => {
  const one = z.string().transform((value, context) => {
    const parsed = parse(value.trim());
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
  return z.array(one).min(1, 'must have at least one entry; leave it out to allow all');
};

const positive = z.int('must be a whole number').min(1, 'must be 1 or more');

const caller = z
  .strictObject({
    name: z.string().regex(NAME, 'must be 1 to 64 letters, digits, blanks or . _ @ -'),
    keySha256: z
      .string()
      .regex(SHA256, 'must be the SHA-256 of the function key, 64 hexadecimal digits')
      .transform(value => value.toLowerCase())
      .optional(),
    appId: z
      .string()
      .regex(GUID, 'must be a GUID (an application id)')
      .transform(value => value.toLowerCase())
      .optional(),
    from: patterns(parseAddressPattern, 'must be an address or *@domain').optional(),
    recipientDomains: patterns(parseRecipientPattern, 'must be a domain, *.domain or an address').optional(),
    messagesPerMinute: positive.optional(),
    messagesPerDay: positive.optional(),
    messageBytes: positive.optional(),
    operator: z.boolean('must be true or false').default(false),
  })
  .refine(value => value.keySha256 !== undefined || value.appId !== undefined, 'needs keySha256 or appId');

/** MAIL_CALLERS, or undefined where it is not set: then every key that the host accepts may call. */
export function callerList(read: SettingReader): readonly CallerEntry[] | undefined {
  const auth = read.oneOf('MAIL_CALLER_AUTH', ['key', 'entra'] as const, 'key');
  if (!read.has('MAIL_CALLERS')) return undefined;
  const parsed = z
    .array(caller, 'must be a JSON array')
    // Not the same as leaving it out: whoever writes an empty list does not mean "everybody".
    .min(1, 'is an empty list: nobody could call. Leave the setting out to let every key call')
    .safeParse(read.json('MAIL_CALLERS', undefined));
  if (!parsed.success) {
    reportIssues(read, 'MAIL_CALLERS', parsed.error);
    return [];
  }
  const entries = parsed.data.map(toEntry);
  const proof = auth === 'key' ? 'keySha256' : 'appId';
  const seen = new Set<string>();
  for (const [index, entry] of entries.entries()) {
    for (const field of ['keySha256', 'appId'] as const) {
      const value = entry[field];
      if (value !== undefined && seen.has(value))
        read.problem(`MAIL_CALLERS[${index}].${field}`, 'stands in another entry, too');
      if (value !== undefined) seen.add(value);
    }
  }
  if (!entries.some(entry => entry[proof] !== undefined))
    read.problem(
      'MAIL_CALLERS',
      `has no entry with ${proof}, which MAIL_CALLER_AUTH=${auth} goes by: nobody could call`,
    );
  return entries;
}

function toEntry({ name, keySha256, appId, operator, ...rules }: z.output<typeof caller>): CallerEntry {
  const given = Object.fromEntries(Object.entries(rules).filter(([, value]) => value !== undefined)) as CallerRules;
  return {
    name,
    isOperator: operator,
    rules: given,
    ...(keySha256 === undefined ? {} : { keySha256 }),
    ...(appId === undefined ? {} : { appId }),
  };
}
