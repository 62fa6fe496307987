import { createHash, randomUUID } from 'node:crypto';

/**
 * A client assertion signed elsewhere: the JWT is built here, the signature comes from `sign`, which gets the SHA-256
 * of the signing input. PS256 and x5t#S256 as Microsoft asks ("Certificate credentials for application authentication").
 */
export async function buildAssertion(
  audience: string,
  clientId: string,
  certificate: { readonly thumbprintSha256: string; readonly chainPem: string },
  nowMs: number,
  sign: (digest: Uint8Array) => Promise<Uint8Array>,
): Promise<string> {
  const seconds = Math.floor(nowMs / 1000);
  const header = {
    alg: 'PS256',
    typ: 'JWT',
    'x5t#S256': Buffer.from(certificate.thumbprintSha256, 'hex').toString('base64url'),
  };
  const payload = {
    aud: audience,
    iss: clientId,
    sub: clientId,
    jti: randomUUID(),
    nbf: seconds,
    iat: seconds,
    exp: seconds + 600,
  };
  const input = `${encode(header)}.${encode(payload)}`;
  const signature = await sign(createHash('sha256').update(input).digest());
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
