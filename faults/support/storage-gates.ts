import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type Service = 'blob' | 'queue' | 'table';

/** What a storage service does to its callers. */
export type Trouble =
  /** Nothing listens: the connection is refused. */
  | { readonly kind: 'refused' }
  /** The connection ends without an answer, the request is not done. */
  | { readonly kind: 'dropped' }
  /** The request is done, its answer is lost with the connection. */
  | { readonly kind: 'answerLost' }
  /** Each request waits this long. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** 503 ServerBusy or 429, with the service's own body. */
  | { readonly kind: 'throttled'; readonly status: 429 | 503 };

/** A proxy before one service of the storage account. */
export interface Gate {
  /** The trouble for all calls from now on; undefined: all is well. */
  set(trouble: Trouble | undefined): Promise<void>;
  /** Calls that met trouble so far. */
  met(): number;
}

export interface StorageGates {
  /** The storage account as it is reached through the gates. */
  readonly connectionString: string;
  readonly gates: Readonly<Record<Service, Gate>>;
  close(): Promise<void>;
}

/** Stands between hosts and Azurite, one proxy for each service. */
export async function startStorageGates(connectionString: string): Promise<StorageGates> {
  const started: Partial<Record<Service, Gate & { close(): void; port: number }>> = {};
  let proxied = connectionString;
  for (const [part, name = '', origin = ''] of connectionString.matchAll(
    /(Blob|Queue|Table)Endpoint=(http:\/\/[\d.:]+)/g,
  )) {
    const service = name.toLowerCase() as Service;
    const gate = await startGate(service, origin);
    started[service] = gate;
    proxied = proxied.replace(part, `${name}Endpoint=http://127.0.0.1:${gate.port}`);
  }
  const { blob, queue, table } = started;
  if (!blob || !queue || !table) throw new Error('The connection string does not name three endpoints.');
  return {
    connectionString: proxied,
    gates: { blob, queue, table },
    async close() {
      for (const gate of [blob, queue, table]) gate.close();
    },
  };
}

async function startGate(service: Service, origin: string): Promise<Gate & { close(): void; port: number }> {
  const agent = new Agent({ keepAlive: true });
  let trouble: Trouble | undefined;
  let met = 0;
  const server = createServer((from, to) => {
    void serve(from, to).catch(() => to.destroy());
  });
  server.keepAliveTimeout = 60_000;
  const serve = async (from: IncomingMessage, to: ServerResponse): Promise<void> => {
    const now = trouble;
    if (now) met++;
    if (now?.kind === 'dropped') {
      from.socket.destroy();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of from as AsyncIterable<Buffer>) chunks.push(chunk);
    if (now?.kind === 'throttled') return throttle(service, now.status, to);
    if (now?.kind === 'slow') await sleep(now.ms);
    const answer = await ask(origin, agent, from, Buffer.concat(chunks));
    if (now?.kind === 'answerLost') {
      answer.resume();
      from.socket.destroy();
      return;
    }
    to.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(to);
    answer.on('error', () => to.destroy());
  };
  await listen(server, 0);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async set(next) {
      const wasDown = trouble?.kind === 'refused';
      trouble = next;
      if (next?.kind === 'refused') {
        if (wasDown) return;
        met++;
        const closed = new Promise(resolve => server.close(resolve));
        server.closeAllConnections();
        await closed;
      } else if (wasDown) await listen(server, port);
    },
    met: () => met,
    close() {
      agent.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The port of before may for a moment be another's: an outgoing connection has got it by chance. */
async function listen(server: Server, port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, '127.0.0.1', () => {
          server.off('error', reject);
          resolve();
        });
      });
      return;
    } catch (error) {
      if (tries > 300 || port === 0) throw error;
      await sleep(100);
    }
  }
}

function ask(origin: string, agent: Agent, from: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const onward = request(
      new URL(from.url ?? '/', origin),
      { method: from.method, headers: from.headers, agent },
      resolve,
    );
    onward.on('error', reject);
    onward.end(body);
  });
}

const BUSY = 'The server is busy.';

/**
 * Throttling in the services' own words: XML with `x-ms-error-code`, the table service OData JSON.
 * Source: Azure Storage REST, "Status and error codes", "Common REST API error codes", "Table Storage error codes".
 */
function throttle(service: Service, status: 429 | 503, to: ServerResponse): void {
  const code = status === 503 ? 'ServerBusy' : 'TooManyRequests';
  const isTable = service === 'table';
  const body = isTable
    ? JSON.stringify({ 'odata.error': { code, message: { lang: 'en-US', value: BUSY } } })
    : `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${BUSY}</Message></Error>`;
  to.writeHead(status, {
    'content-type': isTable ? 'application/json;odata=minimalmetadata;streaming=true;charset=utf-8' : 'application/xml',
    'content-length': Buffer.byteLength(body),
    'x-ms-error-code': code,
  }).end(body);
}
