import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { Acceptance, AcceptBody, UploadedAttachment } from '../shared/domain/accept-input.ts';
import { parseIdempotencyKey } from '../shared/domain/idempotency.ts';
import { isMediaType } from '../shared/domain/mail-request.ts';
import { invalid } from '../shared/domain/parse-mail-request.ts';
import { accepted, type Outcome, problem, refused } from '../shared/domain/problem.ts';
import { acceptMail } from '../shared/usecases/accept-mail.ts';
import { jsonAnswer, messagesUrl, problemAnswer } from './http-answer.ts';
import type { HttpCall } from './http-handler.ts';
import { BodyTooLargeError, bodyChunks, bodyTooLarge, mediaType, parseJson, readBody } from './request-body.ts';

/** `POST /api/messages`: JSON, raw MIME or multipart/form-data → 202. */
export async function sendMail({
  request,
  headers,
  caller,
  runtime,
  traceId,
  log,
}: HttpCall): Promise<HttpResponseInit> {
  const key = parseIdempotencyKey(headers.get('idempotency-key'));
  if (!key.ok) return problemAnswer(key.problem, traceId);
  const maxBytes = Math.min(runtime.maxMessageBytes, caller.rules?.messageBytes ?? runtime.maxMessageBytes);
  const body = await acceptBody(request, headers, maxBytes);
  if (!body.ok) return problemAnswer(body.problem, traceId);
  try {
    const outcome = await acceptMail(
      runtime.accept,
      {
        caller,
        channel: 'http',
        body: body.value,
        traceId,
        ...(key.value === undefined ? {} : { idempotencyKey: key.value }),
      },
      log,
    );
    return outcome.ok ? acceptanceAnswer(request, outcome.value) : problemAnswer(outcome.problem, traceId);
  } catch (error) {
    if (error instanceof BodyTooLargeError) return problemAnswer(bodyTooLarge(error.maxBytes).problem, traceId);
    throw error;
  }
}

/** What the caller is told about one accepted message. */
export function acceptanceBody(request: HttpRequest, acceptance: Acceptance & { kind: 'accepted' }) {
  return { id: acceptance.id, status: acceptance.status, statusUrl: `${messagesUrl(request)}/${acceptance.id}` };
}

function acceptanceAnswer(request: HttpRequest, acceptance: Acceptance): HttpResponseInit {
  if (acceptance.kind === 'dryRun') {
    return jsonAnswer(200, {
      dryRun: true,
      mailbox: acceptance.mailbox,
      recipients: acceptance.recipients,
      headers: acceptance.headers,
      bytes: acceptance.bytes,
    });
  }
  const body = acceptanceBody(request, acceptance);
  const waitSeconds = Math.max(2, Math.ceil((acceptance.dueAtMs - Date.now()) / 1000));
  return jsonAnswer(202, body, {
    location: body.statusUrl,
    'retry-after': String(waitSeconds),
    ...(acceptance.replayed ? { 'idempotent-replayed': 'true' } : {}),
  });
}

/** base64 makes four octets of three, and line breaks add a little; the rest of the request is small beside that. */
export function jsonLimit(maxMessageBytes: number): number {
  return Math.ceil(maxMessageBytes * 1.4) + 1024 * 1024;
}

async function acceptBody(
  request: HttpRequest,
  headers: Headers,
  maxMessageBytes: number,
): Promise<Outcome<AcceptBody>> {
  const type = mediaType(headers);
  const parameters = checkParameters(request, type === 'message/rfc822' ? RAW_PARAMETERS : NO_PARAMETERS);
  if (!parameters.ok) return parameters;
  switch (type) {
    case 'application/json': {
      const bytes = await readBody(request, headers, jsonLimit(maxMessageBytes));
      if (!bytes.ok) return bytes;
      const value = parseJson(bytes.value);
      return value.ok ? accepted({ kind: 'request', value: value.value }) : value;
    }
    case 'message/rfc822':
      return rawBody(request, headers, maxMessageBytes);
    case 'multipart/form-data':
      return multipartBody(request, headers, jsonLimit(maxMessageBytes));
    default:
      return refused(
        problem(
          'unsupported_media_type',
          'Content-Type must be application/json, message/rfc822 or multipart/form-data.',
          {
            errors: [
              { pointer: '', detail: 'header Content-Type: application/json, message/rfc822 or multipart/form-data' },
            ],
          },
        ),
      );
  }
}

