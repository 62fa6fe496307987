import type { z } from 'zod';
import { MAX_SEND_AT_AHEAD_MS, type MailRequest, mailRequestSchema } from './mail-request.ts';
import { accepted, jsonPointer, type Outcome, type ProblemDetail, problem, refused } from './problem.ts';

/** How many faults of one request are listed. More would help nobody and make the answer as large as the request. */
const MAX_DETAILS = 50;
const MAX_MEMBERS = 100;
/** `headers` and `metadata` take this many; the schema says so too. */
const MAX_ENTRIES = 50;

/**
 * Checks a decoded JSON value against the schema and the rules that one field alone cannot show.
 *
 * @param input what JSON.parse gave
 * @param nowMs the time that `sendAt` and `expiresAt` are judged by, in ms since 1970; undefined: not here
 * @param uploads attachments that come beside the JSON, as parts of a form
 * @param channel over HTTP the queue's own fields (`idempotencyKey`, `contentBlob`) are refused
 */
export function parseMailRequest(
  input: unknown,
  nowMs: number | undefined,
  channel: 'http' | 'queue',
  uploads = 0,
): Outcome<MailRequest> {
  const tooMany = countKeys(input);
  if (tooMany.length > 0) return invalid(tooMany);
  const parsed = mailRequestSchema.safeParse(input, { reportInput: true });
  if (!parsed.success) return invalid(parsed.error.issues.flatMap(issueDetails));
  const details = [
    ...crossChecks(parsed.data, uploads),
    ...(nowMs === undefined ? [] : timeFaults(parsed.data, nowMs)),
    ...channelChecks(parsed.data, channel),
  ];
  return details.length > 0 ? invalid(details) : accepted(parsed.data);
}

/** A refusal with code `request_invalid` that names every fault, up to 50. */
export function invalid(details: readonly ProblemDetail[]): {
  readonly ok: false;
  readonly problem: ReturnType<typeof problem>;
} {
  const named = details.slice(0, MAX_DETAILS);
  const first = named[0];
  const where = first && first.pointer !== '' ? `${first.pointer} ` : '';
  const rest = details.length > 1 ? ` (and ${details.length - 1} more)` : '';
  return refused(
    problem('request_invalid', `The request cannot be taken: ${where}${first?.detail ?? 'it is invalid'}${rest}.`, {
      errors: named,
    }),
  );
}

/** What is wrong with the times of a request at `nowMs`. */
export function timeFaults(request: Pick<MailRequest, 'sendAt' | 'expiresAt'>, nowMs: number): ProblemDetail[] {
  const { sendAt, expiresAt } = request;
  const details: ProblemDetail[] = [];
  if (sendAt !== undefined && sendAt < nowMs - 60_000) details.push({ pointer: '/sendAt', detail: 'is in the past' });
  if (sendAt !== undefined && sendAt > nowMs + MAX_SEND_AT_AHEAD_MS) {
    details.push({ pointer: '/sendAt', detail: 'is more than 7 days ahead' });
  }
  if (expiresAt !== undefined && expiresAt <= nowMs) details.push({ pointer: '/expiresAt', detail: 'is in the past' });
  return details;
}

/** Members beyond any use are refused before the schema looks at each of them: a million bad names are a million faults. */
function countKeys(input: unknown): ProblemDetail[] {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return [];
  const request = input as Readonly<Record<string, unknown>>;
  const details: ProblemDetail[] = [];
  if (Object.keys(request).length > MAX_MEMBERS)
    details.push({ pointer: '', detail: `has more than ${MAX_MEMBERS} fields` });
  for (const [field, most] of [
    ['headers', MAX_ENTRIES],
    ['metadata', MAX_ENTRIES],
  ] as const) {
    const value = request[field];
    if (typeof value === 'object' && value !== null && Object.keys(value).length > most) {
      details.push({ pointer: `/${field}`, detail: `must not have more than ${most} entries` });
    }
  }
  for (const [field, most] of [
    ['to', 1000],
    ['cc', 1000],
    ['bcc', 1000],
    ['replyTo', 1000],
    ['attachments', 200],
  ] as const) {
    const value = request[field];
    if (Array.isArray(value) && value.length > most)
      details.push({ pointer: `/${field}`, detail: `must not have more than ${most} entries` });
  }
  return details;
}

