import { connect } from 'node:net';
import type { Surroundings } from '../../domain/surroundings.ts';
import { dnsPhase, tcpPhase } from '../probe/connect-phases.ts';
import { conversation, walkToTls } from '../probe/conversation.ts';
import { domainRecords } from './domain-records.ts';

interface SurroundingsConfig {
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
  const talk = conversation();
  const { phases } = talk;
  const dns = await dnsPhase(host);
  if (talk.failed('dns', dns)) return { phases };
  const tcp = await tcpPhase({ host, port }, dns.value);
  if (talk.failed('tcp', tcp)) return { phases };
  try {
    const tls = await walkToTls(talk, tcp.value, host);
    return tls.ok ? { phases, issuer: tls.value.issuer } : { phases };
  } finally {
    await talk.end(tcp.value);
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
