import type { ServerResponse } from 'node:http';
import type { MailStore } from '../m365/mail-store.ts';

export interface LiveUpdates {
  /** Keeps the response open and tells it what happens, as server-sent events: `mail` with its id, and `cleared`. */
  serve(response: ServerResponse): void;
  close(): void;
}

const LOOK_MS = 1000;
/** Proxies and sleeping laptops end a silent connection without a word; a comment now and then shows it. */
const PING_EVERY_LOOKS = 20;

/** Makes the updates of a store. Costs nothing while nobody listens. */
export function createLiveUpdates(store: MailStore): LiveUpdates {
  const clients = new Set<ServerResponse>();
  let stop: (() => void) | undefined;
  const tell = (text: string): void => {
    for (const client of clients) client.write(text);
  };
  const listen = (): (() => void) => {
    let count = store.list().length;
    let looks = 0;
    const forget = store.onMail(({ id }) => tell(`event: mail\ndata: ${JSON.stringify({ id })}\n\n`));
    // The store says nothing when it is emptied, and others may do that, too.
    const timer = setInterval(() => {
      const now = store.list().length;
      if (now < count) tell('event: cleared\ndata: {}\n\n');
      else if (++looks % PING_EVERY_LOOKS === 0) tell(': still here\n\n');
      count = now;
    }, LOOK_MS);
    timer.unref();
    return () => {
      forget();
      clearInterval(timer);
    };
  };
  const leave = (client: ServerResponse): void => {
    clients.delete(client);
    if (clients.size > 0) return;
    stop?.();
    stop = undefined;
  };
  return {
    serve(response) {
      response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
      response.write('retry: 1000\n\n');
      clients.add(response);
      stop ??= listen();
      response.once('close', () => leave(response));
    },
    close() {
      for (const client of clients) client.end();
    },
  };
}
