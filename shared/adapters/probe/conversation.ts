import { type PhaseOutcome, phaseResult } from '../../domain/probe-phase.ts';
import type { PhaseResult, ProbePhase } from '../../domain/probe-run.ts';
import { ehloPhase, greetingPhase } from './connect-phases.ts';
import { endSession } from './session-phases.ts';
import type { SmtpWire } from './smtp-wire.ts';
import { type TlsFound, tlsPhase } from './tls-phase.ts';

/** The phases of one conversation, as they are walked. */
export interface Conversation {
  readonly phases: readonly PhaseResult[];
  /** Notes a phase that was not walked, or was judged elsewhere. */
  note(result: PhaseResult): void;
  /** Notes an outcome; true when it failed. */
  failed<T>(phase: ProbePhase, outcome: PhaseOutcome<T>): outcome is PhaseOutcome<T> & { readonly ok: false };
  /** Ends it with QUIT. A server that has gone silent is not waited for a second time. */
  end(wire: SmtpWire): Promise<void>;
}

export function conversation(): Conversation {
  const phases: PhaseResult[] = [];
  let isTalking = true;
  return {
    phases,
    note: result => void phases.push(result),
    failed<T>(phase: ProbePhase, outcome: PhaseOutcome<T>): outcome is PhaseOutcome<T> & { readonly ok: false } {
      phases.push(phaseResult(phase, outcome));
      if (!outcome.ok && outcome.facts.replyCode === undefined) isTalking = false;
      return !outcome.ok;
    },
    async end(wire) {
      if (isTalking) await endSession(wire);
      wire.close();
    },
  };
}

/** `greeting`, `ehlo` and `tls` on a connection; the outcome of the last that was walked. */
export async function walkToTls(
  { failed }: Conversation,
  wire: SmtpWire,
  host: string,
): Promise<PhaseOutcome<TlsFound>> {
  const greeting = await greetingPhase(wire);
  if (failed('greeting', greeting)) return greeting;
  const ehlo = await ehloPhase(wire);
  if (failed('ehlo', ehlo)) return ehlo;
  const tls = await tlsPhase(wire, host);
  failed('tls', tls);
  return tls;
}
