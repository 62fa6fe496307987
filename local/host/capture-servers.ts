import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Server } from 'node:http';

const channel = 'tracing:net.server.listen:asyncStart';

/**
 * Runs `work` and catches the servers that begin to listen meanwhile. The library opens a server for streaming and has
 * no way to close it again; without this a host that was closed would keep its process alive.
 */
export async function captureServers<T>(work: () => Promise<T>): Promise<{ result: T; servers: Server[] }> {
  const servers: Server[] = [];
  const onListen = (message: unknown) => servers.push((message as { server: Server }).server);
  subscribe(channel, onListen);
  try {
    return { result: await work(), servers };
  } finally {
    unsubscribe(channel, onListen);
  }
}
