import { isWorthConfirming, notReached, type PhaseOutcome, phaseResult } from '../../domain/probe-phase.ts';
import type { ServerWalk, SmtpFindings, SmtpWalkJob } from '../../domain/probe-ports.ts';
import { confirmed, withFirst } from './confirmed.ts';
import { dnsPhase, type HostAddress, tcpPhase } from './connect-phases.ts';
import { conversation, walkToTls } from './conversation.ts';
import { authPhase, ehlo2Phase, envelopePhase } from './session-phases.ts';

interface SmtpWalkDeps {
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
        phases: second.phases.map(result =>
          failed && result.phase === failed.phase ? withFirst(failed, result) : result,
        ),
        transcript: [...first.transcript, '! second try', ...second.transcript],
      };
    },
  };
}

async function walkOnce(
  deps: SmtpWalkDeps,
  addresses: readonly HostAddress[],
  job: SmtpWalkJob,
): Promise<SmtpFindings> {
  const talk = conversation();
  const tcp = await tcpPhase(deps, addresses);
  if (talk.failed('tcp', tcp)) return { phases: talk.phases, transcript: [], facts: tcp.facts };
  const wire = tcp.value;
  const found = (more: Partial<SmtpFindings> = {}): SmtpFindings => ({
    phases: talk.phases,
    transcript: wire.transcript(),
    ...more,
  });
  try {
    const tls = await walkToTls(talk, wire, deps.host);
    if (!tls.ok) return found({ facts: tls.facts });
    const ehlo2 = await ehlo2Phase(wire, job.capabilitiesBefore);
    if (talk.failed('ehlo2', ehlo2)) return found({ facts: ehlo2.facts });
    const capabilities = ehlo2.value;
    const auth = await authPhase(wire, job.mailbox, job.token);
    if (talk.failed('auth', auth)) return found({ facts: auth.facts, capabilities });
    if (job.shutOffBy !== undefined) {
      const why = 'not asked: Exchange has shut the mailbox off, and each try would prolong it';
      talk.note({ ...notReached('envelope', why), code: job.shutOffBy });
    } else {
      const envelope = await envelopePhase(wire, job.mailbox, capabilities);
      if (talk.failed('envelope', envelope)) return found({ facts: envelope.facts, capabilities });
    }
    return found({ capabilities });
  } finally {
    await talk.end(wire);
  }
}
