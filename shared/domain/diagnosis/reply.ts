/** Longest text that is looked at, in characters: enough for any reply, small enough to bound the time of every pattern. */
export const MAX_TEXT_LENGTH = 8192;

/** An SMTP reply taken apart. Fields that the text does not hold are left out. */
export interface ParsedReply {
  readonly replyCode?: number;
  readonly enhancedCode?: string;
  /** The words of the reply, without numbers at the start of its lines. */
  readonly text: string;
}

const REPLY_LINE = /^([2-5]\d{2})(?:([ -])([^\r\n]*)|$)/;
const ENHANCED_START = /^([245]\.\d{1,3}\.\d{1,3})(?![\d.])[ \t]*/;

/**
 * Takes an SMTP reply apart: reply code, enhanced code, words. Lines of one reply (`550-5.7.1 …`, `550 5.7.1 …`)
 * are joined with a blank. A text without a reply code gives the text, and an enhanced code if it begins with one.
 * Never throws; looks at the first 8 KiB only. Source: RFC 5321 section 4.2, RFC 2034 section 4.
 */
export function parseReply(text: string): ParsedReply {
  const lines = text
    .slice(0, MAX_TEXT_LENGTH)
    .split(/\r\n|\n|\r/)
    .map(line => line.trim())
    .filter(line => line !== '');
  const first = REPLY_LINE.exec(lines[0] ?? '');
  if (first === null) return withEnhanced(undefined, lines.join(' ').trim());
  const words: string[] = [];
  let enhancedCode: string | undefined;
  for (const line of lines) {
    const match = REPLY_LINE.exec(line);
    const rest = match !== null && match[1] === first[1] ? (match[3] ?? '') : line;
    const enhanced = ENHANCED_START.exec(rest);
    enhancedCode ??= enhanced?.[1];
    words.push(enhanced === null ? rest : rest.slice(enhanced[0].length));
  }
  const joined = words.join(' ').trim();
  return { replyCode: Number(first[1]), ...(enhancedCode === undefined ? {} : { enhancedCode }), text: joined };
}

function withEnhanced(replyCode: number | undefined, text: string): ParsedReply {
  const enhanced = ENHANCED_START.exec(text);
  return {
    ...(replyCode === undefined ? {} : { replyCode }),
    ...(enhanced === null ? {} : { enhancedCode: enhanced[1] ?? '' }),
    text: enhanced === null ? text : text.slice(enhanced[0].length),
  };
}

const INNER_REFUSAL = /\b(535[ -]5\.7\.\d{1,3}[^\r\n]*)/;

/**
 * The refusal that a `5.7.57` wraps ("Client not authenticated to send mail. Error: 535 5.7.139 …"), or undefined.
 * The outer reply only says that nobody has signed in; the inner one says why.
 * Source: Microsoft, "Fix error code 5.7.57 in Exchange Online", read 2026-11.
 */
export function innerAuthRefusal(text: string): string | undefined {
  const outer = text.indexOf('5.7.57');
  if (outer < 0) return undefined;
  return INNER_REFUSAL.exec(text.slice(outer + '5.7.57'.length, MAX_TEXT_LENGTH))?.[1];
}

const NOISE: readonly (readonly [RegExp, string])[] = [
  // [HOST timestamp correlation], [HOST], [Hostname=HOST]: which front end answered, different each time.
  [/\[(?:Hostname=)?[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}\.[a-z]{2,24}(?: [^\]\r\n]{1,120})?\]/gi, ''],
  [/\[BeginDiagnosticData\][^[\]]{0,4096}(?:\[EndDiagnosticData\])?/g, ''],
  // Diagnostic serials of the store: 0.35250:0A007C85, 1.36674:01000000, …
  [/\b\d{1,3}\.\d{3,6}:[0-9A-F]{8,128}\b,? ?/g, ''],
  [/\b(?:Trace ID|Correlation ID|Timestamp|Request-?Id|Time): ?[^\s,"']{1,80}(?: \d{2}:\d{2}:\d{2}Z?)?/gi, ''],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '<id>'],
  [/\b(?:AS|S)(?::?\d{3,9}\b|\(\d{3,9}\))/g, '<serial>'],
  [/[\w.+'-]{1,64}@[\w.-]{1,255}/g, '<address>'],
  [/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, '<ip>'],
  [/\s{1,512}/g, ' '],
];

/**
 * The reply without what changes from one time to the next: Exchange's `[HOST timestamp correlation]`, store serials,
 * trace ids, addresses. Equal failures give equal texts, for grouping and counting only; for a support case keep the
 * full reply. At most 500 characters. Never throws.
 */
export function normaliseReplyText(text: string): string {
  let kept = text.slice(0, MAX_TEXT_LENGTH);
  for (const [pattern, put] of NOISE) kept = kept.replace(pattern, put);
  return kept
    .trim()
    .replace(/[ ,;]{1,8}$/, '')
    .slice(0, 500);
}

const WAIT =
  /(?:again|retry|wait|retry-after)[^\d\r\n]{0,40}(\d{1,7}) ?(milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h)?\b/gi;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The wait that a text asks for, in ms ("try again in 30 seconds", "retry after 5 minutes", "Retry-After: 120"), or
 * undefined. A number without a unit counts as seconds after `Retry-After` only. At most one day: a longer wait is
 * not believed, since the text is untrusted. Never throws.
 */
export function retryAfterFromText(text: string): number | undefined {
  for (const match of text.slice(0, MAX_TEXT_LENGTH).matchAll(WAIT)) {
    const unitMs = unitInMs(match[2], match[0]);
    const waitMs = unitMs === undefined ? undefined : Number(match[1]) * unitMs;
    if (waitMs !== undefined && waitMs > 0) return Math.min(waitMs, DAY_MS);
  }
  return undefined;
}

function unitInMs(unit: string | undefined, phrase: string): number | undefined {
  if (unit === undefined) return /^retry-after/i.test(phrase) ? 1000 : undefined;
  const name = unit.toLowerCase();
  if (name === 'ms' || name.startsWith('milli')) return 1;
  if (name.startsWith('s')) return 1000;
  if (name.startsWith('m')) return 60_000;
  return 3_600_000;
}
