import { subscribe } from 'node:diagnostics_channel';
import { type IncomingHttpHeaders, type IncomingMessage, Server, type ServerResponse } from 'node:http';

/**
 * The HTTP requests that the host forwards to this process (HTTP streaming), seen before the library makes anything of
 * them. Three faults of that way are made good here:
 *
 * - The library takes headers from the trigger metadata, and the host fills that with the members of a JSON body and the
 *   names of the query too. A body with a member `headers`, which ours has, or a query `?headers=`, leaves the function
 *   without any header: no Content-Type, no key, no principal.
 * - A header, query or host that the library cannot put into a Request makes it throw before any handler runs; nobody
 *   answers then, and the client waits for minutes.
 * - Node's server refuses more than 16 KiB of headers and URL, the host takes 40: what lies between gets 431, and its
 *   invocation waits for the request until the host's time for a function is over and it starts the process anew.
 */
const INVOCATION_ID = 'x-ms-invocation-id';
/** An invocation comes at the same time as its request. One that has not come after this was lost in the library. */
const UNCLAIMED_AFTER_MS = 15_000;

/** More than the host lets through, and adds itself: Kestrel takes 32 KiB of headers and 8 of request line. */
const MAX_HEADER_BYTES = 64 * 1024;

const unclaimed = new Map<string, IncomingHttpHeaders>();
let isForwarding = false;

/** Starts to watch for forwarded requests. To be called once, while the app loads. */
export function watchForwardedRequests(): void {
  // The library opens its server after the app has loaded, and gives no other way to it.
  subscribe('tracing:net.server.listen:asyncStart', message => {
    const { server } = message as { readonly server: unknown };
    // Node reads it with each connection; its types know it as an option only.
    if (server instanceof Server) Object.assign(server, { maxHeaderSize: MAX_HEADER_BYTES });
  });
  subscribe('http.server.request.start', message => {
    const { request, response } = message as { readonly request: IncomingMessage; readonly response: ServerResponse };
    const id = request.headers[INVOCATION_ID];
    if (typeof id !== 'string') return;
    isForwarding = true;
    unclaimed.set(id, request.headers);
    const timer = setTimeout(() => {
      if (unclaimed.has(id)) refuse(request, response);
    }, UNCLAIMED_AFTER_MS);
    timer.unref();
    response.once('close', () => {
      clearTimeout(timer);
      unclaimed.delete(id);
    });
  });
}

/**
 * The headers of an invocation's request, as they came in; says at the same time that a handler has it and will answer.
 * Where requests are forwarded and this one was not seen, there are none: what the metadata holds could be the caller's
 * own invention.
 *
 * @param fallback for a host that does not forward, and for unit tests
 */
export function claimRequest(invocationId: string, fallback: Headers): Headers {
  const captured = unclaimed.get(invocationId);
  unclaimed.delete(invocationId);
  if (!captured) return isForwarding ? new Headers() : fallback;
  const headers = new Headers();
  for (const [name, value] of Object.entries(captured)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      // Octets over 255 cannot be here: Node reads headers as latin1.
      if (one !== undefined) headers.append(name, one);
    }
  }
  return headers;
}

function refuse(request: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent) return;
  response.statusCode = 400;
  response.setHeader('content-type', 'application/problem+json; charset=utf-8');
  response.end(
    JSON.stringify({
      type: 'about:blank',
      title: 'The request cannot be read',
      status: 400,
      code: 'request_invalid',
      detail: 'A header, the query or the host of the request has characters that HTTP does not allow there.',
      errors: [],
      retryable: false,
    }),
  );
  request.resume();
}
