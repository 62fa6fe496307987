import type { CatalogueEntry, FailureStage, Matcher } from './diagnosis.ts';

/** What matchers are held against: facts, or what was found in a pasted text. */
export interface MatchView {
  /** Undefined in a pasted text that does not say where it happened. */
  readonly stage?: FailureStage;
  readonly replyCode?: number;
  readonly enhancedCode?: string;
  readonly text: string;
  /** Upper case. */
  readonly errorCodes: ReadonlySet<string>;
  readonly httpStatus?: number;
}

// The more telling a field, the more it weighs. The text outweighs the number, since Exchange uses one number for
// opposite things: 554 5.2.0 is a used-up quota or a denied From, 432 4.3.2 our connections or a flooded recipient.
const WEIGHT = {
  text: 32,
  errorCode: 24,
  enhanced: 16,
  enhancedRange: 10,
  httpStatus: 8,
  replyCode: 4,
  stage: 2,
} as const;

/**
 * How well a matcher fits, 0 for not at all.
 *
 * @param lenient true for pasted text: a stage that is not known there, or the reply code before an enhanced code,
 *   does not rule the matcher out (and adds nothing). False for facts: what is asked for must be there.
 */
export function scoreMatcher(matcher: Matcher, view: MatchView, lenient: boolean): number {
  let score = 0;
  if (matcher.stages !== undefined) {
    if (view.stage !== undefined && matcher.stages.includes(view.stage)) score += WEIGHT.stage;
    else if (!lenient || view.stage !== undefined) return 0;
  }
  if (matcher.replyCodes !== undefined) {
    if (view.replyCode !== undefined && matcher.replyCodes.includes(view.replyCode)) score += WEIGHT.replyCode;
    else if (!lenient || view.replyCode !== undefined || view.enhancedCode === undefined) return 0;
  }
  if (matcher.httpStatuses !== undefined) {
    if (view.httpStatus === undefined || !matcher.httpStatuses.includes(view.httpStatus)) return 0;
    score += WEIGHT.httpStatus;
  }
  if (matcher.errorCodes !== undefined) {
    if (!matcher.errorCodes.some(code => view.errorCodes.has(code.toUpperCase()))) return 0;
    score += WEIGHT.errorCode;
  }
  if (matcher.enhanced !== undefined) {
    const weight = enhancedWeight(matcher.enhanced, view.enhancedCode);
    if (weight === 0) return 0;
    score += weight;
  }
  if (matcher.textPattern !== undefined) {
    if (!matcher.textPattern.test(view.text)) return 0;
    score += WEIGHT.text;
  }
  return score;
}

/** The best score of an entry's matchers, 0 for none. */
export function scoreEntry(entry: CatalogueEntry, view: MatchView, lenient: boolean): number {
  let best = 0;
  for (const matcher of entry.matches) best = Math.max(best, scoreMatcher(matcher, view, lenient));
  return best;
}

function enhancedWeight(wanted: readonly string[], found: string | undefined): number {
  if (found === undefined) return 0;
  let best = 0;
  for (const one of wanted) {
    if (one === found) return WEIGHT.enhanced;
    if (inRange(one, found)) best = WEIGHT.enhancedRange;
  }
  return best;
}

/** Whether `found` ("5.7.612") lies in `range` ("5.7.606-649"). Numbers are compared as numbers, never as prefixes. */
function inRange(range: string, found: string): boolean {
  const dash = range.indexOf('-');
  if (dash < 0) return false;
  const low = range.slice(0, dash);
  const dot = low.lastIndexOf('.') + 1;
  if (found.slice(0, dot) !== low.slice(0, dot)) return false;
  const detail = Number(found.slice(dot));
  return detail >= Number(low.slice(dot)) && detail <= Number(range.slice(dash + 1));
}
