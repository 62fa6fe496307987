const ALLOWED = [/^X-(?!Exosend-)[A-Za-z0-9-]{1,74}$/i, /^List-[A-Za-z0-9-]{1,70}$/i];
const ALLOWED_NAMES = new Set(['in-reply-to', 'references', 'auto-submitted', 'importance']);

/**
 * Whether a caller may set this header. A list of what is allowed, since every header that is forgotten in a list
 * of what is not (Bcc, Sender, DKIM-Signature, Content-*) is a hole.
 */
export function isCallerHeader(name: string): boolean {
  return ALLOWED_NAMES.has(name.toLowerCase()) || ALLOWED.some(pattern => pattern.test(name));
}
