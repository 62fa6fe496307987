import { catalogue } from './catalogue.ts';
import type { CatalogueEntry, DiagnosisClass, RetryKind } from './diagnosis.ts';
import { type Evidence, readEvidence } from './evidence.ts';
import { fallbackCode } from './fallback.ts';
import { type MatchView, scoreEntry } from './match.ts';
import { isBeforeMail } from './stage.ts';

/** One possible explanation of a pasted text. */
export interface ExplainMatch {
  readonly code: string;
  readonly class: DiagnosisClass;
  readonly cause: string;
  readonly remedy: string;
  readonly source: string;
  readonly retry: RetryKind;
}

const MAX_MATCHES = 5;
const NAMED_SCORE = 100;
const MENTIONED_SCORE = 40;
// Below this only a reply code or an HTTP status has matched; then the rule by stage and reply class is the better guess.
const WEAK_SCORE = 8;

/**
 * Explains any pasted text, best match first, at most five, none if nothing in it is known. Takes an SMTP reply with
 * or without Exchange's host suffix, a dump of a nodemailer or Node error, an Entra ID answer, an SDK's error, one of
 * our own JSON log lines or problem documents, or a bare code. Reads all of a text, of a long log its beginning, its end
 * and what looks like an error in between, in time linear to the length. Never throws.
 */
export function explain(text: string): ExplainMatch[] {
  const evidence = readEvidence(text);
  const scores = new Map<CatalogueEntry, number>();
  for (const entry of catalogue) {
    const score = scoreEvidence(entry, evidence);
    if (score > 0) scores.set(entry, score);
  }
  const best = Math.max(0, ...scores.values());
  const guess = best < WEAK_SCORE ? guessBy(evidence) : undefined;
  const ranked = [...scores.keys()]
    .filter(entry => entry !== guess && (scores.get(entry) ?? 0) * 2 >= best)
    .sort((a, b) => (scores.get(b) ?? 0) - (scores.get(a) ?? 0) || rank(a) - rank(b));
  return (guess === undefined ? ranked : [guess, ...ranked]).slice(0, MAX_MATCHES).map(matchOf);
}

function matchOf(entry: CatalogueEntry): ExplainMatch {
  const { code, class: kind, cause, remedy, source, retry } = entry;
  return { code, class: kind, cause, remedy, source, retry };
}

function scoreEvidence(entry: CatalogueEntry, evidence: Evidence): number {
  let score = 0;
  if (evidence.named.includes(entry)) score = NAMED_SCORE;
  else if (evidence.mentioned.includes(entry)) score = MENTIONED_SCORE;
  // Where the server said "try again later", or spoke before there was a message, nothing in the rest of the text makes it final.
  const mayEnd = evidence.replies.length > 0 ? evidence.replies.some(isFinal) : isFinal(evidence.whole);
  for (const view of [...evidence.replies, evidence.whole]) {
    if (entry.retry === 'never' && !(view === evidence.whole ? mayEnd : isFinal(view))) continue;
    score = Math.max(score, scoreEntry(entry, view, true));
  }
  return score;
}

/** Whether a message may end by it: not by a 4xx, and by nothing before MAIL. */
function isFinal({ replyCode, stage }: MatchView): boolean {
  return !isBeforeMail(stage) && !(replyCode !== undefined && replyCode < 500);
}

/** The rule by stage and reply class, for a text in which only a number is known. */
function guessBy({ replies, whole }: Evidence): CatalogueEntry | undefined {
  const reply = replies.find(view => view.replyCode !== undefined);
  if (reply?.replyCode !== undefined) {
    const isSignIn = reply.replyCode === 535 || reply.replyCode === 534;
    const stage = reply.stage ?? whole.stage ?? (isSignIn ? 'auth' : 'final');
    return entryByCode(fallbackCode(reply, stage));
  }
  if (whole.stage === undefined || (whole.errorCodes.size === 0 && whole.httpStatus === undefined)) return undefined;
  return entryByCode(fallbackCode(whole, whole.stage));
}

function entryByCode(code: string): CatalogueEntry | undefined {
  return catalogue.find(entry => entry.code === code);
}

// Between equally good matches the mail server comes first: a bare "ECONNRESET" pasted here is more often SMTP than Key Vault.
const firstOfSmtp = catalogue.findIndex(entry => entry.code === 'dns_not_found');

function rank(entry: CatalogueEntry): number {
  return (catalogue.indexOf(entry) - firstOfSmtp + catalogue.length) % catalogue.length;
}
