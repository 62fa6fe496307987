import { createHash } from 'node:crypto';

/**
 * Text from servers and libraries made fit for an answer to the message's owner: tokens, assertions, XOAUTH2
 * strings, keys in URLs and private keys are replaced, controls become spaces, the length is bounded.
 *
 * @param text untrusted text
 * @param maxLength in characters, default 1000
 */
export function scrubSecrets(text: string, maxLength = 1000): string {
  // The input is bounded first: the patterns are linear, but a reply of a megabyte is not worth reading.
  let clean = text.slice(0, 16_384);
  for (const [pattern, replacement] of SECRETS) clean = clean.replace(pattern, replacement);
  clean = clean.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return clean.length > maxLength ? `${clean.slice(0, maxLength - 1)}…` : clean;
}

/** The same for logs and alerts, where addresses do not belong either: each becomes `<hash>@domain`. */
export function redact(text: string, maxLength = 1000): string {
  return scrubSecrets(
    text.slice(0, 16_384).replace(ADDRESS, (_match, local: string, domain: string) => `${hashOf(local)}@${domain}`),
    maxLength,
  );
}

/** What was thrown, as a text for logs and alerts. @param maxLength in characters, default 300 */
export function errorText(error: unknown, maxLength = 300): string {
  return redact(error instanceof Error ? error.message : String(error), maxLength);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{1,40}-----[^-]*(?:-----END [A-Z ]{1,40}-----)?/g, '[key]'],
  // A JWT, also one cut off after its header: eyJ is base64url of {"
  [/eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}/g, '[token]'],
  [/\bBearer\s+[^\s,;"'\u0001]+/gi, 'Bearer [token]'],
  // base64 of "user=", the start of every XOAUTH2 initial response
  [/dXNlcj[0-9A-Za-z+/=]{8,}/g, '[xoauth2]'],
  [
    /\b(sig|code|client_secret|client_assertion|assertion|access_token|refresh_token|password|secret|AccountKey|SharedAccessSignature|x-functions-key)(["']?\s*[=:]\s*["']?)[^\s&"';,}]+/gi,
    '$1$2[removed]',
  ],
  [/\bwhsec_[A-Za-z0-9+/=]+/g, '[secret]'],
];

const ADDRESS =
  /([A-Za-z0-9!#$%&'*+/=?^_`{|}~.\u00a1-\uffff-]{1,64})@([A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?)/g;
