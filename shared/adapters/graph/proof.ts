/** The directory: Microsoft Graph's predecessor, whose name the proof still bears (Microsoft, "Generate proof of possession tokens"). */
const AUDIENCE = '00000002-0000-0000-c000-000000000000';
const LIFETIME_SECONDS = 600;
/** For a clock that is a little fast. */
const EARLY_SECONDS = 60;

/**
 * A proof of possession for addKey and removeKey: a JWT by a certificate that the registration has. RS256, which is what
 * Microsoft's own sample makes.
 *
 * @param objectId of the App registration, not of the Enterprise application
 * @param thumbprintSha1 of the certificate that signs, upper-case hex
 * @param sign RS256 signature over the bytes it is given
 */
export async function buildProof(
  objectId: string,
  thumbprintSha1: string,
  nowMs: number,
  sign: (input: Uint8Array) => Promise<Uint8Array>,
): Promise<string> {
  const nbf = Math.floor(nowMs / 1000) - EARLY_SECONDS;
  const x5t = Buffer.from(thumbprintSha1, 'hex').toString('base64url');
  const header = { alg: 'RS256', typ: 'JWT', kid: thumbprintSha1, x5t };
  const payload = { aud: AUDIENCE, iss: objectId, nbf, iat: nbf, exp: nbf + LIFETIME_SECONDS };
  const input = `${encode(header)}.${encode(payload)}`;
  const signature = await sign(Buffer.from(input));
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
}

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
