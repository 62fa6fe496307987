import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import {
  derBits,
  derContext,
  derInteger,
  derNull,
  derOctets,
  derOid,
  derSequence,
  derSet,
  derTime,
  derTrue,
  derUtf8,
  derValue,
} from './der.ts';

export interface Issuer {
  commonName: string;
  publicKey: KeyObject;
  privateKey: KeyObject;
}

interface CertificateRequest {
  commonName: string;
  publicKey: KeyObject;
  /** Who signs: for a self-signed certificate its own name and key. RSA or EC P-256; SHA-256 either way. */
  issuer: Issuer;
  notBefore: Date;
  notAfter: Date;
  isCa?: boolean;
  /** Given for a TLS server: names and IPv4 addresses of the subjectAltName; also sets the serverAuth usage. */
  dnsNames?: string[];
  ipAddresses?: string[];
}

const RSA_SHA256 = (): Buffer => derSequence(derOid('1.2.840.113549.1.1.11'), derNull());
const ECDSA_SHA256 = (): Buffer => derSequence(derOid('1.2.840.10045.4.3.2'));

/** Makes and signs one X.509 v3 certificate (RFC 5280) and returns its DER. */
export function issueCertificate(request: CertificateRequest): Buffer {
  const { issuer } = request;
  const algorithm = issuer.privateKey.asymmetricKeyType === 'ec' ? ECDSA_SHA256() : RSA_SHA256();
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40; // positive and of constant length
  const body = derSequence(
    derContext(0, derInteger(2)),
    derInteger(serial),
    algorithm,
    name(issuer.commonName),
    derSequence(derTime(request.notBefore), derTime(request.notAfter)),
    name(request.commonName),
    spki(request.publicKey),
    derContext(3, derSequence(...extensions(request))),
  );
  return derSequence(body, algorithm, derBits(sign('sha256', body, issuer.privateKey)));
}

/** PEM of a DER block, 64 characters a line (RFC 7468). */
export function toPem(der: Buffer, label: string): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });
const name = (commonName: string): Buffer => derSequence(derSet(derSequence(derOid('2.5.4.3'), derUtf8(commonName))));
const keyId = (key: KeyObject): Buffer => createHash('sha1').update(spki(key)).digest();

function extensions(request: CertificateRequest): Buffer[] {
  const list = [
    extension('2.5.29.14', derOctets(keyId(request.publicKey))),
    extension('2.5.29.35', derSequence(derContext(0, keyId(request.issuer.publicKey), false))),
  ];
  if (request.isCa) {
    list.push(extension('2.5.29.19', derSequence(derTrue()), true));
    list.push(extension('2.5.29.15', derBits(Buffer.from([0x06]), 1), true)); // keyCertSign, cRLSign
  } else {
    list.push(extension('2.5.29.15', derBits(Buffer.from([0xa0]), 5), true)); // digitalSignature, keyEncipherment
  }
  const names = [
    ...(request.dnsNames ?? []).map(dns => derContext(2, Buffer.from(dns, 'latin1'), false)),
    ...(request.ipAddresses ?? []).map(ip => derContext(7, Buffer.from(ip.split('.').map(Number)), false)),
  ];
  if (names.length > 0) {
    list.push(extension('2.5.29.17', derSequence(...names)));
    list.push(extension('2.5.29.37', derSequence(derOid('1.3.6.1.5.5.7.3.1'))));
  }
  return list;
}

const extension = (oid: string, value: Buffer, critical = false): Buffer =>
  derSequence(derOid(oid), ...(critical ? [derTrue()] : []), derValue(0x04, value));
