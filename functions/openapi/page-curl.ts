import type { MediaType, Method, Operation, Parameter } from './document-types.ts';

export interface CurlInput {
  readonly serverUrl: string;
  readonly path: string;
  readonly method: Method;
  readonly operation: Operation;
  readonly parameters: readonly Parameter[];
  /** Whether the operation asks for a key. */
  readonly needsKey: boolean;
}

/** A command for a POSIX shell that calls an operation; the key comes from the variable EXOSEND_KEY. */
export function curlLine(input: CurlInput, body?: { readonly mediaType: string; readonly value: unknown }): string {
  const { method, needsKey, parameters } = input;
  const headers = parameters.filter(({ in: place, name }) => place === 'header' && name !== 'traceparent');
  const lines = [
    `curl ${method === 'get' ? '' : `-X ${method.toUpperCase()} `}${quoted(urlOf(input))}`,
    ...(needsKey ? ['-H "x-functions-key: $EXOSEND_KEY"'] : []),
    ...headers.map(({ name, example }) => `-H ${quoted(`${name}: ${String(example)}`)}`),
    ...(body ? bodyOptions(body.mediaType, body.value) : []),
  ];
  return lines.join(' \\\n  ');
}

/** The examples of a media type with their names. */
export function examplesOf(media: MediaType): { readonly summary: string; readonly value: unknown }[] {
  return Object.entries(media.examples ?? {}).flatMap(([name, example]) =>
    'value' in example ? [{ summary: example.summary ?? name, value: example.value }] : [],
  );
}

function urlOf({ serverUrl, path, operation, parameters }: CurlInput): string {
  const filled = parameters
    .filter(({ in: place }) => place === 'path')
    .reduce((url, { name, example }) => url.replace(`{${name}}`, encodeURIComponent(String(example))), path);
  // With a body the query belongs to one form of it only; where there is none it is what the call is about.
  const query = parameters
    .filter(({ in: place, example }) => place === 'query' && example !== undefined && !operation.requestBody)
    .map(({ name, example }) => `${name}=${encodeURIComponent(String(example))}`);
  return `${serverUrl}${filled}${query.length > 0 ? `?${query.join('&')}` : ''}`;
}

function bodyOptions(mediaType: string, value: unknown): string[] {
  if (mediaType === 'multipart/form-data') {
    return Object.entries(value as Record<string, unknown>).map(([name, part]) =>
      typeof part === 'string'
        ? `-F ${quoted(`${name}=@${name}.pdf;type=application/pdf`)}`
        : `-F ${quoted(`${name}=${JSON.stringify(part)};type=application/json`)}`,
    );
  }
  const text = typeof value === 'string' ? value.replaceAll('\r\n', '\n') : JSON.stringify(value, null, 2);
  return [`-H ${quoted(`content-type: ${mediaType}`)}`, `--data-binary ${quoted(text)}`];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
