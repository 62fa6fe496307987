import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { issueCertificate, toPem } from './issue-certificate.ts';
import { type PfxEncryption, writePfx } from './pkcs12.ts';

export interface MadeCertificate {
  /** The certificate, PEM. */
  pem: string;
  /** Its private key, PKCS#8 PEM. */
  key: string;
  /** SHA-256 of the DER, upper-case hex: what MSAL takes and `x5t#S256` is made of. */
  thumbprintSha256: string;
  /** SHA-1 of the DER, upper-case hex: what portals show. */
  thumbprintSha1: string;
  /** PKCS#12 with an empty password, base64. */
  pfxBase64: string;
}

export interface MakeCertificateOptions {
  commonName?: string;
  /** RSA modulus length in bits, default 3072. */
  bits?: number;
  notBefore?: Date;
  notAfter?: Date;
  /** PKCS#8 PEM of a key to reuse, as a renewal with the same key does. */
  key?: string;
  pfxEncryption?: PfxEncryption;
}

const DAY_MS = 86_400_000;
const generate = promisify(generateKeyPair);

/** Makes a self-signed RSA certificate (default: CN exosend, 3072 bit, valid from an hour ago for a year). */
export async function makeCertificate(options: MakeCertificateOptions = {}): Promise<MadeCertificate> {
  const commonName = options.commonName ?? 'exosend';
  const privateKey = options.key
    ? createPrivateKey(options.key)
    : (await generate('rsa', { modulusLength: options.bits ?? 3072 })).privateKey;
  const publicKey = createPublicKey(privateKey);
  const der = issueCertificate({
    commonName,
    publicKey,
    issuer: { commonName, publicKey, privateKey },
    notBefore: options.notBefore ?? new Date(Date.now() - DAY_MS / 24),
    notAfter: options.notAfter ?? new Date(Date.now() + 365 * DAY_MS),
  });
  return {
    pem: toPem(der, 'CERTIFICATE'),
    key: pkcs8Pem(privateKey),
    thumbprintSha256: thumbprint(der, 'sha256'),
    thumbprintSha1: thumbprint(der, 'sha1'),
    pfxBase64: writePfx([der], privateKey.export({ type: 'pkcs8', format: 'der' }), options.pfxEncryption).toString(
      'base64',
    ),
  };
}

/** PKCS#8 PEM of a private key. */
export const pkcs8Pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** Upper-case hex digest of a DER certificate. */
export const thumbprint = (der: Buffer, hash: 'sha1' | 'sha256'): string =>
  createHash(hash).update(der).digest('hex').toUpperCase();
