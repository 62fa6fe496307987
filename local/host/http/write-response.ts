import type { ServerResponse } from 'node:http';
import type { HttpData, RpcCookie } from '../rpc-types.ts';

/** Answers with a status and no body, as the host does for what never reaches a function. */
export function writeEmpty(response: ServerResponse, status: number): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'Content-Length': 0 }).end();
}

export function writeJson(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}

/** Writes what a function returned in classic mode; undefined (the function returned nothing) gives 204. */
export function writeRpcHttp(response: ServerResponse, http: HttpData | undefined, method: string): void {
  if (!http) {
    response.writeHead(204).end();
    return;
  }
  for (const [name, value] of Object.entries(http.headers ?? {})) response.setHeader(name, value);
  const cookies = (http.cookies ?? []).map(formatCookie);
  if (cookies.length > 0) response.setHeader('Set-Cookie', cookies);
  const body = http.body?.bytes ?? Buffer.from(http.body?.string ?? http.body?.json ?? '');
  response.statusCode = Number(http.statusCode ?? 200);
  if (![204, 205, 304].includes(response.statusCode)) response.setHeader('Content-Length', body.byteLength);
  response.end(method === 'HEAD' ? undefined : body);
}

const sameSites = { lax: 'lax', strict: 'strict', explicitNone: 'none' } as const;

/** One Set-Cookie value in ASP.NET Core's form: value percent-encoded, path `/` unless given. */
function formatCookie(cookie: RpcCookie): string {
  const parts = [`${encodeURIComponent(cookie.name ?? '')}=${encodeURIComponent(cookie.value ?? '')}`];
  const expires = cookie.expires?.value;
  if (expires) parts.push(`expires=${new Date(Number(expires.seconds ?? 0) * 1000).toUTCString()}`);
  if (cookie.maxAge?.value != null) parts.push(`max-age=${Math.trunc(cookie.maxAge.value)}`);
  if (cookie.domain?.value) parts.push(`domain=${cookie.domain.value}`);
  parts.push(`path=${cookie.path?.value || '/'}`);
  if (cookie.secure?.value) parts.push('secure');
  if (cookie.sameSite && cookie.sameSite !== 'none') parts.push(`samesite=${sameSites[cookie.sameSite]}`);
  if (cookie.httpOnly?.value) parts.push('httponly');
  return parts.join('; ');
}
