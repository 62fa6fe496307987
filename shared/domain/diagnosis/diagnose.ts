import { catalogue, entryOf, findEntry } from './catalogue.ts';
import type { CatalogueEntry, Diagnosis, FailureFacts, FailureStage } from './diagnosis.ts';
import { docsUrl } from './docs-url.ts';
import { fallbackCode } from './fallback.ts';
import { type MatchView, scoreEntry } from './match.ts';
import { innerAuthRefusal, MAX_TEXT_LENGTH, parseReply, retryAfterFromText } from './reply.ts';
import { isBeforeMail } from './stage.ts';
import { flatten } from './unfold.ts';

/** The answer to a failure: what to do with the message, and what to tell people. */
export interface DiagnosisResult {
  readonly entry: CatalogueEntry;
  readonly diagnosis: Diagnosis;
  /** Wait asked for by the service, in ms: from the facts, else from the reply's text. */
  readonly retryAfterMs?: number;
}

const SMTP_STAGES: ReadonlySet<FailureStage> = new Set([
  'greeting',
  'ehlo',
  'tls',
  'auth',
  'mail',
  'rcpt',
  'data',
  'content',
  'final',
]);

/**
 * Finds the catalogue entry for a failure. Total: every input gets an answer, by stage and reply class if nothing
 * else fits. Never throws, never looks at more than 8 KiB of text, keeps nothing.
 *
 * Four rules stand above the matchers:
 * 1. After the last byte only a 4xx or 5xx is a verdict; all else is in doubt, whatever the error code says.
 * 2. A 4xx never ends a message: an entry with retry `never` cannot answer to it.
 * 3. Nor does anything before MAIL, whatever its number or text: no message had been named yet.
 * 4. The server's reply outranks the library's error code, since nodemailer stamps EAUTH and EENVELOPE on 4xx too.
 */
export function diagnose(facts: FailureFacts): DiagnosisResult {
  const view = viewOf(facts);
  const entry = findBest(view, facts);
  const retryAfterMs = facts.retryAfterMs ?? retryAfterFromText(view.text);
  return { entry, diagnosis: diagnosisOf(entry), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

/** The short form of an entry that callers, log lines and stored messages carry. */
export function diagnosisOf(entry: CatalogueEntry): Diagnosis {
  return { code: entry.code, class: entry.class, cause: entry.cause, remedy: entry.remedy, docs: docsUrl(entry.code) };
}

/** Whether a reply code settles the matter: 4xx for now, 5xx for good. */
function isVerdict(replyCode: number | undefined): boolean {
  return replyCode !== undefined && replyCode >= 400 && replyCode <= 599;
}

function findBest(view: MatchView & { readonly stage: FailureStage }, facts: FailureFacts): CatalogueEntry {
  const hasVerdict = isVerdict(view.replyCode);
  if (view.stage === 'final' && !hasVerdict) {
    return entryOf(facts.errorCode === 'claim_lapsed' ? 'claim_lapsed' : 'unknown_outcome');
  }
  const own = hasVerdict || facts.errorCode === undefined ? undefined : findEntry(facts.errorCode);
  if (own !== undefined) return own;
  const mayEnd = !isBeforeMail(view.stage) && !(hasVerdict && (view.replyCode ?? 0) < 500);
  let best: CatalogueEntry | undefined;
  let bestScore = 0;
  for (const entry of catalogue) {
    if (!mayEnd && entry.retry === 'never') continue;
    const score = scoreEntry(entry, view, false);
    if (score > bestScore) {
      best = entry;
      bestScore = score;
    }
  }
  return best ?? entryOf(fallbackCode(view, view.stage));
}

function viewOf(facts: FailureFacts): MatchView & { readonly stage: FailureStage } {
  const said = (facts.text ?? '').slice(0, MAX_TEXT_LENGTH);
  // Where a text is wrapped, or one reply has several lines, says nothing about the failure.
  const { text } = flatten(said);
  const isSmtp = SMTP_STAGES.has(facts.stage);
  const mayUnwrap = isSmtp && (facts.stage !== 'final' || isVerdict(facts.replyCode));
  const inner = mayUnwrap ? innerAuthRefusal(`${facts.enhancedCode ?? ''} ${text}`) : undefined;
  if (inner !== undefined) return { ...parseReply(inner), stage: 'auth', errorCodes: new Set() };
  const parsed = isSmtp ? parseReply(said) : undefined;
  // A reply code read out of a text is no verdict: after the last byte only what the adapter states counts.
  const replyCode = facts.replyCode ?? (facts.stage === 'final' ? undefined : parsed?.replyCode);
  const enhancedCode = facts.enhancedCode ?? parsed?.enhancedCode;
  return {
    stage: facts.stage,
    text,
    errorCodes: errorCodesOf(facts, text, replyCode !== undefined),
    ...(replyCode === undefined ? {} : { replyCode }),
    ...(enhancedCode === undefined ? {} : { enhancedCode }),
    ...(facts.httpStatus === undefined ? {} : { httpStatus: facts.httpStatus }),
  };
}

const AADSTS_NUMBER = /AADSTS\d{4,8}/gi;
const NODE_CODE = /\bE(?:CONN[A-Z]{3,9}|TIMEDOUT|NOTFOUND|AI_AGAIN|HOSTUNREACH|NETUNREACH|PIPE|PROTO|ADDRNOTAVAIL)\b/g;

function errorCodesOf(facts: FailureFacts, text: string, hasReply: boolean): ReadonlySet<string> {
  if (hasReply) return new Set();
  const found = new Set<string>();
  const code = facts.errorCode?.toUpperCase();
  if (code !== undefined && code !== '') found.add(code);
  // MSAL gives the bare number, or several with blanks between, in place of "AADSTS…".
  if (facts.stage === 'token' && code !== undefined && /^\d{4,8}(?: \d{4,8})*$/.test(code)) {
    for (const number of code.split(' ')) found.add(`AADSTS${number}`);
  }
  for (const match of text.matchAll(AADSTS_NUMBER)) found.add(match[0].toUpperCase());
  for (const match of text.matchAll(NODE_CODE)) found.add(match[0]);
  return found;
}
