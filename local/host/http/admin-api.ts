import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FunctionSummary } from '../function-info.ts';
import { writeEmpty, writeJson } from './write-response.ts';

export type AdminApi = {
  functions: () => FunctionSummary[];
  /** Starts a run with the given input and does not wait for it. @returns false for an unknown function. */
  start: (name: string, input: string | undefined) => boolean;
  /** Base URL of the host, for links. */
  url: () => string;
};

/**
 * Serves `/admin/...`: host status, list of functions, and POST /admin/functions/{name} with `{"input": "…"}`, which
 * runs a function that no HTTP request triggers and answers 202 at once.
 * https://learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http
 */
export async function serveAdmin(api: AdminApi, request: IncomingMessage, response: ServerResponse, path: string) {
  const route = `${request.method} ${path.toLowerCase().replace(/\/$/, '')}`;
  if (route === 'GET /admin/host/status') {
    writeJson(response, 200, { id: 'local', state: 'Running', processUptime: Math.round(process.uptime() * 1000) });
  } else if (route === 'GET /admin/functions') {
    writeJson(
      response,
      200,
      api.functions().map(fn => describe(fn, api.url())),
    );
  } else {
    const name = /^(?:POST|GET) \/admin\/functions\/([^/]+)$/.exec(route)?.[1];
    const found = api.functions().find(fn => fn.name.toLowerCase() === name);
    if (!found) writeEmpty(response, 404);
    else if (request.method === 'GET') writeJson(response, 200, describe(found, api.url()));
    else await startFunction(api, found.name, request, response);
  }
}

async function startFunction(api: AdminApi, name: string, request: IncomingMessage, response: ServerResponse) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  let body: { input?: unknown } | null;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { input?: unknown } | null;
  } catch {
    body = null;
  }
  if (body === null || typeof body !== 'object') {
    writeEmpty(response, 400);
    return;
  }
  const input = body.input ?? undefined;
  const text = typeof input === 'object' ? JSON.stringify(input) : input?.toString();
  writeEmpty(response, api.start(name, text) ? 202 : 404);
}

function describe(fn: FunctionSummary, url: string) {
  const invoke = fn.route === undefined ? {} : { invoke_url_template: `${url}/${fn.route}` };
  return { ...fn, href: `${url}/admin/functions/${fn.name}`, isDisabled: fn.isDisabled ?? false, ...invoke };
}
