import { isWorthConfirming, notReached, type PhaseOutcome, phaseResult } from '../../domain/probe-phase.ts';
import type { ServerWalk, SmtpFindings, SmtpWalkJob } from '../../domain/probe-ports.ts';
import type { PhaseResult, ProbePhase } from '../../domain/probe-run.ts';
import { confirmed } from './confirmed.ts';
import { dnsPhase, ehloPhase, greetingPhase, type HostAddress, tcpPhase } from './connect-phases.ts';
import { authPhase, ehlo2Phase, endSession, envelopePhase } from './session-phases.ts';
import type { SmtpWire } from './smtp-wire.ts';
import { tlsPhase } from './tls-phase.ts';

export interface SmtpWalkDeps {
  readonly host: string;
  readonly port: number;
  /** Between a network failure and the try that confirms it. */
  pause(): Promise<void>;
}

/**
 * `dns`, and `tcp` to `envelope`, each at most twice: what the network did is confirmed by a second try, what the server
 * said is believed at once.
 */
export function serverWalk(deps: SmtpWalkDeps): ServerWalk {
  let resolved: Promise<PhaseOutcome<readonly HostAddress[]>> | undefined;
  const resolve = () => {
    resolved ??= confirmed(deps, () => dnsPhase(deps.host));
    return resolved;
  };
  return {
    resolve: async () => phaseResult('dns', await resolve()),
    async converse(job) {
      const dns = await resolve();
      const addresses = dns.ok ? dns.value : [];
      const first = await walkOnce(deps, addresses, job);
      if (!first.facts || !isWorthConfirming(first.facts)) return first;
      await deps.pause();
      const second = await walkOnce(deps, addresses, job);
      const failed = first.phases.at(-1);
      return {
        ...second,
        phases: second.phases.map(result => (result.phase === failed?.phase ? withFirst(failed, result) : result)),
        transcript: [...first.transcript, '! second try', ...second.transcript],
      };
    },
  };
}

function withFirst(first: PhaseResult, second: PhaseResult): PhaseResult {
  if (second.ok === null) return second;
  const detail =
    second.ok === false
      ? `${second.detail} (twice)`
      : `${second.detail}; at the second try, the first: ${first.detail}`;
  return { ...second, ms: first.ms + second.ms, detail };
}

async function walkOnce(
  deps: SmtpWalkDeps,
  addresses: readonly HostAddress[],
  job: SmtpWalkJob,
): Promise<SmtpFindings> {
  const phases: PhaseResult[] = [];
  let wire: SmtpWire | undefined;
  let isTalking = true;
  const found = (more: Partial<SmtpFindings> = {}): SmtpFindings => ({
    phases,
    transcript: wire?.transcript() ?? [],
    ...more,
  });
  /** Notes an outcome; true when it failed. */
  function failed<T>(phase: ProbePhase, outcome: PhaseOutcome<T>): outcome is PhaseOutcome<T> & { readonly ok: false } {
    phases.push(phaseResult(phase, outcome));
    if (!outcome.ok && outcome.facts.replyCode === undefined) isTalking = false;
    return !outcome.ok;
  }

  const tcp = await tcpPhase(deps, addresses);
  if (failed('tcp', tcp)) return found({ facts: tcp.facts });
  wire = tcp.value;
  try {
    const greeting = await greetingPhase(wire);
    if (failed('greeting', greeting)) return found({ facts: greeting.facts });
    const ehlo = await ehloPhase(wire);
    if (failed('ehlo', ehlo)) return found({ facts: ehlo.facts });
    const tls = await tlsPhase(wire, deps.host);
    if (failed('tls', tls)) return found({ facts: tls.facts });
    const ehlo2 = await ehlo2Phase(wire, job.capabilitiesBefore);
    if (failed('ehlo2', ehlo2)) return found({ facts: ehlo2.facts });
    const capabilities = ehlo2.value;
    const auth = await authPhase(wire, job.mailbox, job.token);
    if (failed('auth', auth)) return found({ facts: auth.facts, capabilities });
    if (job.shutOffBy !== undefined) {
      const why = 'not asked: Exchange has shut the mailbox off, and each try would prolong it';
      phases.push({ ...notReached('envelope', why), code: job.shutOffBy });
    } else {
      const envelope = await envelopePhase(wire, job.mailbox, capabilities);
      if (failed('envelope', envelope)) return found({ facts: envelope.facts, capabilities });
    }
    return found({ capabilities });
  } finally {
    // A server that has gone silent is not waited for a second time.
    if (isTalking) await endSession(wire);
    wire.close();
  }
}
