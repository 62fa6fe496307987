import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Where a connection is cut: after so many bytes from this side have passed. */
export interface Cut {
  readonly from: 'client' | 'server';
  readonly after: number;
}

/** A proxy between hosts and the mail server, who cannot tell it from the network. */
export interface SmtpGate {
  readonly port: number;
  /** Each of the next connections takes one of these cuts, in order; later ones pass. */
  arm(cuts: readonly Cut[]): void;
  /** Takes back the cuts that no connection has taken yet, and returns them. */
  disarm(): Cut[];
  waiting(): number;
  /** Cuts that have struck. */
  struck(): number;
  /** Bytes that have passed on the newest connection so far. */
  newest(): { readonly client: number; readonly server: number };
  close(): void;
}

/** Forwards to `upstreamPort` of 127.0.0.1. */
export async function startSmtpGate(upstreamPort: number): Promise<SmtpGate> {
  let cuts: Cut[] = [];
  let struck = 0;
  let newest = { client: 0, server: 0 };
  const sockets = new Set<Socket>();
  const server = createServer(client => {
    const cut = cuts.shift();
    const bytes = { client: 0, server: 0 };
    newest = bytes;
    const upstream = connect(upstreamPort, '127.0.0.1');
    // Closed, never reset: a process that has reset sockets sometimes does not end (Node 24).
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    const strike = (): void => {
      struck++;
      end();
    };
    if (cut?.after === 0) return strike();
    pass(client, upstream, 'client');
    pass(upstream, client, 'server');

    function pass(from: Socket, to: Socket, side: Cut['from']): void {
      from.on('data', chunk => {
        const left = cut?.from === side ? cut.after - bytes[side] : Number.POSITIVE_INFINITY;
        const part = chunk.subarray(0, left);
        bytes[side] += part.length;
        // Written out before the end, or the other side would not get the last bytes.
        if (part.length === left) {
          from.removeAllListeners('data').pause();
          to.end(part, strike);
        } else if (!to.write(part)) from.pause();
      });
      to.on('drain', () => from.resume());
      from.on('end', () => to.end());
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    arm: more => void cuts.push(...more),
    disarm() {
      const left = cuts;
      cuts = [];
      return left;
    },
    waiting: () => cuts.length,
    struck: () => struck,
    newest: () => ({ ...newest }),
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
