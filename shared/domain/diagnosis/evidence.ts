import { catalogue, findEntry } from './catalogue.ts';
import type { CatalogueEntry, FailureStage } from './diagnosis.ts';
import type { MatchView } from './match.ts';
import { innerAuthRefusal, MAX_TEXT_LENGTH, parseReply } from './reply.ts';

/** What a pasted text shows: codes of ours, SMTP replies in it, and the rest seen as a whole. */
export interface Evidence {
  /** Entries that the text names itself: `"code":"…"` of a log line, or the anchor of a docs link. */
  readonly named: readonly CatalogueEntry[];
  /** Entries whose code occurs as a bare word. */
  readonly mentioned: readonly CatalogueEntry[];
  readonly replies: readonly MatchView[];
  readonly whole: MatchView;
}

const MAX_REPLIES = 16;
const MAX_REPLY_LENGTH = 2048;

const knownErrorCodes: ReadonlySet<string> = new Set(
  catalogue.flatMap(entry =>
    entry.matches.flatMap(matcher => (matcher.errorCodes ?? []).map(code => code.toUpperCase())),
  ),
);

/** Reads a pasted text for what the catalogue can be asked about. Looks at the first 8 KiB; time grows with the length only. */
export function readEvidence(pasted: string): Evidence {
  const text = pasted.slice(0, MAX_TEXT_LENGTH);
  const inner = innerAuthRefusal(text);
  const searched = inner ?? text;
  const replies = findReplies(searched);
  const stage = inner === undefined ? guessStage(text, replies.length > 0) : 'auth';
  const staged = replies.map(reply => (stage === undefined ? reply : { ...reply, stage }));
  const words = new Set(searched.match(/\b\w{3,80}\b/g) ?? []);
  const httpStatus = findHttpStatus(searched);
  return {
    named: entriesNamedIn(text),
    mentioned: [...words].filter(word => word.includes('_')).flatMap(word => findEntry(word) ?? []),
    replies: staged,
    whole: {
      text: searched,
      errorCodes: errorCodesIn(words, replies.length > 0),
      ...(stage === undefined ? {} : { stage }),
      ...(httpStatus === undefined ? {} : { httpStatus }),
    },
  };
}

function entriesNamedIn(text: string): CatalogueEntry[] {
  const found: CatalogueEntry[] = [];
  for (const match of text.matchAll(
    /\\?"code\\?" ?: ?\\?"([a-z][a-z0-9_]{2,60})\\?"|errors\.md#([a-z][a-z0-9_]{2,60})/g,
  )) {
    const entry = findEntry(match[1] ?? match[2] ?? '');
    if (entry !== undefined) found.push(entry);
  }
  return found;
}

/** The words that are error codes of the catalogue. Where a server has replied, the library's own codes say nothing more. */
function errorCodesIn(words: ReadonlySet<string>, hasReply: boolean): ReadonlySet<string> {
  const found = new Set<string>();
  for (const word of words) {
    const code = word.toUpperCase();
    const isLibraryCode = /^E[A-Z]{3,}$/.test(code);
    if ((knownErrorCodes.has(code) && !(hasReply && isLibraryCode)) || /^AADSTS\d{4,8}$/.test(code)) found.add(code);
  }
  return found;
}

