import { lookup } from 'node:dns/promises';
import { connect, isIP, type LookupFunction } from 'node:net';
import { hostname } from 'node:os';
import { ServiceFailure } from '../../domain/failure.ts';
import { capabilitiesOf, offers } from '../../domain/probe-capabilities.ts';
import { type PhaseOutcome, runPhase } from '../../domain/probe-phase.ts';
import { replyText } from '../../domain/probe-smtp-reply.ts';
import { PROBE_TIMEOUTS_MS, refusal, type SmtpWire, smtpWire } from './smtp-wire.ts';

export interface HostAddress {
  readonly address: string;
  readonly family: number;
}

/** Phase `dns`: the addresses of the submission server, by the resolver that connections use. */
export function dnsPhase(
  host: string,
  timeoutMs: number = PROBE_TIMEOUTS_MS.dns,
): Promise<PhaseOutcome<readonly HostAddress[]>> {
  return runPhase('dns', async () => {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const text = `no answer for ${host} within ${timeoutMs / 1000} s`;
    const timer = setTimeout(() => reject(failure('dns', 'EAI_AGAIN', text)), timeoutMs);
    try {
      const addresses = await Promise.race([lookup(host, { all: true }), late]);
      const named = addresses.map(({ address }) => address);
      const more = named.length > 6 ? ` and ${named.length - 6} more` : '';
      return { value: addresses, detail: `${host} is ${named.slice(0, 6).join(', ')}${more}` };
    } catch (error) {
      throw asFailure('dns', error);
    } finally {
      clearTimeout(timer);
    }
  });
}

/** Phase `tcp`: a connection to one of the addresses, tried in turn. */
export function tcpPhase(
  { host, port }: { readonly host: string; readonly port: number },
  addresses: readonly HostAddress[],
  timeoutMs: number = PROBE_TIMEOUTS_MS.tcp,
): Promise<PhaseOutcome<SmtpWire>> {
  return runPhase('tcp', async () => {
    const known: LookupFunction = (_host, _options, done) => done(null, [...addresses]);
    const socket = connect({
      host,
      port,
      lookup: known,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: 2_500,
    });
    socket.setNoDelay(true);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const text = `no connection to ${host}:${port} within ${timeoutMs / 1000} s`;
    const timer = setTimeout(() => reject(failure('tcp', 'ETIMEDOUT', text)), timeoutMs);
    socket.once('connect', resolve).once('error', reject);
    try {
      await promise;
    } catch (error) {
      socket.on('error', () => {}).destroy();
      throw asFailure('tcp', error);
    } finally {
      clearTimeout(timer);
    }
    const wire = smtpWire(socket);
    socket.off('error', reject);
    return { value: wire, detail: `connected to ${socket.remoteAddress}:${port}` };
  });
}

/** Phase `greeting`: the server's 220. */
export function greetingPhase(wire: SmtpWire): Promise<PhaseOutcome<string>> {
  return runPhase('greeting', async () => {
    const reply = await wire.read('greeting', PROBE_TIMEOUTS_MS.greeting);
    if (reply.code !== 220) throw refusal('greeting', reply);
    const text = replyText(reply);
    return { value: text, detail: text };
  });
}

/** Phase `ehlo`: what is offered before TLS. Fails where STARTTLS is not among it. */
export function ehloPhase(wire: SmtpWire): Promise<PhaseOutcome<readonly string[]>> {
  return runPhase('ehlo', async () => {
    const capabilities = await sayHello(wire);
    if (!offers(capabilities, 'STARTTLS'))
      throw failure('tls', 'tls_starttls_not_offered', `not offered; what is: ${capabilities.join(', ') || 'nothing'}`);
    return { value: capabilities, detail: `offers ${capabilities.join(', ')}` };
  });
}

/** EHLO and what is offered. Throws ServiceFailure of stage `ehlo`. */
export async function sayHello(wire: SmtpWire): Promise<readonly string[]> {
  const reply = await wire.command(`EHLO ${ownName()}`, 'ehlo', PROBE_TIMEOUTS_MS.command);
  if (reply.code !== 250) throw refusal('ehlo', reply);
  return capabilitiesOf(reply);
}

/** As nodemailer names itself in delivery: the machine's full name, or an address literal (RFC 5321 4.1.3). */
function ownName(): string {
  const name = hostname();
  return /^[A-Za-z0-9.-]+\.[A-Za-z0-9-]+$/.test(name) && !isIP(name) ? name : '[127.0.0.1]';
}

function failure(stage: 'dns' | 'tcp' | 'tls', errorCode: string, text: string): ServiceFailure {
  return new ServiceFailure(`SMTP: ${text}`, { stage, errorCode, text });
}

/** An error of Node. Where several addresses failed, the first one's says why. */
function asFailure(stage: 'dns' | 'tcp', error: unknown): ServiceFailure {
  if (error instanceof ServiceFailure) return error;
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const { code, message } = first as NodeJS.ErrnoException;
  return failure(stage, code ?? 'ECONNECTION', message);
}
