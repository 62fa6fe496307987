import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './faults.ts';

export interface HttpCall {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface HttpAnswer {
  status: number;
  headers?: Record<string, string>;
  /** An object becomes JSON; a string or Buffer goes out as it is. */
  body?: unknown;
}

interface HttpOptions {
  /** 0: any free port. */
  port: number;
  /** Given: https with this certificate, TLS 1.2 or later. */
  tls?: { cert: string; key: string };
  handle(call: HttpCall): HttpAnswer | Promise<HttpAnswer>;
  /** Asked before `handle`: what goes wrong with this call. */
  fault?(call: HttpCall): Fault | undefined;
}

export interface RunningServer {
  port: number;
  /** Stops listening and cuts what is open. */
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 1_000_000;

/** Serves on 127.0.0.1 until closed. Rejects when the port is taken. */
export async function startHttp(options: HttpOptions): Promise<RunningServer> {
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    serve(options, request, response).catch(error => {
      if (!response.headersSent) write(response, { status: 500, body: { error: String(error) } });
      else response.destroy();
    });
  };
  const server = options.tls
    ? createTlsServer({ ...options.tls, minVersion: 'TLSv1.2' }, listener)
    : createServer(listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(options: HttpOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return write(response, { status: 413 });
    chunks.push(chunk);
  }
  const call: HttpCall = {
    method: request.method ?? 'GET',
    url: new URL(request.url ?? '/', `http://${request.headers.host ?? 'localhost'}`),
    headers: request.headers,
    body: Buffer.concat(chunks).toString('utf8'),
  };
  const fault = options.fault?.(call);
  const isCarriedOut = fault?.action === 'drop' && fault.stored === true;
  if (isCarriedOut) await options.handle(call);
  if (fault && (await spoil(fault, response))) return;
  const answer = await options.handle(call);
  if (fault?.action === 'slow') await trickle(response, answer, fault.bytesPerSecond);
  else write(response, answer);
}

/** Acts out a fault; true when there is nothing left to answer. */
async function spoil(fault: Fault, response: ServerResponse): Promise<boolean> {
  if (fault.action === 'drop') {
    if (fault.reset) response.socket?.resetAndDestroy();
    else response.destroy();
    return true;
  }
  if (fault.action === 'http') {
    const headers = fault.retryAfter === undefined ? {} : { 'Retry-After': String(fault.retryAfter) };
    write(response, { status: fault.status, headers, body: fault.body });
    return true;
  }
  if (fault.action === 'stall' && fault.ms === undefined) return true; // held open until someone gives up
  if (fault.action === 'stall' || fault.action === 'delay') await sleep(fault.ms);
  return response.destroyed;
}

function write(response: ServerResponse, answer: HttpAnswer): void {
  const { bytes, headers } = render(answer);
  response.writeHead(answer.status, headers).end(bytes);
}

async function trickle(response: ServerResponse, answer: HttpAnswer, bytesPerSecond: number): Promise<void> {
  const { bytes, headers } = render(answer);
  response.writeHead(answer.status, headers);
  for (let at = 0; at < bytes.length && !response.destroyed; at++) {
    response.write(bytes.subarray(at, at + 1));
    await sleep(1000 / bytesPerSecond);
  }
  response.end();
}

function render(answer: HttpAnswer): { bytes: Buffer; headers: Record<string, string | number> } {
  const { body } = answer;
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
  const bytes = body === undefined ? Buffer.alloc(0) : isRaw ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
  const type = isRaw || body === undefined ? {} : { 'Content-Type': 'application/json; charset=utf-8' };
  return { bytes, headers: { ...type, 'Content-Length': bytes.length, ...answer.headers } };
}
