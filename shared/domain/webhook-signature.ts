import { createHmac } from 'node:crypto';

/** A secret has 24 to 64 bytes (Standard Webhooks, "Signature scheme"). */
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;

/**
 * The three headers of Standard Webhooks for a body: `webhook-id`, `webhook-timestamp` (seconds, of this attempt) and
 * `webhook-signature` (`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`).
 *
 * @param secrets `whsec_` and base64; several, separated by blanks, while one replaces another: each gives a signature.
 * @returns undefined when a secret is not one.
 * Source: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md (read 2026-11).
 */
export function signWebhook(
  secrets: string,
  id: string,
  atMs: number,
  body: string,
): Readonly<Record<string, string>> | undefined {
  const keys = secrets.trim().split(/\s+/).map(keyOf);
  const timestamp = String(Math.floor(atMs / 1000));
  const signatures: string[] = [];
  for (const key of keys) {
    if (!key) return undefined;
    signatures.push(`v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`);
  }
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

/** Whether `text` is one secret or several that `signWebhook` takes. */
export function isWebhookSecret(text: string): boolean {
  return text
    .trim()
    .split(/\s+/)
    .every(secret => keyOf(secret) !== undefined);
}

function keyOf(secret: string): Buffer | undefined {
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1];
  if (base64 === undefined) return undefined;
  const key = Buffer.from(base64, 'base64');
  return key.length >= MIN_SECRET_BYTES && key.length <= MAX_SECRET_BYTES ? key : undefined;
}
