import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** One call of a webhook, as it came. */
export interface WebhookCall {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly atMs: number;
  /** The name in the TLS handshake. */
  readonly servername: string | undefined;
}

export interface WebhookReceiver {
  readonly port: number;
  readonly calls: WebhookCall[];
  /** The first call that fits, there or to come. */
  waitFor(fits: (call: WebhookCall) => boolean, timeoutMs?: number): Promise<WebhookCall>;
  close(): Promise<void>;
}

type Respond = (call: WebhookCall, response: ServerResponse) => void;

/** Listens on loopback, over TLS where a certificate is given; `respond` must end the answer, default 204. */
export async function startWebhookReceiver(
  options: { readonly tls?: { readonly cert: string; readonly key: string }; readonly respond?: Respond } = {},
): Promise<WebhookReceiver> {
  const calls: WebhookCall[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const { servername } = request.socket as { servername?: string };
    const call = { path: request.url ?? '', headers: request.headers, body, atMs: Date.now(), servername };
    calls.push(call);
    if (options.respond) options.respond(call, response);
    else response.writeHead(204).end();
  };
  const server = options.tls ? createTlsServer(options.tls, answer) : createServer(answer);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    calls,
    async waitFor(fits, timeoutMs = 15_000) {
      const end = Date.now() + timeoutMs;
      for (;;) {
        const found = calls.find(fits);
        if (found) return found;
        if (Date.now() > end) throw new Error(`no such call; there were ${calls.map(call => call.path).join(' ')}`);
        await new Promise(resolve => setTimeout(resolve, 20));
      }
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
