import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { finished } from 'node:stream/promises';
import type { InvocationRunner } from '../invocation-runner.ts';
import { type AdminApi, serveAdmin } from './admin-api.ts';
import type { HttpCall } from './call.ts';
import { type HostKeys, mayAdminister, mayCall, readKey } from './keys.ts';
import { maxBodyBytes, readDeclaredBody } from './request-data.ts';
import type { createRouteTable } from './route-table.ts';
import { writeEmpty } from './write-response.ts';

/** As the Functions host's own server: 32 KiB of headers and 8 of request line (ASP.NET Core, Kestrel limits). */
const MAX_HEADER_BYTES = 40 * 1024;

export type HttpFront = {
  findRoute: ReturnType<typeof createRouteTable>;
  serveCall: (call: HttpCall) => Promise<void>;
  isDisabled: (functionName: string) => boolean;
  keys: HostKeys | undefined;
  admin: AdminApi;
  runner: InvocationRunner;
};

/**
 * Opens the port before the app is loaded, so that a taken port costs no start-up; requests wait for `front`.
 * @param port 0 = one that is free.
 * @throws Error naming the port when it is taken.
 */
export async function listen(port: number, front: Promise<HttpFront>): Promise<{ server: Server; url: string }> {
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
    void answer(front, request, response);
  });
  server.requestTimeout = 0; // large uploads over slow lines take as long as they take
  server.keepAliveTimeout = 130_000; // Kestrel's value; Node's 5 s surprise clients that pool connections
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = `Port ${port} is unavailable: another process is listening on it. Use --port to pick another one.`;
      reject(error.code === 'EADDRINUSE' ? new Error(taken, { cause: error }) : error);
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function answer(front: Promise<HttpFront>, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const ready = await front;
    await serve(ready, request, response).catch(error => {
      // A client that broke off is no news.
      if (!request.destroyed) ready.runner.log('error', `Request failed in the host: ${error.stack}`);
      writeEmpty(response, 500);
    });
  } catch {
    writeEmpty(response, 503); // the host did not start
  }
}

async function serve(front: HttpFront, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = '/', search = ''] = splitAt(request.url ?? '/', '?');
  const query = new URLSearchParams(search);
  const key = readKey(request.headers, query);

  if (/^\/admin(\/|$)/i.test(path)) {
    if (/^\/admin\/host\/ping\/?$/i.test(path)) writeEmpty(response, 200);
    else if (mayAdminister(key, front.keys)) await serveAdmin(front.admin, request, response, path);
    else writeEmpty(response, 401);
    return;
  }
  const match = front.findRoute(request.method ?? 'GET', path);
  if (!match) writeEmpty(response, path === '/' ? 200 : 404);
  else if (!mayCall(match.fn, key, front.keys)) writeEmpty(response, 401);
  else if (front.isDisabled(match.fn.info.name)) writeEmpty(response, 404);
  else if (Number(request.headers['content-length']) > maxBodyBytes) writeEmpty(response, 413);
  else {
    const body = await readDeclaredBody(request);
    const sent = finished(response).catch(() => {}); // also when the client goes away
    const call = front.serveCall({ request, response, query, match, body, runner: front.runner });
    await front.runner.track(Promise.all([call, sent]));
  }
}

function splitAt(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
