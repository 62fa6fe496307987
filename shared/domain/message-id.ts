const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ID_PATTERN = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/**
 * A message id: a ULID, 26 characters of Crockford base32, sortable by the time it was made.
 *
 * @param atMs when the message was accepted, in ms since 1970
 * @param random ten random bytes; the caller brings them so that ids can be repeated in tests
 * Source: github.com/ulid/spec (48 bits of time, 80 bits of randomness).
 */
export function newMessageId(atMs: number, random: Uint8Array): string {
  let time = Math.max(0, Math.trunc(atMs));
  let timePart = '';
  for (let i = 0; i < 10; i++) {
    timePart = ALPHABET.charAt(time % 32) + timePart;
    time = Math.floor(time / 32);
  }
  let randomPart = '';
  let buffer = 0;
  let bits = 0;
  for (const byte of random.subarray(0, 10)) {
    buffer = ((buffer << 8) | byte) & 0x1fff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      randomPart += ALPHABET.charAt((buffer >> bits) & 31);
    }
  }
  return timePart + randomPart.padEnd(16, '0');
}

/** Whether `value` has the form of a message id. Lower case is not taken: ids are compared as text. */
export function isMessageId(value: unknown): value is string {
  return typeof value === 'string' && ID_PATTERN.test(value);
}

/**
 * The id turned around in time: later ids give smaller text, so that a table that sorts ascending lists
 * the newest first. Applying it twice gives the id again.
 */
export function invertMessageId(id: string): string {
  let inverted = '';
  for (const char of id) inverted += ALPHABET.charAt(31 - ALPHABET.indexOf(char));
  return inverted;
}