function crossChecks(request: MailRequest, uploads: number): ProblemDetail[] {
  const details: ProblemDetail[] = [];
  const add = (pointer: string, detail: string) => details.push({ pointer, detail });
  if (request.to.length + request.cc.length + request.bcc.length === 0)
    add('/to', 'has no recipient, and neither has cc or bcc');
  if (request.text === undefined && request.html === undefined && request.attachments.length + uploads === 0) {
    add('/text', 'is missing, and so are html and attachments: there is nothing to send');
  }
  if (request.expiresAt !== undefined && request.sendAt !== undefined && request.expiresAt <= request.sendAt) {
    add('/expiresAt', 'is not after sendAt');
  }
  request.attachments.forEach((attachment, index) => {
    const at = `/attachments/${index}`;
    if (attachment.content === undefined && attachment.contentBlob === undefined) add(`${at}/content`, 'is missing');
    if (attachment.content !== undefined && attachment.contentBlob !== undefined)
      add(`${at}/contentBlob`, 'stands beside content; give one of them');
    if (attachment.content !== undefined && !isBase64(attachment.content))
      add(`${at}/content`, 'is not base64 (RFC 4648)');
  });
  const names = new Map<string, string>();
  for (const name of Object.keys(request.headers)) {
    const earlier = names.get(name.toLowerCase());
    if (earlier !== undefined) add(jsonPointer(['headers', name]), `is given twice, also as ${earlier}`);
    names.set(name.toLowerCase(), name);
  }
  return details;
}

function channelChecks(request: MailRequest, channel: 'http' | 'queue'): ProblemDetail[] {
  if (channel === 'queue') {
    return request.dryRun ? [{ pointer: '/dryRun', detail: 'has nobody to answer on a queue' }] : [];
  }
  const details: ProblemDetail[] = [];
  if (request.idempotencyKey !== undefined)
    details.push({ pointer: '/idempotencyKey', detail: 'is for queue requests; use the header Idempotency-Key' });
  request.attachments.forEach((attachment, index) => {
    if (attachment.contentBlob !== undefined)
      details.push({ pointer: `/attachments/${index}/contentBlob`, detail: 'is for queue requests; give content' });
  });
  return details;
}

/** Standard base64 with padding; line breaks are let through, since many encoders put them every 76 characters. */
function isBase64(text: string): boolean {
  const compact = /[\r\n]/.test(text) ? text.replace(/[\r\n]/g, '') : text;
  return compact.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(compact);
}

function issueDetails(issue: z.core.$ZodIssue): ProblemDetail[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => ({
      pointer: jsonPointer([...issue.path, key.slice(0, 128)]),
      detail: 'is not a field of a mail request',
    }));
  }
  // A union says only that no branch fitted. The branch that got furthest knows what is wrong with the value.
  if (issue.code === 'invalid_union') {
    const deepest = issue.errors.filter(branch =>
      branch.some(inner => inner.path.length > 0 || inner.code !== 'invalid_type'),
    );
    const branch = deepest[0];
    if (branch) return branch.flatMap(inner => issueDetails({ ...inner, path: [...issue.path, ...inner.path] }));
  }
  if (issue.code === 'invalid_key') {
    return [{ pointer: jsonPointer(issue.path), detail: issue.issues[0]?.message ?? 'is not an allowed name' }];
  }
  if (issue.input === undefined && issue.path.length > 0 && issue.code.startsWith('invalid_')) {
    return [{ pointer: jsonPointer(issue.path), detail: 'is required' }];
  }
  if (issue.code === 'invalid_type' && !issue.message.startsWith('must')) {
    return [{ pointer: jsonPointer(issue.path), detail: `must be ${withArticle(issue.expected)}` }];
  }
  return [{ pointer: jsonPointer(issue.path), detail: issue.message }];
}

function withArticle(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`;
}
