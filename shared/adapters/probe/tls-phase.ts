import { isIP } from 'node:net';
import { type PeerCertificate, connect as secure, type TLSSocket } from 'node:tls';
import { ServiceFailure } from '../../domain/failure.ts';
import { type PhaseOutcome, runPhase } from '../../domain/probe-phase.ts';
import { PROBE_TIMEOUTS_MS, refusal, type SmtpWire } from './smtp-wire.ts';

const DAY_MS = 86_400_000;

export interface TlsFound {
  readonly protocol: string;
  readonly cipher: string;
  /** Common name and issuer of the server's certificate, as it shows them. */
  readonly subject: string;
  readonly issuer: string;
  readonly daysLeft: number;
  readonly chainLength: number;
}

/**
 * Phase `tls`: STARTTLS, then TLS 1.2 or newer with the certificate verified, chain and name. A refused certificate is
 * described in the failure: its issuer tells a proxy that opens TLS from a server gone wrong.
 *
 * What the server has sent beyond its 220 was not protected by TLS and may be anybody's: then the phase fails (CVE-2011-0411).
 */
export function tlsPhase(wire: SmtpWire, host: string): Promise<PhaseOutcome<TlsFound>> {
  return runPhase('tls', async () => {
    const reply = await wire.command('STARTTLS', 'tls', PROBE_TIMEOUTS_MS.command);
    if (reply.code !== 220) throw refusal('tls', reply);
    if (wire.hasUnread()) throw failure('EPROTOCOL', 'the server sent more than its 220 before TLS began');
    const { socket, found } = await handshake(wire, host);
    wire.goOn(socket);
    const { protocol, cipher, subject, issuer, daysLeft, chainLength } = found;
    wire.note(`! ${protocol} ${cipher}`);
    return {
      value: found,
      detail: `${protocol} ${cipher}; certificate ${subject} by ${issuer} is for ${host}, ${daysLeft} days left, chain of ${chainLength}`,
    };
  });
}

async function handshake(
  wire: SmtpWire,
  host: string,
): Promise<{ readonly socket: TLSSocket; readonly found: TlsFound }> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = secure({
    socket: wire.handOver(),
    minVersion: 'TLSv1.2',
    ...(isIP(host) ? { host } : { servername: host }),
  });
  // Seen before the certificate is judged; afterwards the socket has nothing left to tell.
  let shown: TlsFound | undefined;
  socket.prependOnceListener('secure', () => {
    shown = describe(socket);
  });
  const text = `the handshake did not end within ${PROBE_TIMEOUTS_MS.tls / 1000} s`;
  const timer = setTimeout(() => reject(failure('ETIMEDOUT', text)), PROBE_TIMEOUTS_MS.tls);
  socket.once('secureConnect', resolve).once('error', reject);
  socket.once('close', () => reject(failure('ECONNRESET', 'the connection ended during the handshake')));
  try {
    await promise;
    return { socket, found: shown ?? describe(socket) };
  } catch (error) {
    socket.on('error', () => {}).destroy();
    if (error instanceof ServiceFailure) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const certificate = shown ? `; the certificate shown is ${shown.subject} by ${shown.issuer}` : '';
    throw failure(code ?? 'ETLS', `${message}${certificate}`);
  } finally {
    clearTimeout(timer);
    socket.off('error', reject);
  }
}

function describe(socket: TLSSocket): TlsFound {
  const leaf = socket.getPeerCertificate(true);
  const { name = 'unknown cipher' } = socket.getCipher() ?? {};
  return {
    protocol: socket.getProtocol() ?? 'unknown protocol',
    cipher: name,
    subject: nameOf(leaf.subject),
    issuer: nameOf(leaf.issuer),
    daysLeft: Math.floor((Date.parse(leaf.valid_to) - Date.now()) / DAY_MS),
    chainLength: chainLength(leaf),
  };
}

function nameOf(name: Partial<PeerCertificate['subject']> | undefined): string {
  return [name?.CN ?? name?.O ?? 'without a name'].flat().join(' ');
}

function chainLength(leaf: ReturnType<TLSSocket['getPeerCertificate']> & { issuerCertificate?: unknown }): number {
  const seen = new Set<unknown>();
  for (let one: unknown = leaf; one && !seen.has(one); one = (one as { issuerCertificate?: unknown }).issuerCertificate)
    seen.add(one);
  return seen.size;
}

function failure(errorCode: string, text: string): ServiceFailure {
  return new ServiceFailure(`SMTP: ${text}`, { stage: 'tls', errorCode, text });
}
