import { connect, createServer, type Socket } from 'node:net';

/** A time in which an answer was awaited, in ms of `performance.now()`. */
export type Turn = readonly [fromMs: number, toMs: number];

export interface DelayProxy {
  readonly port: number;
  /** Where it leads; must be set before the first connection. */
  leadTo(port: number): void;
  /** The round trips since the last time it was asked. */
  take(): Turn[];
  close(): Promise<void>;
}

/**
 * Puts a server at a distance: each byte, and the making of a connection, takes half of `roundTripMs` each way. Notes from when to
 * when the client waited for an answer, whatever the protocol.
 */
export async function startDelayProxy(roundTripMs: number): Promise<DelayProxy> {
  const oneWayMs = roundTripMs / 2;
  const turns: Turn[] = [];
  let targetPort = 0;
  const sockets = new Set<Socket>();
  const server = createServer(client => {
    // A server that speaks first is waited for from the connection on.
    let askedMs: number | undefined = performance.now();
    let isFirst = true;
    sockets.add(client);
    client.setNoDelay(true);
    const upstream = new Promise<Socket>(resolve => {
      setTimeout(() => {
        const socket = connect(targetPort, '127.0.0.1', () => resolve(socket));
        sockets.add(socket);
        socket.setNoDelay(true);
        socket.on('error', () => client.destroy());
        socket.on('data', chunk => {
          setTimeout(() => {
            client.write(chunk);
            const nowMs = performance.now();
            if (askedMs !== undefined) turns.push([askedMs, nowMs]);
            askedMs = undefined;
            isFirst = false;
          }, oneWayMs);
        });
        socket.on('end', () => setTimeout(() => client.end(), oneWayMs));
        socket.on('close', () => sockets.delete(socket));
      }, oneWayMs);
    });
    client.on('error', () => client.destroy());
    client.on('close', () => {
      sockets.delete(client);
      void upstream.then(socket => setTimeout(() => socket.destroy(), oneWayMs));
    });
    client.on('data', chunk => {
      // The way there of the connection itself is over by the time that the client may speak.
      if (isFirst) askedMs = performance.now();
      isFirst = false;
      askedMs ??= performance.now();
      setTimeout(() => void upstream.then(socket => socket.write(chunk)), oneWayMs);
    });
    client.on('end', () => setTimeout(() => void upstream.then(socket => socket.end()), oneWayMs));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    leadTo: port => {
      targetPort = port;
    },
    take: () => turns.splice(0),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** The time in which at least one answer was awaited: what overlaps counts once. */
export function waitedMs(turns: readonly Turn[]): number {
  let sum = 0;
  let doneMs = Number.NEGATIVE_INFINITY;
  for (const [fromMs, toMs] of turns.toSorted(([one], [other]) => one - other)) {
    sum += Math.max(0, toMs - Math.max(fromMs, doneMs));
    doneMs = Math.max(doneMs, toMs);
  }
  return sum;
}
