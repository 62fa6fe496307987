import type { IncomingMessage, ServerResponse } from 'node:http';
import type { InvocationRunner } from '../invocation-runner.ts';
import type { RouteMatch } from './route-table.ts';

/** One request on its way to the function that its route names. */
export type HttpCall = {
  request: IncomingMessage;
  response: ServerResponse;
  query: URLSearchParams;
  match: RouteMatch;
  /** The body when its length was declared. */
  body: Buffer | undefined;
  runner: InvocationRunner;
};

/** Header `traceparent` and friends, for the invocation's trace context. */
export function traceOf(request: IncomingMessage): {
  traceParent?: string | undefined;
  traceState?: string | undefined;
} {
  const [parent, state] = [request.headers['traceparent'], request.headers['tracestate']];
  return {
    traceParent: typeof parent === 'string' ? parent : undefined,
    traceState: typeof state === 'string' ? state : undefined,
  };
}

export const httpReason = 'This function was programmatically called via the host APIs.';
