import { diagnose } from './diagnosis/diagnose.ts';
import type { FailureFacts, FailureStage } from './diagnosis/diagnosis.ts';
import { ServiceFailure } from './failure.ts';
import type { PhaseResult, ProbePhase } from './probe-run.ts';
import { scrubSecrets } from './redact.ts';

// Long enough for the candidates of a refused sign-in.
const MAX_DETAIL = 2000;

/** What one phase function found. `detail` is scrubbed; `value` is what the next phase needs. */
export type PhaseOutcome<T> =
  | {
      readonly ok: true;
      readonly ms: number;
      readonly detail: string;
      /** Code of a warning. */
      readonly code?: string;
      readonly value: T;
    }
  | {
      readonly ok: false;
      readonly ms: number;
      readonly detail: string;
      readonly code: string;
      readonly facts: FailureFacts;
    };

export interface PhaseFinding<T> {
  readonly value: T;
  readonly detail: string;
  readonly code?: string | undefined;
}

/**
 * Runs the work of a phase and times it. A ServiceFailure becomes a failed outcome with the diagnosis that delivery
 * gives the same failure; anything else is a fault of ours and says so. Never throws.
 */
export async function runPhase<T>(
  stage: FailureStage,
  work: () => Promise<PhaseFinding<T>>,
  elapsed: () => number = () => performance.now(),
): Promise<PhaseOutcome<T>> {
  const begun = elapsed();
  const msNow = () => Math.round(elapsed() - begun);
  try {
    const { value, detail, code } = await work();
    const clean = scrubSecrets(detail, MAX_DETAIL);
    return { ok: true, ms: msNow(), detail: clean, value, ...(code === undefined ? {} : { code }) };
  } catch (error) {
    const facts =
      error instanceof ServiceFailure
        ? error.facts
        : { stage, errorCode: 'internal_error', text: error instanceof Error ? error.message : String(error) };
    return { ok: false, ms: msNow(), detail: describeFacts(facts), code: codeOfFacts(facts), facts };
  }
}

/** Code of the diagnosis. */
export function codeOfFacts(facts: FailureFacts): string {
  return diagnose(facts).entry.code;
}

/** A failure in one line for people: what the service answered, scrubbed. */
function describeFacts({ httpStatus, errorCode, replyCode, text }: FailureFacts): string {
  const parts = [
    httpStatus === undefined ? '' : `HTTP ${httpStatus}`,
    replyCode !== undefined && !text?.startsWith(String(replyCode)) ? String(replyCode) : '',
    errorCode !== undefined && !text?.includes(errorCode) ? errorCode : '',
  ].filter(part => part !== '');
  const head = parts.join(' ');
  return scrubSecrets(
    text === undefined || text === '' ? head || 'no answer' : `${head}${head && ': '}${text}`,
    MAX_DETAIL,
  );
}

/** The phase at which a failure of this stage shows. EHLO after TLS is `ehlo` there, too: the phase function knows better. */
export function phaseOfStage(stage: FailureStage): ProbePhase {
  switch (stage) {
    case 'identity':
    case 'vault':
    case 'token':
    case 'dns':
    case 'tcp':
    case 'greeting':
    case 'ehlo':
    case 'tls':
    case 'auth':
      return stage;
    case 'mail':
    case 'rcpt':
    case 'data':
    case 'content':
    case 'final':
      return 'envelope';
    default:
      return 'settings';
  }
}

/** An outcome as it stands in a run. */
export function phaseResult(phase: ProbePhase, { ok, ms, detail, code }: PhaseOutcome<unknown>): PhaseResult {
  return { phase, ok, ms, detail, ...(code === undefined ? {} : { code }) };
}

/** A phase that was not walked, and why. */
export function notReached(phase: ProbePhase, detail: string): PhaseResult {
  return { phase, ok: null, ms: 0, detail };
}

/**
 * Whether a second try in the same run may tell a hiccup from a fault: the network gave no answer. A server that has answered,
 * 535 above all, is not asked again.
 */
export function isWorthConfirming(facts: FailureFacts): boolean {
  return facts.replyCode === undefined && diagnose(facts).entry.class === 'transient';
}
