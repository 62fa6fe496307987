import { randomUUID } from 'node:crypto';
import { Agent, type IncomingMessage, request as openRequest } from 'node:http';
import { settledWithin } from '../invocation-runner.ts';
import { type HttpCall, httpReason, traceOf } from './call.ts';
import { toHttpTriggerMetadata } from './request-data.ts';
import { writeEmpty } from './write-response.ts';

/** Not to be passed on by a proxy (RFC 9110 section 7.6.1); Host is the destination's own. */
const hopByHop = new Set([
  'connection',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

type StreamProxy = { serve: (call: HttpCall) => Promise<void>; close: () => void };

/**
 * Makes the proxy for apps that stream HTTP: each request is passed on to the library's own HTTP server while the
 * invocation is sent beside it; the library brings the two together by the header `x-ms-invocation-id`.
 * @param httpUri what the library gave as capability HttpUri.
 * @param activityTimeoutMs after so long without a byte in either direction the client gets 504. The real host's value
 *   is 240 s, and it is what ends a request whose handler threw or returned nothing: such a handler answers nobody.
 */
export function createStreamProxy(httpUri: string, activityTimeoutMs: number): StreamProxy {
  const target = new URL(httpUri);
  // Idle connections are dropped before the library's server drops them (5 s): no request meets a dying connection.
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, timeout: 3000 });

  const serve = async (call: HttpCall): Promise<void> => {
    const { request, query, match, body, runner } = call;
    const invocationId = randomUUID();
    const forwarded = forward(call, invocationId);
    const invocation = runner.run(match.fn.info, {
      invocationId,
      data: { http: {} },
      triggerMetadata: toHttpTriggerMetadata(request, query, match.parameters, body),
      reason: httpReason,
      ...traceOf(request),
    });
    const outcome = await invocation.then(
      () => 'returned nothing',
      () => 'failed',
    );
    // The answer travels beside the invocation and may come in a moment after its end.
    await settledWithin([forwarded.answered], 1000);
    if (!forwarded.hasAnswer()) {
      const text = `Function '${match.fn.info.name}' ${outcome} with streaming on: the client waits in vain, as in Azure.`;
      runner.log('warning', text);
    }
    await forwarded.done;
  };

  const forward = ({ request, response, body }: HttpCall, invocationId: string) => {
    const answered = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    let answer: IncomingMessage | undefined;
    let gone = false;
    const upstream = openRequest({
      agent,
      host: target.hostname,
      port: target.port,
      method: request.method ?? 'GET',
      path: request.url ?? '/',
      headers: {
        ...passOn(request),
        ...(request.headers['transfer-encoding'] && !body ? { 'transfer-encoding': 'chunked' } : {}),
        'x-ms-invocation-id': invocationId,
        'x-forwarded-host': request.headers.host ?? 'localhost',
        'x-forwarded-proto': 'http',
      },
    });
    const finish = (status: number) => {
      clearTimeout(timer);
      if (!response.headersSent) writeEmpty(response, status);
      else if (!response.writableEnded) response.destroy();
      if (!answer?.complete) upstream.destroy(); // else its connection is free for the next request
      answered.resolve();
      done.resolve();
    };
    const timer = setTimeout(() => finish(504), activityTimeoutMs);
    upstream.on('error', () => finish(502));
    upstream.on('response', message => {
      answer = message;
      answered.resolve();
      response.writeHead(message.statusCode ?? 502, passOn(message));
      response.flushHeaders();
      message.on('data', () => timer.refresh());
      message.on('error', () => finish(502));
      message.pipe(response);
    });
    // Also when the client goes away early: the library's side of the request is then broken off.
    response.on('close', () => {
      gone ||= !response.writableEnded;
      finish(499);
    });
    request.on('data', () => timer.refresh());
    if (body) upstream.end(body);
    else request.pipe(upstream);
    const hasAnswer = () => answer !== undefined || gone;
    return { answered: answered.promise, done: done.promise, hasAnswer };
  };

  return { serve, close: () => agent.destroy() };
}

/** Headers to pass on, repeated ones kept apart. */
function passOn(message: IncomingMessage): Record<string, string[]> {
  const dropped = new Set(hopByHop);
  for (const name of (message.headers.connection ?? '').split(',')) dropped.add(name.trim().toLowerCase());
  const headers: Record<string, string[]> = {};
  for (let i = 0; i < message.rawHeaders.length; i += 2) {
    const [name, value] = [message.rawHeaders[i] as string, message.rawHeaders[i + 1] as string];
    if (dropped.has(name.toLowerCase())) continue;
    headers[name] = [...(headers[name] ?? []), value];
  }
  return headers;
}
