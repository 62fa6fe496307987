import { constants, type KeyObject, sign, verify } from 'node:crypto';

/** JSON object of a JWT part; numbers are seconds since 1970 where a claim is a time (RFC 7519). */
export type Claims = Record<string, unknown>;

export interface ParsedJwt {
  header: Claims;
  claims: Claims;
  signature: Buffer;
  /** The bytes that were signed. */
  signed: Buffer;
}

export type JwtAlgorithm = 'RS256' | 'PS256';

/** A signed compact JWT (RFC 7515). */
export function signJwt(header: Claims & { alg: JwtAlgorithm }, claims: Claims, key: KeyObject): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${signBytes(header.alg, Buffer.from(signed), key).toString('base64url')}`;
}

/** Signature over SHA-256 of `bytes`: RS256 is PKCS#1 v1.5, PS256 is PSS with a 32-byte salt (RFC 7518 sections 3.3, 3.5). */
const signBytes = (alg: JwtAlgorithm, bytes: Buffer, key: KeyObject): Buffer =>
  sign('sha256', bytes, { key, ...padding(alg) });

/** Whether the signature is the key's; `alg` must be one the caller expects, never just the header's word. */
export const verifyJwt = (jwt: ParsedJwt, alg: JwtAlgorithm, key: KeyObject): boolean =>
  verify('sha256', jwt.signed, { key, ...padding(alg) }, jwt.signature);

/** Splits a compact JWT without judging it; undefined when it is not one. */
export function parseJwt(token: string): ParsedJwt | undefined {
  const parts = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(token);
  if (!parts) return undefined;
  const [, head = '', body = '', signature = ''] = parts;
  const header = decode(head);
  const claims = decode(body);
  if (!header || !claims) return undefined;
  return { header, claims, signature: Buffer.from(signature, 'base64url'), signed: Buffer.from(`${head}.${body}`) };
}

const padding = (alg: JwtAlgorithm) =>
  alg === 'PS256'
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
    : { padding: constants.RSA_PKCS1_PADDING };

const encode = (value: Claims): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function decode(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}