const RAW_PARAMETERS: ReadonlySet<string> = new Set(['from', 'to', 'mailbox', 'dryRun']);
/** The JSON and 200 attachments. */
const MAX_PARTS = 201;
const NO_PARAMETERS: ReadonlySet<string> = new Set();

function rawBody(request: HttpRequest, headers: Headers, maxMessageBytes: number): Outcome<AcceptBody> {
  const query = new URL(request.url).searchParams;
  const to = query.getAll('to');
  const [from, mailbox] = [query.get('from'), query.get('mailbox')];
  const dryRun = (query.get('dryRun') ?? 'false').toLowerCase();
  // A value that is neither would send what somebody meant to try.
  if (!/^(true|false|1|0|)$/.test(dryRun)) return invalid([{ pointer: '/dryRun', detail: 'must be true or false' }]);
  return accepted({
    kind: 'raw',
    chunks: bodyChunks(request, headers, maxMessageBytes),
    options: {
      dryRun: dryRun !== 'false' && dryRun !== '0',
      ...(from === null ? {} : { from }),
      ...(to.length === 0 ? {} : { to }),
      ...(mailbox === null ? {} : { mailbox }),
    },
  });
}

/** Query parameters that mean nothing here are refused: `?dryRun=true` beside JSON would otherwise send. */
function checkParameters(request: HttpRequest, known: ReadonlySet<string>): Outcome<true> {
  const unknown = [...new URL(request.url).searchParams.keys()].find(name => !known.has(name));
  if (unknown === undefined) return accepted(true);
  const may = known.size === 0 ? 'the JSON holds everything' : `${[...known].join(', ')} are`;
  return invalid([{ pointer: `/${unknown.slice(0, 64)}`, detail: `is not a query parameter here; ${may}` }]);
}

/** Part `message` holds the JSON; every other part is an attachment. */
async function multipartBody(request: HttpRequest, headers: Headers, maxBytes: number): Promise<Outcome<AcceptBody>> {
  const bytes = await readBody(request, headers, maxBytes);
  if (!bytes.ok) return bytes;
  let form: FormData;
  try {
    form = await new Response(new Uint8Array(bytes.value), {
      headers: { 'content-type': headers.get('content-type') ?? '' },
    }).formData();
  } catch {
    return invalid([{ pointer: '', detail: 'must be multipart/form-data as RFC 7578 has it' }]);
  }
  const attachments: UploadedAttachment[] = [];
  if ([...form.keys()].length > MAX_PARTS)
    return invalid([{ pointer: '', detail: `must not have more than ${MAX_PARTS} parts` }]);
  let message: Uint8Array | undefined;
  for (const [name, part] of form.entries()) {
    const content = typeof part === 'string' ? Buffer.from(part, 'utf8') : Buffer.from(await part.arrayBuffer());
    if (name === 'message' && message === undefined) message = content;
    else
      attachments.push({
        content,
        filename: fileName(typeof part === 'string' ? name : part.name || name),
        contentType:
          typeof part === 'string'
            ? 'text/plain; charset=utf-8'
            : isMediaType(part.type)
              ? part.type
              : 'application/octet-stream',
      });
  }
  if (!message)
    return refused(
      problem('request_invalid', 'The form has no part named message.', {
        errors: [{ pointer: '/message', detail: 'is missing; it holds the JSON of the mail' }],
      }),
    );
  const value = parseJson(message);
  return value.ok ? accepted({ kind: 'request', value: value.value, attachments }) : value;
}

/** Names from forms come from anywhere: the last path segment, without controls, within what a header takes. */
function fileName(name: string): string {
  const last = name.split(/[\\/]/).at(-1) ?? name;
  return (
    last
      .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '')
      .toWellFormed()
      .slice(0, 255) || 'attachment'
  );
}
