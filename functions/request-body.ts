import type { HttpRequest } from '@azure/functions';
import { accepted, type Outcome, problem, refused } from '../shared/domain/problem.ts';

/** Thrown while a streamed body grows over its limit. */
export class BodyTooLargeError extends Error {
  readonly maxBytes: number;
  constructor(maxBytes: number) {
    super(`the body is larger than ${maxBytes} bytes`);
    this.name = 'BodyTooLargeError';
    this.maxBytes = maxBytes;
  }
}

/** The body as it comes. Throws BodyTooLargeError as soon as the limit is passed; a declared length over it is refused unread. */
export async function* bodyChunks(
  request: HttpRequest,
  headers: Headers,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const declared = Number(headers.get('content-length'));
  if (declared > maxBytes) throw new BodyTooLargeError(maxBytes);
  const reader = request.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
  if (!reader) return;
  let bytes = 0;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      bytes += value.length;
      if (bytes > maxBytes) throw new BodyTooLargeError(maxBytes);
      yield value;
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

/** The whole body, or a refusal with 413. */
export async function readBody(request: HttpRequest, headers: Headers, maxBytes: number): Promise<Outcome<Buffer>> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of bodyChunks(request, headers, maxBytes)) chunks.push(chunk);
  } catch (error) {
    if (error instanceof BodyTooLargeError) return bodyTooLarge(error.maxBytes);
    throw error;
  }
  return accepted(Buffer.concat(chunks));
}

export function bodyTooLarge(maxBytes: number) {
  return refused(
    problem('request_too_large', `The request is larger than ${maxBytes} bytes.`, {
      errors: [{ pointer: '', detail: `limit: ${maxBytes} bytes` }],
    }),
  );
}

/** A JSON body. Refused with `request_not_json` when it is not UTF-8 or not JSON; says where. */
export function parseJson(bytes: Uint8Array): Outcome<unknown> {
  try {
    return accepted(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (error) {
    const where = error instanceof SyntaxError ? /position (\d+)/.exec(error.message)?.[1] : undefined;
    const detail =
      error instanceof SyntaxError
        ? `The body is not valid JSON${where === undefined ? '' : ` (at character ${where})`}.`
        : 'The body is not valid UTF-8.';
    return refused(
      problem('request_not_json', bytes.length === 0 ? 'The body is empty.' : detail, {
        errors: [{ pointer: '', detail: 'must be JSON in UTF-8' }],
      }),
    );
  }
}

/** The media type without parameters, lower case. */
export function mediaType(headers: Headers): string {
  return (headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
