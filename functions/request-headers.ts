import { subscribe } from 'node:diagnostics_channel';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/**
 * The headers of a request as they came in.
 *
 * Why not `request.headers`: with HTTP streaming the library takes headers from the trigger metadata, and the host
 * fills that metadata with the members of a JSON body and the names of the query too. A body with a member `headers`,
 * which ours has, or a query `?headers=`, then leaves the function without any header at all: no Content-Type, no key,
 * no principal. The request that the host forwards to this process still has them all, under its invocation id.
 */
const INVOCATION_ID = 'x-ms-invocation-id';
/** Requests whose function has not asked yet. The host sends both at the same time, so this stays near zero. */
const MAX_WAITING = 1_000;

const waiting = new Map<string, IncomingHttpHeaders>();

/** Starts to note the headers of forwarded requests. To be called once, while the app loads. */
export function captureRequestHeaders(): void {
  subscribe('http.server.request.start', message => {
    const { request } = message as { readonly request: IncomingMessage };
    const id = request.headers[INVOCATION_ID];
    if (typeof id !== 'string') return;
    if (waiting.size >= MAX_WAITING) waiting.delete(waiting.keys().next().value ?? '');
    waiting.set(id, request.headers);
  });
}

/** The headers of an invocation's request; `fallback` where it was not forwarded (streaming off, unit tests). */
export function requestHeaders(invocationId: string, fallback: Headers): Headers {
  const captured = waiting.get(invocationId);
  if (!captured) return fallback;
  waiting.delete(invocationId);
  const headers = new Headers();
  for (const [name, value] of Object.entries(captured)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) headers.append(name, one);
  }
  return headers;
}
