import { createHash } from 'node:crypto';
import { accepted, type Outcome, problem, refused } from './problem.ts';

/**
 * An Idempotency-Key, bare or as a quoted structured-field string (draft-ietf-httpapi-idempotency-key-header-06).
 * `"abc"` and `abc` are the same key.
 */
export function parseIdempotencyKey(header: string | null | undefined): Outcome<string | undefined> {
  if (header === null || header === undefined) return accepted(undefined);
  const text = header.trim();
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(text);
  const key = quoted ? (quoted[1] ?? '').replace(/\\(["\\])/g, '$1') : text;
  if (/^[\x20-\x7e]{1,255}$/.test(key)) return accepted(key);
  return refused(
    problem('idempotency_key_invalid', 'Idempotency-Key must be 1 to 255 printable ASCII characters.', {
      errors: [{ pointer: '', detail: 'header Idempotency-Key: 1 to 255 printable ASCII characters' }],
    }),
  );
}

/** Row of a key: its caller is part of it, or one caller could read another's answers. */
export function idempotencyRow(caller: string, key: string): string {
  return `i${createHash('sha256').update(`${caller}\u0000${key}`).digest('hex')}`;
}

/** Fingerprint of a request: SHA-256 of its JSON with sorted keys. Bytes go in as their digest. */
export function fingerprint(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex');
}

function canonical(value: unknown): string {
  if (value instanceof Uint8Array) return `"sha256:${createHash('sha256').update(value).digest('hex')}"`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${canonical(entry)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
