import type { FailureFacts } from './diagnosis/diagnosis.ts';
import { codeOfFacts } from './probe-phase.ts';
import { failedPhase, type PhaseResult, PROBE_PHASES, type ProbePhase, type ProbeRun } from './probe-run.ts';
import { authCandidates, describeCandidates, type TokenClaims } from './probe-token.ts';
import type { Sender } from './sender.ts';

/** What each phase tells, for the runs in which it could not. */
const QUESTIONS: Readonly<Record<ProbePhase, string>> = {
  settings: 'whether the settings can be used',
  identity: 'whether the app can prove who it is',
  vault: 'whether the credential can be read',
  token: 'whether Entra ID gives a token',
  dns: 'whether the mail server’s name resolves',
  tcp: 'whether the mail server can be reached',
  greeting: 'whether the mail server is in service',
  ehlo: 'whether STARTTLS is offered',
  tls: 'whether TLS stands and the certificate is good',
  ehlo2: 'whether XOAUTH2 is offered',
  auth: 'whether the mailbox may sign in',
  envelope: 'whether the mailbox may send',
  canary: 'whether a mail gets through',
};

/**
 * The phases that were not walked, up to and with `envelope`, as null with what they could not tell.
 *
 * @param because e.g. `token failed`
 */
export function unreached(walked: readonly PhaseResult[], because: string): readonly PhaseResult[] {
  const last = PROBE_PHASES.indexOf(walked.at(-1)?.phase ?? 'settings');
  return PROBE_PHASES.slice(last + 1, PROBE_PHASES.indexOf('envelope') + 1).map(phase => ({
    phase,
    ok: null,
    ms: 0,
    detail: `not known ${QUESTIONS[phase]}: ${because}`,
  }));
}

/** Good when every phase but the canary is; failed when one is; otherwise nothing could be told. */
export function verdictOf(phases: readonly PhaseResult[]): boolean | null {
  if (phases.some(({ ok }) => ok === false)) return false;
  return phases.every(({ ok, phase }) => ok === true || phase === 'canary') ? true : null;
}

/** Puts a run together. The transcript is kept for failures alone. */
export function makeRun(run: Omit<ProbeRun, 'ok' | 'code'>): ProbeRun {
  const { transcript, ...rest } = run;
  const ok = verdictOf(run.phases);
  const made: ProbeRun = { ...rest, ok };
  const code = failedPhase(made)?.code;
  return {
    ...made,
    ...(code === undefined ? {} : { code }),
    ...(ok === false && transcript && transcript.length > 0 ? { transcript } : {}),
  };
}

/** `535 5.7.3` has many causes: the detail of `auth` then lists them, most likely first, by what the token shows. */
export function withCandidates(
  phases: readonly PhaseResult[],
  facts: FailureFacts | undefined,
  sender: Sender,
  mailbox: string,
  claims: TokenClaims | undefined,
): readonly PhaseResult[] {
  if (facts?.stage !== 'auth' || codeOfFacts(facts) !== 'smtp_auth_unsuccessful') return phases;
  const list = describeCandidates(authCandidates(sender, mailbox, claims));
  return phases.map(result =>
    result.phase === 'auth' && result.ok === false
      ? { ...result, detail: `${result.detail}. Likely causes, the likeliest first: ${list}` }
      : result,
  );
}

/** A run as the API and the page show it; what was said over SMTP, where it failed, last. */
export function runView({ mailbox, at, ok, ms, code, phases, transcript }: ProbeRun) {
  return {
    mailbox,
    at,
    ok,
    ms,
    ...(code === undefined ? {} : { code }),
    phases,
    ...(transcript === undefined ? {} : { transcript }),
  };
}
