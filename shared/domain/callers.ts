import { timingSafeEqual } from 'node:crypto';
import type { Caller, CallerRules } from './accept-input.ts';
import { domainOf, matchesAddressPattern, parseAddressPattern, parseDomain } from './address.ts';
import { accepted, type Outcome, problem, refused } from './problem.ts';

/** One entry of MAIL_CALLERS. Entries of one name are one caller: so a key is rotated without losing sight of a message. */
export interface CallerEntry {
  readonly name: string;
  /** SHA-256 of its function key, lower-case hex. */
  readonly keySha256?: string;
  /** Application id of its app registration or managed identity, lower case. */
  readonly appId?: string;
  readonly isOperator: boolean;
  readonly rules: CallerRules;
}

/** What a request has shown of who sends it; checked by the host or by App Service authentication. */
export type CallerProof =
  /** `keySha256` is absent where the host asks for no key (local development). */
  | { readonly kind: 'key'; readonly keySha256?: string }
  /** `appId` is absent for a signed-in person. */
  | {
      readonly kind: 'app';
      readonly id: string;
      readonly appId?: string;
      /** Acts on its own, not for a person who has signed in to it. */
      readonly isItself: boolean;
      /** It has an app role that lets it in. */
      readonly hasRole: boolean;
      /** It has the app role of operators. */
      readonly isOperator: boolean;
    };

/** Stands in for a key hash that an entry does not have: no SHA-256 of anything that anyone knows. */
const NO_HASH = '0'.repeat(64);

/**
 * The caller that a proof belongs to. Without `entries` (MAIL_CALLERS not set) whoever got past the host may use every
 * sender; with them an unknown one is refused with `caller_not_allowed`: 403, since who it is has been proved.
 *
 * An app that is listed needs no app role. A person does, also one who comes through a listed app: whoever may sign in
 * to that app would otherwise be let in as the app.
 */
export function admitCaller(entries: readonly CallerEntry[] | undefined, proof: CallerProof): Outcome<Caller> {
  if (proof.kind === 'app' && !proof.hasRole && !(proof.isItself && entries && entryOfApp(entries, proof.appId))) {
    return refused(
      problem(
        'caller_not_allowed',
        proof.isItself
          ? 'MAIL_CALLERS does not list the calling app by its appId, and it has neither the role Mail.Send nor Mail.Operate.'
          : 'Whoever has signed in has neither the role Mail.Send nor Mail.Operate.',
      ),
    );
  }
  if (!entries) return accepted(openCaller(proof));
  if (proof.kind === 'key' && proof.keySha256 === undefined) {
    return refused(problem('unauthenticated', 'A function key is needed, as the header x-functions-key.'));
  }
  const entry = proof.kind === 'key' ? entryOfKey(entries, proof.keySha256 ?? '') : entryOfApp(entries, proof.appId);
  if (!entry) {
    return refused(
      problem(
        'caller_not_allowed',
        proof.kind === 'key' ? 'The key belongs to no caller of this app.' : 'The app is no caller of this app.',
      ),
    );
  }
  return accepted({
    id: `caller:${entry.name}`,
    isOperator: entry.isOperator || (proof.kind === 'app' && proof.isOperator),
    rules: entry.rules,
  });
}

function openCaller(proof: CallerProof): Caller {
  if (proof.kind === 'app') return { id: `app:${proof.id}`, isOperator: proof.isOperator };
  return {
    id: proof.keySha256 === undefined ? 'anonymous' : `key:${proof.keySha256.slice(0, 32)}`,
    isOperator: true,
  };
}

/** Looks at every entry in constant time: how long it takes tells nothing about a hash. */
function entryOfKey(entries: readonly CallerEntry[], keySha256: string): CallerEntry | undefined {
  const given = Buffer.from(keySha256, 'hex');
  let found: CallerEntry | undefined;
  for (const entry of entries) {
    const wanted = Buffer.from(entry.keySha256 ?? NO_HASH, 'hex');
    const isSame = wanted.length === given.length && timingSafeEqual(wanted, given);
    if (isSame && entry.keySha256 !== undefined) found = entry;
  }
  return found;
}

function entryOfApp(entries: readonly CallerEntry[], appId: string | undefined): CallerEntry | undefined {
  const wanted = appId?.toLowerCase();
  return wanted === undefined ? undefined : entries.find(entry => entry.appId === wanted);
}

/** Refused with `sender_not_allowed` unless every address matches the caller's `from`. */
export function checkCallerFrom(caller: Caller, ...addresses: readonly string[]): Outcome<true> {
  const patterns = caller.rules?.from;
  const stranger = patterns && addresses.find(one => !patterns.some(pattern => matchesAddressPattern(one, pattern)));
  if (stranger === undefined) return accepted(true);
  return refused(
    problem('sender_not_allowed', `This caller may not send as ${stranger}.`, {
      errors: [{ pointer: '/from', detail: `${stranger} matches no From pattern of this caller (MAIL_CALLERS)` }],
    }),
  );
}

/** Refused with `recipient_not_allowed`, each named, unless every recipient is in the caller's `recipientDomains`. */
export function checkCallerRecipients(
  caller: Caller,
  recipients: readonly string[],
  pointerOf: (address: string) => string = () => '',
): Outcome<true> {
  const patterns = caller.rules?.recipientDomains;
  const strangers = patterns
    ? recipients.filter(address => !patterns.some(pattern => matchesRecipient(address, pattern)))
    : [];
  if (strangers.length === 0) return accepted(true);
  return refused(
    problem(
      'recipient_not_allowed',
      `This caller may not write to ${strangers.length} of the ${recipients.length} recipients.`,
      {
        errors: strangers.map(address => ({
          pointer: pointerOf(address),
          detail: `${address} is not in the recipientDomains of this caller (MAIL_CALLERS)`,
        })),
      },
    ),
  );
}

function matchesRecipient(address: string, pattern: string): boolean {
  if (pattern === '*') return true;
  if (pattern.includes('@')) return matchesAddressPattern(address, pattern);
  const domain = domainOf(address).toLowerCase();
  return pattern.startsWith('*.') ? domain.endsWith(pattern.slice(1)) : domain === pattern;
}

/**
 * A pattern of `recipientDomains` in the form that is compared, or undefined. Taken: `example.com`, `@example.com` and
 * `*@example.com` (all the same), `*.example.com`, `ada@example.com`, `*`.
 */
export function parseRecipientPattern(text: string): string | undefined {
  if (text === '*') return text;
  if (text.startsWith('*.')) {
    const parent = parseDomain(text.slice(2));
    return parent === undefined ? undefined : `*.${parent}`;
  }
  const domain = text.replace(/^\*?@/, '');
  return domain.includes('@') ? parseAddressPattern(domain) : parseDomain(domain);
}
