import { connect } from 'node:net';
import { type PhaseOutcome, phaseResult } from '../../domain/probe-phase.ts';
import type { PhaseResult, ProbePhase } from '../../domain/probe-run.ts';
import type { Surroundings } from '../../domain/surroundings.ts';
import { dnsPhase, ehloPhase, greetingPhase, tcpPhase } from '../probe/connect-phases.ts';
import type { SmtpWire } from '../probe/smtp-wire.ts';
import { type TlsFound, tlsPhase } from '../probe/tls-phase.ts';
import { domainRecords } from './domain-records.ts';

export interface SurroundingsConfig {
  readonly host: string;
  readonly port: number;
  readonly authorityHost: string;
  /** False where the sender domains are made up. */
  readonly hasPublicDns: boolean;
}

const OPEN_MS = 4_000;
const CLOCK_MS = 10_000;

/** The network around the app as it is seen from this machine. */
export function surroundings(config: SurroundingsConfig): Surroundings {
  return {
    opens,
    reach: () => reach(config),
    entraClockAheadMs: () => entraClockAheadMs(config.authorityHost),
    ...(config.hasPublicDns ? { domainRecords: domain => domainRecords(domain) } : {}),
  };
}

function opens(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port, timeout: OPEN_MS });
    const end = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}

async function reach({ host, port }: SurroundingsConfig): ReturnType<Surroundings['reach']> {
  const phases: PhaseResult[] = [];
  const isGood = <T>(
    phase: ProbePhase,
    outcome: PhaseOutcome<T>,
  ): outcome is PhaseOutcome<T> & { readonly ok: true } => {
    phases.push(phaseResult(phase, outcome));
    return outcome.ok;
  };
  let wire: SmtpWire | undefined;
  try {
    const dns = await dnsPhase(host);
    if (!isGood('dns', dns)) return { phases };
    const tcp = await tcpPhase({ host, port }, dns.value);
    if (!isGood('tcp', tcp)) return { phases };
    wire = tcp.value;
    if (!isGood('greeting', await greetingPhase(wire))) return { phases };
    if (!isGood('ehlo', await ehloPhase(wire))) return { phases };
    const tls: PhaseOutcome<TlsFound> = await tlsPhase(wire, host);
    return isGood('tls', tls) ? { phases, issuer: tls.value.issuer } : { phases };
  } finally {
    wire?.close();
  }
}

/** By the `Date` of an answer that needs no sign-in, half the way's time taken off. Exact to a second or so. */
async function entraClockAheadMs(authorityHost: string): Promise<number | undefined> {
  const begunMs = Date.now();
  try {
    const url = new URL('/common/v2.0/.well-known/openid-configuration', authorityHost);
    const response = await fetch(url, { signal: AbortSignal.timeout(CLOCK_MS) });
    await response.body?.cancel();
    const entraMs = Date.parse(response.headers.get('date') ?? '');
    return Number.isNaN(entraMs) ? undefined : entraMs - (begunMs + Date.now()) / 2;
  } catch {
    return undefined;
  }
}
