import { findEntry } from './catalogue.ts';
import type { CatalogueEntry } from './diagnosis.ts';
import { isKnownErrorCode } from './error-codes.ts';
import { excerptOf } from './excerpt.ts';
import type { MatchView } from './match.ts';
import { type FoundReply, findReplies } from './reply-search.ts';
import { onlyStage, stageByHost, stageHintsIn } from './stage-hints.ts';
import { flatten } from './unfold.ts';

/** What a pasted text shows: codes of ours, SMTP replies in it, and the rest seen as a whole. */
export interface Evidence {
  /** Entries that the text names itself: `"code":"…"` of a log line, or the anchor of a docs link. */
  readonly named: readonly CatalogueEntry[];
  /** Entries whose code occurs as a bare word. */
  readonly mentioned: readonly CatalogueEntry[];
  readonly replies: readonly MatchView[];
  readonly whole: MatchView;
}

// A library's code says what the reply says, and less; further off it speaks of something else.
const BESIDE_REPLY = 1000;

/** Reads a pasted text for what the catalogue can be asked about: all of it, or what `excerptOf` leaves of a long one. Never throws. */
export function readEvidence(pasted: string): Evidence {
  const flat = flatten(joinQuotedLines(excerptOf(pasted)));
  const { text } = flat;
  const replies = findReplies(flat);
  const hints = stageHintsIn(text, replies.length > 0);
  // A server's reply comes from the SMTP session, whatever hosts and links its text names.
  const stage = hints.length > 0 ? onlyStage(hints) : replies.length > 0 ? undefined : stageByHost(text);
  const httpStatus = findHttpStatus(text);
  return {
    named: entriesNamedIn(text),
    mentioned: mentionedIn(text),
    replies: replies.map(({ view }) => view),
    whole: {
      text,
      errorCodes: errorCodesIn(text, replies),
      ...(stage === undefined ? {} : { stage }),
      ...(httpStatus === undefined ? {} : { httpStatus }),
    },
  };
}

/** Line breaks that a dump or a JSON document writes as `\n` are breaks; Node puts each line of a long text between quotes. */
function joinQuotedLines(text: string): string {
  return text
    .replace(/(?:\\r)?\\n['"`] \+\s{1,80}['"`]/g, '\n')
    .replace(/\\{1,2}r\\{1,2}n|\\{1,2}n(?=[\s\d'"\\])/g, '\n');
}

function mentionedIn(text: string): CatalogueEntry[] {
  const words = new Set(text.match(/\b\w{3,80}\b/g) ?? []);
  return [...words].filter(word => word.includes('_')).flatMap(word => findEntry(word) ?? []);
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

/** The words that are error codes of the catalogue. Beside a server's reply the library's own codes say nothing more. */
function errorCodesIn(text: string, replies: readonly FoundReply[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { 0: word, index } of text.matchAll(/\b\w{3,80}\b/g)) {
    const code = word.toUpperCase();
    if (found.has(code) || !isKnownErrorCode(code)) continue;
    const isLibraryCode = /^E[A-Z\d]{3,}$/.test(code);
    if (!isLibraryCode || !replies.some(({ at }) => Math.abs(at - index) < BESIDE_REPLY)) found.add(code);
  }
  return found;
}

function findHttpStatus(text: string): number | undefined {
  const match = /(?:\bHTTP(?:\/\d(?:\.\d)?)?|\bstatus ?code|\bstatus)["']?[ :=]{1,3}([45]\d{2})\b/i.exec(text);
  return match === null ? undefined : Number(match[1]);
}
