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

const readers = new WeakMap<HttpRequest, ReadableStreamDefaultReader<Uint8Array>>();
/** A refused body is read out no further than this; a client that goes on loses its connection. */
const MAX_DRAINED_BYTES = 128 * 1024 * 1024;

/**
 * The body as it comes. Throws BodyTooLargeError as soon as the limit is passed; a declared length over it is refused
 * unread. What is left when the reading stops early is for `drainBody`.
 */
export async function* bodyChunks(
  request: HttpRequest,
  headers: Headers,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const declared = Number(headers.get('content-length'));
  if (declared > maxBytes) throw new BodyTooLargeError(maxBytes);
  const reader = request.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
  if (!reader) return;
  readers.set(request, reader);
  let bytes = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    bytes += value.length;
    if (bytes > maxBytes) throw new BodyTooLargeError(maxBytes);
    yield value;
  }
}

/**
 * Reads the rest of a refused body and drops it. Cancelling instead would leave the unread bytes in the connection that
 * the host forwards over, and the next request on it would be cut off.
 */
export async function drainBody(request: HttpRequest): Promise<void> {
  try {
    const reader = readers.get(request);
    if (!reader) {
      await request.body?.cancel();
      return;
    }
    for (let bytes = 0; bytes < MAX_DRAINED_BYTES; ) {
      const { value, done } = await reader.read();
      if (done) return;
      bytes += value.length;
    }
    await reader.cancel();
  } catch {
    // The client has gone; so has its body.
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
