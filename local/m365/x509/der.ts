/** DER encoding of the few ASN.1 types that X.509 and PKCS#12 need (ITU-T X.690). Every function returns one whole TLV. */

/** One tag-length-value with a definite length. */
export function derValue(tag: number, content: Buffer): Buffer {
  const size = content.length;
  if (size < 0x80) return Buffer.concat([Buffer.from([tag, size]), content]);
  const hex = size.toString(16);
  const sizeBytes = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | sizeBytes.length]), sizeBytes, content]);
}

export const derSequence = (...items: Buffer[]): Buffer => derValue(0x30, Buffer.concat(items));
export const derSet = (...items: Buffer[]): Buffer => derValue(0x31, Buffer.concat(items));
export const derOctets = (content: Buffer): Buffer => derValue(0x04, content);
export const derUtf8 = (text: string): Buffer => derValue(0x0c, Buffer.from(text, 'utf8'));
export const derNull = (): Buffer => Buffer.from([0x05, 0x00]);
export const derTrue = (): Buffer => Buffer.from([0x01, 0x01, 0xff]);

/** BIT STRING; `unusedBits` counts the meaningless low bits of the last byte. */
export const derBits = (content: Buffer, unusedBits = 0): Buffer =>
  derValue(0x03, Buffer.concat([Buffer.from([unusedBits]), content]));

/** Context-specific [number]; constructed for EXPLICIT, primitive for IMPLICIT of a primitive type. */
export const derContext = (number: number, content: Buffer, constructed = true): Buffer =>
  derValue((constructed ? 0xa0 : 0x80) | number, content);

/** INTEGER from a number or from unsigned big-endian bytes. */
export function derInteger(value: number | Buffer): Buffer {
  if (typeof value === 'number') {
    const hex = value.toString(16);
    return derInteger(Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex'));
  }
  let start = 0;
  while (start < value.length - 1 && value[start] === 0) start++;
  const bytes = value.subarray(start);
  return derValue(0x02, (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

/** OBJECT IDENTIFIER from its dotted form. */
export function derOid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const septets = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      septets.unshift((left % 128) | 0x80);
    bytes.push(...septets);
  }
  return derValue(0x06, Buffer.from(bytes));
}

/** Time as X.509 wants it: UTCTime up to 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5). Whole seconds. */
export function derTime(time: Date): Buffer {
  const text = `${time.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
  return time.getUTCFullYear() < 2050
    ? derValue(0x17, Buffer.from(text.slice(2), 'latin1'))
    : derValue(0x18, Buffer.from(text, 'latin1'));
}
