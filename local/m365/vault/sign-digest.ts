import { constants, createHash, type KeyObject, privateEncrypt, randomBytes } from 'node:crypto';
import type { JwtAlgorithm } from '../jwt.ts';

const DIGEST_INFO_SHA256 = Buffer.from('3031300d060960864801650304020105000420', 'hex');
const HASH_BYTES = 32;

/**
 * Signs a SHA-256 digest that was computed elsewhere, as a vault does: RS256 (RFC 8017 section 8.2) or PS256 (section 8.1, salt of 32 bytes).
 * Written out because Node signs messages, not digests.
 */
export function signDigest(alg: JwtAlgorithm, digest: Buffer, key: KeyObject): Buffer {
  if (alg === 'RS256') {
    return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, Buffer.concat([DIGEST_INFO_SHA256, digest]));
  }
  const modulusBits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encodePss(digest, modulusBits));
}

/** EMSA-PSS-ENCODE of RFC 8017 section 9.1.1 with MGF1-SHA-256, for a modulus of whole bytes. */
function encodePss(digest: Buffer, modulusBits: number): Buffer {
  const salt = randomBytes(HASH_BYTES);
  const hash = sha256(Buffer.alloc(8), digest, salt);
  const block = Buffer.alloc(modulusBits / 8 - HASH_BYTES - 1);
  block[block.length - HASH_BYTES - 1] = 1;
  salt.copy(block, block.length - HASH_BYTES);
  const mask = mgf1(hash, block.length);
  for (let index = 0; index < block.length; index++) block[index] = (block[index] ?? 0) ^ (mask[index] ?? 0);
  block[0] = (block[0] ?? 0) & 0x7f; // emBits = modulusBits - 1
  return Buffer.concat([block, hash, Buffer.from([0xbc])]);
}

function mgf1(seed: Buffer, size: number): Buffer {
  const parts: Buffer[] = [];
  const counter = Buffer.alloc(4);
  for (let index = 0; parts.length * HASH_BYTES < size; index++) {
    counter.writeUInt32BE(index);
    parts.push(sha256(seed, counter));
  }
  return Buffer.concat(parts).subarray(0, size);
}

function sha256(...parts: Buffer[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
