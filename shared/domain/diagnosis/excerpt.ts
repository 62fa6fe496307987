import { findEntry } from './catalogue.ts';
import { isKnownErrorCode } from './error-codes.ts';

/** Longest text that is searched, in characters; of a longer one the beginning and, most of all, the end. */
export const MAX_PASTED_LENGTH = 1024 * 1024;
/** Longest text that the patterns of the catalogue are held against, in characters, however long the pasted text is. */
export const MAX_EXCERPT_LENGTH = 64 * 1024;

const HEAD = 8 * 1024;
const TAIL = 24 * 1024;
const MAX_SPOTS = 32;
const BEFORE_SPOT = 250;
const AFTER_SPOT = 700;

// A reply or an enhanced code, a bare reply code where a reply can begin, or a word. No unbounded repeat: one pass.
const SPOT =
  /(?<![\d.])[45](?:\d{2}[ \-:,]{1,2}(?:b?['"])?[45])?\.\d{1,3}\.\d{1,3}(?![\d.])|(?:[\r\n'"`>]|: )[45]\d{2}[ -](?=[^\d\s])|[A-Za-z_]\w{2,60}/g;
const TELLING =
  /^(?:error|fail(?:ed|ure)?|refused|rejected|denied|exceeded|unsuccessful|expired|disabled|full|blocked|throttled)$/i;
const EXCEPTION = /(?:Exception|Denied|Exceeded|Error|Failed)$/;

/**
 * What of a pasted text is worth looking at: all of a short one; of a long one its beginning, its end, and the surroundings
 * of what looks like an error in between, each thing where it stands last. A log of an hour ends with the error, or with
 * what was tried after it.
 */
export function excerptOf(pasted: string): string {
  const text =
    pasted.length <= MAX_PASTED_LENGTH
      ? pasted
      : `${pasted.slice(0, wordEnd(pasted, HEAD))}\n${pasted.slice(wordStart(pasted, pasted.length - MAX_PASTED_LENGTH + HEAD + 1))}`;
  if (text.length <= MAX_EXCERPT_LENGTH) return text;
  let end = wordEnd(text, HEAD);
  const parts = [text.slice(0, end)];
  for (const at of spotsIn(text.slice(0, text.length - TAIL))) {
    const from = Math.max(end, wordStart(text, at - BEFORE_SPOT));
    const to = wordEnd(text, Math.min(at + AFTER_SPOT, text.length - TAIL));
    if (to <= from) continue;
    parts.push(text.slice(from, to));
    end = to;
  }
  parts.push(text.slice(wordStart(text, text.length - TAIL)));
  return parts.join('\n');
}

/** Where something that may be an error stands, in order; of equal things the last, of too many the last. */
function spotsIn(text: string): number[] {
  const last = new Map<string, number>();
  for (const match of text.matchAll(SPOT)) {
    const [found] = match;
    if (match.index < HEAD || !isTelling(found)) continue;
    last.delete(found);
    last.set(found, match.index);
    if (last.size > MAX_SPOTS) last.delete(last.keys().next().value ?? '');
  }
  return [...last.values()].sort((a, b) => a - b);
}

function isTelling(found: string): boolean {
  if (!/^[A-Za-z_]/.test(found)) return true;
  return isKnownErrorCode(found) || TELLING.test(found) || EXCEPTION.test(found) || findEntry(found) !== undefined;
}

// A number cut in two would be another number.
const MAX_WORD = 100;

/** The next blank, or the place itself where there is none near. */
function wordStart(text: string, at: number): number {
  const blank = text.slice(at, at + MAX_WORD).search(/\s/);
  return blank < 0 ? at : at + blank;
}

/** The last blank before a place, or the place itself where there is none near. */
function wordEnd(text: string, at: number): number {
  const before = text.slice(Math.max(0, at - MAX_WORD), at);
  const rest = /\S*$/.exec(before)?.[0].length ?? 0;
  return rest === before.length ? at : at - rest;
}
