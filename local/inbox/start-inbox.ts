import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MailStore } from '../m365/mail-store.ts';
import { inboxAnswer } from './answer-inbox.ts';
import { createLiveUpdates } from './live-updates.ts';

interface InboxOptions {
  store: MailStore;
  /** 0: any free one. */
  port: number;
  /** Address to listen on; default 127.0.0.1. There is no authentication: whoever reaches it reads every mail. */
  host?: string;
}

export interface Inbox {
  url: string;
  close(): Promise<void>;
}

/** Serves the inbox page and its JSON API over a mail store. Rejects when the port is taken. */
export async function startInbox({ store, port, host = '127.0.0.1' }: InboxOptions): Promise<Inbox> {
  const updates = createLiveUpdates(store);
  const answer = inboxAnswer(store, updates);
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(EVERYWHERE)) response.setHeader(name, value);
    if (!isOurs(request, host)) {
      response.writeHead(421).end('This inbox answers by the names localhost and 127.0.0.1 only.');
      return;
    }
    answer(request, response).catch(error => fail(response, error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise(resolve => {
        updates.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const EVERYWHERE = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'X-DNS-Prefetch-Control': 'off',
};

/** A page elsewhere could let a name of its own point to 127.0.0.1 and read the mails (DNS rebinding); the Host header tells. */
function isOurs({ headers }: IncomingMessage, host: string): boolean {
  const name = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  return ['localhost', '127.0.0.1', '[::1]', host].includes(name);
}

function fail(response: ServerResponse, error: unknown): void {
  console.error('Inbox:', error);
  if (response.headersSent) response.destroy();
  else response.writeHead(500).end();
}