// A reply code with an enhanced code is believed anywhere: "554 5.2.0 …", "(535, b'5.7.3 …", "535: 5.7.3".
const FULL_REPLY = /(?<![\d.])([45]\d{2})[ \-:,]{1,2}(?:b?['"])?([45]\.\d{1,3}\.\d{1,3})(?![\d.])/g;
// A bare reply code only where a reply can begin, so that ports, years and counts are not taken for one.
const SHORT_REPLY =
  /(?:^|[\r\n'"`>]|response=|failed: |rejected: |login: |STARTTLS: |was: |returned )([45]\d{2})[ -](?=[^\d\s])/g;
// An enhanced code alone, as .NET prints it ("The server response was: 5.7.57 …").
const BARE_ENHANCED = /(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])/g;

function findReplies(text: string): MatchView[] {
  const starts = [...text.matchAll(FULL_REPLY)].map(match => ({
    at: match.index,
    replyCode: Number(match[1]),
    enhancedCode: match[2] ?? '',
  }));
  if (starts.length > 0) return viewsOf(text, starts);
  const short = [...text.matchAll(SHORT_REPLY)].map(match => {
    const at = match.index + match[0].length - 4;
    return { at, replyCode: Number(match[1]) };
  });
  if (short.length > 0) return viewsOf(text, short);
  return viewsOf(
    text,
    [...text.matchAll(BARE_ENHANCED)].map(match => ({ at: match.index, enhancedCode: match[1] ?? '' })),
  );
}

interface ReplyStart {
  readonly at: number;
  readonly replyCode?: number;
  readonly enhancedCode?: string;
}

function viewsOf(text: string, starts: readonly ReplyStart[]): MatchView[] {
  return starts.slice(0, MAX_REPLIES).map(({ at, ...codes }, index) => {
    const end = Math.min(starts[index + 1]?.at ?? text.length, at + MAX_REPLY_LENGTH);
    const part = text.slice(at, end);
    const enhancedCode = codes.enhancedCode ?? parseReply(part).enhancedCode;
    return {
      text: part,
      errorCodes: new Set<string>(),
      ...codes,
      ...(enhancedCode === undefined ? {} : { enhancedCode }),
    };
  });
}

function findHttpStatus(text: string): number | undefined {
  const match = /(?:\bHTTP(?:\/\d(?:\.\d)?)?|\bstatus ?code|\bstatus)["']?[ :=]{1,3}([45]\d{2})\b/i.exec(text);
  return match === null ? undefined : Number(match[1]);
}

const PHASES: Readonly<Record<string, FailureStage>> = {
  settings: 'settings',
  identity: 'identity',
  vault: 'vault',
  token: 'token',
  dns: 'dns',
  tcp: 'tcp',
  greeting: 'greeting',
  ehlo: 'ehlo',
  ehlo2: 'ehlo',
  tls: 'tls',
  auth: 'auth',
  mail: 'mail',
  envelope: 'mail',
  rcpt: 'rcpt',
  data: 'data',
  content: 'content',
  final: 'final',
  storage: 'storage',
};

const HOSTS: readonly (readonly [RegExp, FailureStage])[] = [
  [
    /\.(?:queue|table|blob)\.(?:core\.windows|core\.usgovcloudapi|core\.chinacloudapi)|127\.0\.0\.1:1000[0-2]|AzureWebJobsStorage/i,
    'storage',
  ],
  [/ManagedIdentityCredential|IDENTITY_ENDPOINT|\bIMDS\b|169\.254\.\d{1,3}\.\d/, 'identity'],
  [/\.vault\.(?:azure|usgovcloudapi)|Microsoft\.KeyVault/i, 'vault'],
  [
    /AADSTS\d|login\.(?:microsoftonline|partner\.microsoftonline)|oauth2\/v2\.0\/token|ClientAuthError|ServerError\b/i,
    'token',
  ],
  [/\b(?:getaddrinfo|queryA{1,4}|queryMx) E/, 'dns'],
  [/\bconnect E/, 'tcp'],
];

/** The stage that a text gives away: our `phase`, nodemailer's `command`, or the host that was spoken to. */
function guessStage(text: string, hasReply: boolean): FailureStage | undefined {
  const phase = /["']?phase["']? ?[:=] ?["']([a-z0-9]{2,10})["']/.exec(text)?.[1];
  if (phase !== undefined && PHASES[phase] !== undefined) return PHASES[phase];
  const command = /["']?command["']? ?[:=] ?["'](AUTH|MAIL|RCPT|DATA|STARTTLS|EHLO|HELO|LHLO)/.exec(text)?.[1];
  if (command === 'AUTH') return 'auth';
  if (command === 'MAIL') return 'mail';
  if (command === 'RCPT') return 'rcpt';
  if (command === 'STARTTLS') return 'tls';
  // nodemailer says DATA for the command and for the verdict after the dot; only a reply tells that it was a verdict.
  if (command === 'DATA') return hasReply ? 'final' : undefined;
  if (command !== undefined) return 'ehlo';
  // A server's reply comes from the SMTP session, whatever hosts and links its text names.
  if (hasReply) return undefined;
  return HOSTS.find(([pattern]) => pattern.test(text))?.[1];
}
