import { randomUUID } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { RunningServer } from '../http-server.ts';
import { createByteReader } from './byte-reader.ts';
import { runSession } from './run-session.ts';
import type { Session, Submission } from './session.ts';

/** The submission server of Exchange Online on 127.0.0.1. @param port 0: any free port. Rejects when the port is taken. */
export async function startSmtp(server: Submission, port: number): Promise<RunningServer> {
  const sockets = new Set<Socket>();
  const listener = createServer(socket => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    void converse(server, socket);
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, '127.0.0.1', resolve);
  });
  return {
    port: (listener.address() as AddressInfo).port,
    close: () =>
      new Promise(resolve => {
        listener.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function converse(server: Submission, socket: Socket): Promise<void> {
  const { counters } = server.cloud;
  counters.connections++;
  counters.openConnections++;
  counters.maxOpenConnections = Math.max(counters.maxOpenConnections, counters.openConnections);
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  const session: Session = {
    id: randomUUID(),
    server,
    socket,
    reader: createByteReader(socket),
    recipients: [],
    failedSignIns: 0,
    transcript: [],
    preambleLines: 0,
    isOver: false,
  };
  try {
    await runSession(session);
  } catch (error) {
    console.error('SMTP simulator:', error);
  } finally {
    counters.openConnections--;
    server.use.left(session);
    // Ends politely, then makes sure: a client that never closes must not hold the port.
    session.socket.end();
    setTimeout(() => socket.destroy(), 1000).unref();
  }
}
