import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { callName } from './call-name.ts';

export interface StorageProxy {
  /** The storage account as it is reached through the proxy. */
  readonly connectionString: string;
  /** Names of the calls since the last time it was asked, in order. */
  take(): string[];
  /** How many messages of queues whose name begins so have been handed out so far. */
  messagesRead(queue: string): number;
  close(): Promise<void>;
}

export interface ProxyOptions {
  /** Every call takes so much longer, in ms. */
  readonly delayMs?: number;
}

interface Forwarding {
  readonly service: string;
  readonly origin: string;
  readonly agent: Agent;
  readonly calls: string[];
  readonly read: Map<string, number>;
  readonly delayMs: number;
}

/**
 * Stands before Azurite and notes each call. Host and app may be given a proxy each, so that the host's polling is not
 * among the app's calls.
 */
export async function startStorageProxy(
  connectionString: string,
  { delayMs = 0 }: ProxyOptions = {},
): Promise<StorageProxy> {
  const calls: string[] = [];
  const read = new Map<string, number>();
  const agent = new Agent({ keepAlive: true });
  const servers: Server[] = [];
  let proxied = connectionString;
  for (const [part, service, origin] of connectionString.matchAll(/(Blob|Queue|Table)Endpoint=(http:\/\/[\d.:]+)/g)) {
    if (service === undefined || origin === undefined) continue;
    const forwarding = { service: service.toLowerCase(), origin, agent, calls, read, delayMs };
    const server = createServer((from, to) => forward(forwarding, from, to));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    const { port } = server.address() as { port: number };
    proxied = proxied.replace(part, `${service}Endpoint=http://127.0.0.1:${port}`);
  }
  return {
    connectionString: proxied,
    take: () => calls.splice(0),
    messagesRead: prefix =>
      [...read].reduce((sum, [queue, count]) => (queue.startsWith(prefix) ? sum + count : sum), 0),
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
  { service, origin, agent, calls, read, delayMs }: Forwarding,
  from: IncomingMessage,
  to: ServerResponse,
): void {
  const chunks: Buffer[] = [];
  from.on('data', chunk => chunks.push(chunk));
  from.on('end', async () => {
    const body = Buffer.concat(chunks);
    const url = new URL(from.url ?? '/', origin);
    calls.push(callName(service, from.method ?? '', from.url ?? '', body));
    if (delayMs > 0) await sleep(delayMs);
    const onward = request(url, { method: from.method, headers: from.headers, agent }, answer => {
      to.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      const queue = /\/([^/]+)\/messages$/.exec(url.pathname)?.[1];
      if (service === 'queue' && from.method === 'GET' && queue !== undefined) countMessages(answer, queue, read);
      answer.pipe(to);
    });
    onward.on('error', () => to.destroy());
    onward.end(body);
  });
}

function countMessages(answer: IncomingMessage, queue: string, read: Map<string, number>): void {
  const chunks: Buffer[] = [];
  answer.on('data', chunk => chunks.push(chunk));
  answer.on('end', () => {
    const found =
      Buffer.concat(chunks)
        .toString('utf8')
        .match(/<QueueMessage>/g)?.length ?? 0;
    read.set(queue, (read.get(queue) ?? 0) + found);
  });
}
