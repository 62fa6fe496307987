const LINE_BREAK = /\r\n|\n|\r/;
// "550-…": a reply that goes on in the next line. A digit, point, colon or dash before it makes it part of a date, time or address.
const OPENS = /(?<![\d.:-])([2-5]\d{2})-(?:([245]\.\d{1,3}\.\d{1,3})(?![\d.]))?/g;
const FOLLOWS = /(?<![\d.:-])([2-5]\d{2})(?:([ -])(?:([245]\.\d{1,3}\.\d{1,3})(?![\d.]))?|$)/g;
/** A transcript may put a time and a direction before each line of a reply, and no more than that. */
const MAX_LINE_PREFIX = 100;

/** A text in one line, and where in it the lines of the original began (indented ones left out: they go on from the one before). */
export interface FlatText {
  readonly text: string;
  readonly lineStarts: readonly number[];
}

/**
 * A text in one line, as the server would have said it in one: the lines of one reply (`550-5.7.1 …`, `550 5.7.1 …`)
 * are joined without their numbers, and each run of white space becomes one blank. Time grows with the length only.
 * Source: RFC 5321 section 4.2.1.
 */
export function flatten(text: string): FlatText {
  const lineStarts: number[] = [];
  const parts: string[] = [];
  let length = 0;
  for (const line of joinReplies(text)) {
    const words = line.trim().replace(/\s+/g, ' ');
    if (words === '') continue;
    if (!/^\s/.test(line)) lineStarts.push(length);
    parts.push(words);
    length += words.length + 1;
  }
  return { text: parts.join(' '), lineStarts };
}

/** A reply that another line is to follow. */
interface OpenReply {
  readonly code: string;
  readonly enhancedCode: string | undefined;
}

/** The lines of a text; those of one reply are one. */
function joinReplies(text: string): string[] {
  const joined: string[] = [];
  let open: readonly OpenReply[] = [];
  for (const line of text.split(LINE_BREAK)) {
    const next = open.length === 0 ? undefined : continuationOf(line, open);
    if (next === undefined) {
      joined.push(line);
      open = line.includes('-') ? openedBy(line) : [];
    } else {
      joined.push(`${joined.pop() ?? ''} ${next.words}`);
      open = next.isLast ? [] : [next.reply];
    }
  }
  return joined;
}

function openedBy(line: string): OpenReply[] {
  return [...line.matchAll(OPENS)].map(([, code = '', enhancedCode]) => ({ code, enhancedCode }));
}

function continuationOf(
  line: string,
  open: readonly OpenReply[],
): { readonly reply: OpenReply; readonly words: string; readonly isLast: boolean } | undefined {
  for (const match of line.slice(0, MAX_LINE_PREFIX).matchAll(FOLLOWS)) {
    const [all, code, separator, enhancedCode] = match;
    const reply = open.find(one => one.code === code);
    if (reply === undefined) continue;
    // All lines of a reply carry one enhanced code (RFC 2034 section 4); another one belongs to a reply that is quoted in this one.
    const isOwn = enhancedCode === undefined || enhancedCode === (reply.enhancedCode ?? enhancedCode);
    const from = isOwn && reply.enhancedCode !== undefined ? match.index + all.length : match.index + (isOwn ? 4 : 0);
    return { reply, words: line.slice(from), isLast: separator !== '-' };
  }
  return undefined;
}
