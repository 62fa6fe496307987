import type { Example, Method, OpenApiDocument, Reference, Response } from '../../functions/openapi/document-types.ts';
import { type Schema, schemaProblems } from '../support/json-schema.ts';

/** What a local reference such as `#/components/schemas/Message` points at, or undefined. */
export function resolveRef(document: OpenApiDocument, ref: string): unknown {
  if (!ref.startsWith('#/')) return undefined;
  const parts = ref.slice(2).split('/');
  return parts.reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], document);
}

/** What of a value does not fit a schema of the document; fields that the document does not tell count. */
export function fits(document: OpenApiDocument, schema: object, value: unknown): string[] {
  const resolve = (ref: string): Schema => {
    const found = resolveRef(document, ref);
    if (typeof found !== 'object' || found === null) throw new Error(`${ref} leads nowhere.`);
    return found as Schema;
  };
  return schemaProblems(schema as Schema, value, { resolve, closed: true });
}

/** The value of an example that may be a reference. */
export function exampleValue(document: OpenApiDocument, example: Example | Reference): unknown {
  return '$ref' in example ? (resolveRef(document, example.$ref) as Example).value : example.value;
}

/** An answer as it came, its JSON read. */
export interface RealAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/**
 * What of a real answer the document does not tell: its status, its media type, its body, its headers, its problem code.
 *
 * @param operation method and path of the document, e.g. `get /messages/{id}`
 */
export function untold(document: OpenApiDocument, operation: string, answer: RealAnswer): string[] {
  const [method = '', path = ''] = operation.split(' ');
  const response = document.paths[path]?.[method as Method]?.responses[answer.status];
  if (!response) return [`${operation} does not tell of ${answer.status}`];
  return [...headerProblems(document, response, answer.headers), ...bodyProblems(document, response, answer)].map(
    text => `${operation} ${answer.status}: ${text}`,
  );
}

function headerProblems(document: OpenApiDocument, { headers = {} }: Response, given: Headers): string[] {
  return Object.keys(headers).flatMap(name => {
    const header = document.components.headers[name];
    const value = given.get(name);
    if (!header) return [`${name} is not described`];
    if (value === null) return header.required ? [`${name} is missing`] : [];
    return fits(document, header.schema, header.schema.type === 'integer' ? Number(value) : value);
  });
}

function bodyProblems(
  document: OpenApiDocument,
  { content = {} }: Response,
  { status, headers, body }: RealAnswer,
): string[] {
  // A platform that refuses a key says nothing more; the document tells so.
  if (status === 401 && body === '') return [];
  const type = headers.get('content-type')?.split(';', 1)[0] ?? '';
  const media = content[type];
  if (!media) return [`${type || 'no media type'} is not one of ${Object.keys(content)}`];
  const code = (body as { code?: string }).code;
  const isStrange = type === 'application/problem+json' && !Object.hasOwn(media.examples ?? {}, code ?? '');
  return [...fits(document, media.schema, body), ...(isStrange ? [`the code ${code} is not told`] : [])];
}
