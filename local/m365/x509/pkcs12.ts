import { createCipheriv, createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { derContext, derInteger, derNull, derOctets, derOid, derSequence, derSet, derValue } from './der.ts';

/** `tripleDesSha1`: what Key Vault has long given out. `aes256Sha256`: the form newer Windows exports have. */
export type PfxEncryption = 'tripleDesSha1' | 'aes256Sha256';

const DATA = '1.2.840.113549.1.7.1';
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6';
const KEY_BAG = '1.2.840.113549.1.12.10.1.2';
const CERT_BAG = '1.2.840.113549.1.12.10.1.3';
const X509_CERTIFICATE = '1.2.840.113549.1.9.22.1';
const LOCAL_KEY_ID = '1.2.840.113549.1.9.21';
const ITERATIONS = 2000;

/**
 * PKCS#12 file (RFC 7292) with an EMPTY password, as Key Vault hands out the secret behind a certificate.
 * @param certificates DER, leaf first. @param privateKey PKCS#8 DER, or undefined for a certificate whose key may not leave the vault.
 */
export function writePfx(
  certificates: Buffer[],
  privateKey: Buffer | undefined,
  encryption: PfxEncryption = 'tripleDesSha1',
): Buffer {
  const keyId = createHash('sha1')
    .update(certificates[0] ?? Buffer.alloc(0))
    .digest();
  const certBags = certificates.map((der, index) =>
    derSequence(
      derOid(CERT_BAG),
      derContext(0, derSequence(derOid(X509_CERTIFICATE), derContext(0, derOctets(der)))),
      ...(index === 0 ? [localKeyId(keyId)] : []),
    ),
  );
  const safes = [encryptedSafe(derSequence(...certBags), encryption)];
  if (privateKey) {
    const { algorithm, ciphertext } = encrypt(privateKey, encryption);
    const shrouded = derContext(0, derSequence(algorithm, derOctets(ciphertext)));
    safes.unshift(dataSafe(derSequence(derSequence(derOid(KEY_BAG), shrouded, localKeyId(keyId)))));
  }
  const authenticatedSafe = derSequence(...safes);
  return derSequence(derInteger(3), dataSafe(authenticatedSafe), mac(authenticatedSafe, encryption));
}

const localKeyId = (id: Buffer): Buffer => derSet(derSequence(derOid(LOCAL_KEY_ID), derSet(derOctets(id))));
const dataSafe = (content: Buffer): Buffer => derSequence(derOid(DATA), derContext(0, derOctets(content)));

function encryptedSafe(content: Buffer, encryption: PfxEncryption): Buffer {
  const { algorithm, ciphertext } = encrypt(content, encryption);
  const info = derSequence(derOid(DATA), algorithm, derContext(0, ciphertext, false));
  return derSequence(derOid(ENCRYPTED_DATA), derContext(0, derSequence(derInteger(0), info)));
}

function encrypt(plain: Buffer, encryption: PfxEncryption): { algorithm: Buffer; ciphertext: Buffer } {
  if (encryption === 'tripleDesSha1') {
    const salt = randomBytes(8);
    const cipher = createCipheriv('des-ede3-cbc', pkcs12Kdf('sha1', 1, salt, 24), pkcs12Kdf('sha1', 2, salt, 8));
    return {
      algorithm: derSequence(derOid('1.2.840.113549.1.12.1.3'), derSequence(derOctets(salt), derInteger(ITERATIONS))),
      ciphertext: Buffer.concat([cipher.update(plain), cipher.final()]),
    };
  }
  const salt = randomBytes(16);
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync('', salt, ITERATIONS, 32, 'sha256'), iv);
  const hmacSha256 = derSequence(derOid('1.2.840.113549.2.9'), derNull());
  const kdf = derSequence(
    derOid('1.2.840.113549.1.5.12'),
    derSequence(derOctets(salt), derInteger(ITERATIONS), hmacSha256),
  );
  const scheme = derSequence(derOid('2.16.840.1.101.3.4.1.42'), derOctets(iv));
  return {
    algorithm: derSequence(derOid('1.2.840.113549.1.5.13'), derSequence(kdf, scheme)),
    ciphertext: Buffer.concat([cipher.update(plain), cipher.final()]),
  };
}

function mac(content: Buffer, encryption: PfxEncryption): Buffer {
  const sha1 = encryption === 'tripleDesSha1';
  const hash = sha1 ? 'sha1' : 'sha256';
  const salt = randomBytes(8);
  const key = pkcs12Kdf(hash, 3, salt, sha1 ? 20 : 32);
  const algorithm = derSequence(derOid(sha1 ? '1.3.14.3.2.26' : '2.16.840.1.101.3.4.2.1'), derNull());
  const digest = createHmac(hash, key).update(content).digest();
  return derValue(
    0x30,
    Buffer.concat([derSequence(algorithm, derOctets(digest)), derOctets(salt), derInteger(ITERATIONS)]),
  );
}

/**
 * Key derivation of RFC 7292 appendix B.2 for the empty password (two zero bytes: the BMPString terminator), block size 64.
 * @param purpose 1 key, 2 IV, 3 MAC key. @param size bytes wanted
 */
function pkcs12Kdf(hash: 'sha1' | 'sha256', purpose: 1 | 2 | 3, salt: Buffer, size: number): Buffer {
  const block = 64;
  const repeat = (bytes: Buffer): Buffer => Buffer.alloc(block * Math.ceil(bytes.length / block), bytes);
  const diversifier = Buffer.alloc(block, purpose);
  const input = Buffer.concat([repeat(salt), repeat(Buffer.from([0, 0]))]);
  const output: Buffer[] = [];
  for (let length = 0; length < size; ) {
    let digest = createHash(hash).update(diversifier).update(input).digest();
    for (let round = 1; round < ITERATIONS; round++) digest = createHash(hash).update(digest).digest();
    output.push(digest);
    length += digest.length;
    const addend = Buffer.alloc(block, digest);
    for (let start = 0; start < input.length; start += block) addOnePlus(input.subarray(start, start + block), addend);
  }
  return Buffer.concat(output).subarray(0, size);
}

/** target = (target + addend + 1) mod 2^(8·length), big-endian, in place. */
function addOnePlus(target: Buffer, addend: Buffer): void {
  let carry = 1;
  for (let index = target.length - 1; index >= 0; index--) {
    const sum = (target[index] ?? 0) + (addend[index] ?? 0) + carry;
    target[index] = sum & 0xff;
    carry = sum >> 8;
  }
}
