import type { MatchView } from './match.ts';
import { parseReply } from './reply.ts';
import { nearestStage, onlyStage, stageHintsIn, stageInWords } from './stage-hints.ts';
import type { FlatText } from './unfold.ts';

/** An SMTP reply found in a text. */
export interface FoundReply {
  readonly at: number;
  readonly view: MatchView;
}

interface ReplyStart {
  readonly at: number;
  readonly replyCode?: number;
  readonly enhancedCode?: string;
}

const MAX_REPLIES = 32;
/** Says only that nobody has signed in; a `535 5.7.…` behind it says why, and is the one to look up. */
const WRAPPER = '5.7.57';
const MAX_REPLY_LENGTH = 2048;

// A reply code with an enhanced code is believed anywhere: "554 5.2.0 …", "(535, b'5.7.3 …", "535: 5.7.3".
const FULL_REPLY = /(?<![\d.])([45]\d{2})[ \-:,]{1,2}(?:b?['"])?([45]\.\d{1,3}\.\d{1,3})(?![\d.])/g;
// A bare reply code only where a reply can begin, so that ports, years and counts are not taken for one.
// Nor is the status of an HTTP answer: SMTP has no 40x.
const SHORT_REPLY = /(?<![\d.])(4[2-5]\d|5[0-5]\d)[ -](?=[^\d\s])/g;
const MAY_BEGIN = /(?:['"`>]|response=|failed: |rejected: |login: |STARTTLS: |was: |returned )$/;
// "Status:", and the number in the next line: HTTP, not SMTP.
const IS_HTTP = /(?:\bHTTP(?:\/\d(?:\.\d)?)?|\bstatus(?: ?code)?)["']?[ :=]{0,3}$/i;
// An enhanced code alone, as .NET prints it ("The server response was: 5.7.57 …").
const BARE_ENHANCED = /(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])/g;

/** The SMTP replies in a text, each with the stage that the text gives it. At most 32: of each number the first and the last. */
export function findReplies(flat: FlatText): FoundReply[] {
  const starts = startsIn(flat);
  const hints = stageHintsIn(flat.text, starts.length > 0);
  const common = onlyStage(hints);
  const wrapper = /(?<![\d.])5\.7\.57(?![\d.])/.exec(flat.text);
  const isInner = (start: ReplyStart): boolean =>
    wrapper !== null && start.at > wrapper.index && isSignInRefusal(start);
  const kept = firstAndLast(starts.some(isInner) ? starts.filter(start => start.enhancedCode !== WRAPPER) : starts);
  const ends = new Map(starts.map((start, index) => [start, starts[index + 1]?.at ?? flat.text.length]));
  const found = kept.map(start => {
    const { at, ...codes } = start;
    const [lineStart, lineEnd] = lineAround(flat, at);
    const text = flat.text.slice(at, Math.min(ends.get(start) ?? at, at + MAX_REPLY_LENGTH));
    const enhancedCode = codes.enhancedCode ?? parseReply(text).enhancedCode;
    const stage = isInner(start)
      ? 'auth'
      : (stageInWords(flat.text, at, lineEnd) ?? common ?? nearestStage(hints, at, lineStart, lineEnd));
    const view: MatchView = {
      text,
      errorCodes: new Set<string>(),
      ...codes,
      ...(enhancedCode === undefined ? {} : { enhancedCode }),
      ...(stage === undefined ? {} : { stage }),
    };
    return { at, view };
  });
  return shareStages(found);
}

function startsIn({ text, lineStarts }: FlatText): ReplyStart[] {
  const full = [...text.matchAll(FULL_REPLY)].map(match => ({
    at: match.index,
    replyCode: Number(match[1]),
    enhancedCode: match[2] ?? '',
  }));
  if (full.length > 0) return full;
  const isLineStart = new Set(lineStarts);
  const short = [...text.matchAll(SHORT_REPLY)].filter(({ index }) => {
    const before = text.slice(Math.max(0, index - 20), index);
    return (isLineStart.has(index) || MAY_BEGIN.test(before)) && !IS_HTTP.test(before);
  });
  if (short.length > 0) return short.map(match => ({ at: match.index, replyCode: Number(match[1]) }));
  return [...text.matchAll(BARE_ENHANCED)].map(match => ({ at: match.index, enhancedCode: match[1] ?? '' }));
}

function isSignInRefusal({ replyCode, enhancedCode }: ReplyStart): boolean {
  return replyCode === 535 && enhancedCode !== undefined && enhancedCode.startsWith('5.7.') && enhancedCode !== WRAPPER;
}

function numberOf({
  replyCode,
  enhancedCode,
}: {
  readonly replyCode?: number;
  readonly enhancedCode?: string;
}): string {
  return `${replyCode ?? ''} ${enhancedCode ?? ''}`;
}

/** Of each number the first and the last: a log that says one thing a thousand times must not hide the other that it says once. */
function firstAndLast(starts: readonly ReplyStart[]): ReplyStart[] {
  const first = new Map<string, ReplyStart>();
  const last = new Map<string, ReplyStart>();
  for (const start of starts) {
    const number = numberOf(start);
    if (!first.has(number)) first.set(number, start);
    last.delete(number);
    last.set(number, start);
  }
  const kept = [...last].slice(-MAX_REPLIES / 2).flatMap(([number, start]) => [first.get(number) ?? start, start]);
  return [...new Set(kept)].sort((a, b) => a.at - b.at);
}

/** Beginning and end of the line that holds a place. */
function lineAround({ text, lineStarts }: FlatText, at: number): readonly [number, number] {
  const next = lineStarts.findIndex(start => start > at);
  const end = next < 0 ? text.length : (lineStarts[next] ?? text.length);
  return [lineStarts.findLast(start => start <= at) ?? 0, end];
}

/** A dump says one reply twice, and only once that it was the greeting. */
function shareStages(found: readonly FoundReply[]): FoundReply[] {
  const known = new Map(
    found.flatMap(({ view }) => (view.stage === undefined ? [] : [[numberOf(view), view.stage] as const])),
  );
  return found.map(({ at, view }) => {
    const stage = view.stage ?? known.get(numberOf(view));
    return { at, view: stage === undefined ? view : { ...view, stage } };
  });
}
