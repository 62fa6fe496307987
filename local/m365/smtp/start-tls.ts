import { TLSSocket } from 'node:tls';
import { createByteReader } from './byte-reader.ts';
import { actOut, meetFault, takeFault } from './meet-fault.ts';
import { reply, resetTransaction, type Session } from './session.ts';
import { slowWriter } from './slow-writer.ts';

const HANDSHAKE_MS = 30_000;

/**
 * STARTTLS (RFC 3207): TLS 1.2 or later. Whatever the client sent in clear behind the command is thrown away and counted,
 * and all that was learned before the handshake is forgotten.
 */
export async function startTls(session: Session, args: string): Promise<void> {
  const { cloud, secureContext } = session.server;
  if (session.tls) return reply(session, '503 5.5.1 Bad sequence of commands');
  if (!session.hello) return reply(session, '503 5.5.2 Send hello first');
  if (args !== '') return reply(session, '501 5.5.4 Invalid arguments');
  if (await meetFault(session, 'smtp.starttls')) return;
  const fault = takeFault(session, 'smtp.tls');
  await reply(session, '220 2.0.0 SMTP server ready');
  cloud.counters.plaintextAfterStarttlsBytes += session.reader.release();
  if (fault && (await spoilHandshake(session, fault))) return;
  const plain = session.socket;
  const context = fault?.action === 'certificate' ? session.server.badContexts[fault.kind] : secureContext;
  const carrier = fault?.action === 'slow' ? slowWriter(plain, fault.bytesPerSecond) : plain;
  const secure = new TLSSocket(carrier, { isServer: true, secureContext: context });
  secure.on('error', () => secure.destroy());
  session.socket = secure;
  if (!(await handshake(secure))) {
    session.isOver = true;
    return;
  }
  cloud.counters.tlsHandshakes++;
  session.reader = createByteReader(secure);
  session.tls = { version: secure.getProtocol() ?? '', cipher: secure.getCipher().name };
  session.transcript.push(`! TLS ${session.tls.version} ${session.tls.cipher}`);
  delete session.hello;
  resetTransaction(session);
}

/** Drop and stall wait for the client's first bytes, so that they hit the handshake and not the command. */
async function spoilHandshake(session: Session, fault: Parameters<typeof actOut>[1]): Promise<boolean> {
  if (fault?.action === 'certificate' || fault?.action === 'slow') return false;
  if (fault?.action === 'delay' || (fault?.action === 'stall' && fault.ms !== undefined)) {
    session.socket.pause();
    await new Promise(resolve => setTimeout(resolve, fault.ms));
    return session.socket.destroyed;
  }
  await new Promise<void>(resolve => {
    session.socket.once('data', () => resolve());
    session.socket.once('close', () => resolve());
    session.socket.resume();
  });
  await actOut(session, fault);
  session.isOver = true;
  return true;
}

function handshake(socket: TLSSocket): Promise<boolean> {
  return new Promise(resolve => {
    const timer = setTimeout(() => socket.destroy(), HANDSHAKE_MS);
    const settle = (done: boolean): void => {
      clearTimeout(timer);
      resolve(done);
    };
    socket.once('secure', () => settle(true));
    socket.once('close', () => settle(false));
  });
}
