import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { callName } from './call-name.ts';

export interface StorageProxy {
  /** The storage account as it is reached through the proxy. */
  readonly connectionString: string;
  /** Names of the calls since the last time it was asked, in order. */
  take(): string[];
  close(): Promise<void>;
}

/**
 * Stands between the app and Azurite and notes each call. The host is given Azurite's own address, so that its polling is
 * not among them.
 */
export async function startStorageProxy(connectionString: string): Promise<StorageProxy> {
  const calls: string[] = [];
  const agent = new Agent({ keepAlive: true });
  const servers: Server[] = [];
  let proxied = connectionString;
  for (const [part, service, origin] of connectionString.matchAll(/(Blob|Queue|Table)Endpoint=(http:\/\/[\d.:]+)/g)) {
    if (service === undefined || origin === undefined) continue;
    const server = createServer((from, to) => forward(service.toLowerCase(), origin, agent, calls, from, to));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    const { port } = server.address() as { port: number };
    proxied = proxied.replace(part, `${service}Endpoint=http://127.0.0.1:${port}`);
  }
  return {
    connectionString: proxied,
    take: () => calls.splice(0),
    async close() {
      agent.destroy();
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}

function forward(
  service: string,
  origin: string,
  agent: Agent,
  calls: string[],
  from: IncomingMessage,
  to: ServerResponse,
): void {
  const chunks: Buffer[] = [];
  from.on('data', chunk => chunks.push(chunk));
  from.on('end', () => {
    const body = Buffer.concat(chunks);
    calls.push(callName(service, from.method ?? '', from.url ?? '', body));
    const onward = request(
      new URL(from.url ?? '/', origin),
      { method: from.method, headers: from.headers, agent },
      answer => {
        to.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(to);
      },
    );
    onward.on('error', () => to.destroy());
    onward.end(body);
  });
}
