import { createServer } from 'node:net';

/** Tells whether nothing listens on the port of 127.0.0.1. */
export function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/**
 * The port of the API from the variable PORT, 7071 by default as with `func start`; the inbox takes the next one. 0: free ones.
 * @throws Error when PORT is no port.
 */
export function readPort(value: string | undefined): number {
  const port = Number(value || 7071);
  if (!Number.isInteger(port) || port < 0 || port > 65_534) {
    throw new Error(`PORT is "${value}", but must be a whole number from 1 to 65534, for instance PORT=8080 npm start`);
  }
  return port;
}

/** @throws Error naming the first port that is taken, and the way out. */
export async function claimPorts(port: number): Promise<void> {
  if (port === 0) return;
  const uses = [
    [port, 'the API'],
    [port + 1, 'the inbox'],
  ] as const;
  for (const [wanted, use] of uses) {
    if (await isFree(wanted)) continue;
    throw new Error(
      `Port ${wanted} (${use}) is taken: another program listens on it, perhaps another npm start.\n` +
        `Stop that one, or set PORT to another: PORT=${port === 8080 ? 8090 : 8080} npm start`,
    );
  }
}

/**
 * Azurite's own ports when all three are free: `UseDevelopmentStorage=true` then means this storage, in every tool.
 * Free ones when they are not, or when the API takes a free one, too.
 */
export async function storagePorts(apiPort: number): Promise<readonly [number, number, number]> {
  if (apiPort === 0) return [0, 0, 0];
  const own = [10_000, 10_001, 10_002] as const;
  const free = await Promise.all(own.map(isFree));
  return free.every(Boolean) ? own : [0, 0, 0];
}
