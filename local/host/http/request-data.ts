import type { IncomingMessage } from 'node:http';
import { addJsonMembers, createBindingData } from '../binding-data.ts';
import type { NullableString, TypedData } from '../rpc-types.ts';
import type { RouteParameters } from './route-template.ts';

/** Largest request body in bytes that the host takes (FUNCTIONS_REQUEST_BODY_SIZE_LIMIT, 100 MiB by default). */
export const maxBodyBytes = 104_857_600;

/** Headers by name, in the spelling of the client; values of repeated headers are joined by commas. */
export function readHeaders(request: IncomingMessage): Record<string, string> {
  const headers = new Map<string, [string, string]>();
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const [name, value] = [request.rawHeaders[i] as string, request.rawHeaders[i + 1] as string];
    const known = headers.get(name.toLowerCase());
    headers.set(name.toLowerCase(), known ? [known[0], `${known[1]},${value}`] : [name, value]);
  }
  return Object.fromEntries(headers.values());
}

/** Query values by name, without regard to case; all values of a name in their order. */
export function readQuery(query: URLSearchParams): { name: string; values: string[] }[] {
  const found = new Map<string, { name: string; values: string[] }>();
  for (const [name, value] of query) {
    const entry = found.get(name.toLowerCase());
    if (entry) entry.values.push(value);
    else found.set(name.toLowerCase(), { name, values: [value] });
  }
  return [...found.values()];
}

/**
 * Reads the body as the host's HTTP trigger does: only when Content-Length says that there is one. A chunked body is
 * not read: it reaches the function by streaming, or not at all.
 * @throws Error when the client breaks off.
 */
export async function readDeclaredBody(request: IncomingMessage): Promise<Buffer | undefined> {
  if (!(Number(request.headers['content-length']) > 0)) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/**
 * Builds the trigger metadata of an HTTP request. Members of a JSON body come first, query values (the last of a name,
 * `code` left out) replace them, route parameters replace both. `Query` and `Headers` are added only if no such name
 * is there yet: a body or query with a member `headers`, in any case, hides the headers. Both are so in the real host
 * (HttpTriggerAttributeBindingProvider.GetRequestBindingData), and a streaming function reads its headers from here.
 */
export function toHttpTriggerMetadata(
  request: IncomingMessage,
  query: URLSearchParams,
  parameters: RouteParameters,
  body: Buffer | undefined,
): Record<string, TypedData> {
  const data = createBindingData();
  if (body && looksLikeJsonObject(body)) addJsonMembers(data, body.toString('utf8'));
  const lastValues = readQuery(query).map(({ name, values }) => [name, values.at(-1) ?? ''] as const);
  for (const [name, value] of lastValues) if (name.toLowerCase() !== 'code') data.set(name, value);
  for (const [name, value] of Object.entries(parameters)) data.set(name, value);
  if (!data.has('Query')) data.set('Query', Object.fromEntries(lastValues));
  if (!data.has('Headers')) data.set('Headers', readHeaders(request));
  return data.toRpc();
}

function looksLikeJsonObject(body: Buffer): boolean {
  return body.subarray(0, 256).toString('latin1').replace('\u00ef\u00bb\u00bf', '').trimStart().startsWith('{');
}

export function toNullable(values: Record<string, string>): Record<string, NullableString> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));
}
