import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  /** Path inside the archive, with `/` between folders. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** 1980-01-01 00:00:00, the first moment that the format knows: the day of the build must not show in the bytes. */
const DOS_TIME = 0;
const DOS_DATE = (0 << 9) | (1 << 5) | 1;
/** Made on Unix (3) by version 2.0; a regular file that everybody may read. */
const MADE_BY = (3 << 8) | 20;
const ATTRIBUTES = 0o100644 * 0x1_0000;
const NEEDS = 20;
/** Names are UTF-8. */
const FLAGS = 1 << 11;
const DEFLATED = 8;

/**
 * A zip archive of the entries, in order of name. The same entries give the same bytes, as long as Node's zlib stays the
 * same. Throws on a name that occurs twice and above 65,535 entries or 4 GB, where ZIP64 would begin.
 * Source: PKWARE APPNOTE 6.3.10, 4.3 and 4.4.
 */
export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const sorted = entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const twice = sorted.find((entry, index) => entry.name === sorted[index + 1]?.name);
  if (twice) throw new Error(`${twice.name} would be in the archive twice.`);
  if (sorted.length > 0xffff)
    throw new Error(`${sorted.length} files are more than a zip archive without ZIP64 holds.`);
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes } of sorted) {
    const nameBytes = Buffer.from(name, 'utf8');
    const packed = deflateRawSync(bytes, { level: 9 });
    const facts = factsOf(bytes, packed, nameBytes);
    const file = Buffer.concat([localHeader(facts), nameBytes, packed]);
    files.push(file);
    directory.push(centralHeader(facts, offset), nameBytes);
    offset += file.length;
  }
  const central = Buffer.concat(directory);
  if (offset + central.length > 0xffff_ffff) throw new Error('The archive is larger than 4 GB.');
  return Buffer.concat([...files, central, endOfDirectory(sorted.length, central.length, offset)]);
}

/** The fields that both headers of an entry share: version, flags, method, time, CRC, sizes, lengths (26 bytes). */
function factsOf(bytes: Uint8Array, packed: Uint8Array, name: Uint8Array): Buffer {
  const facts = Buffer.alloc(26);
  facts.writeUInt16LE(NEEDS, 0);
  facts.writeUInt16LE(FLAGS, 2);
  facts.writeUInt16LE(DEFLATED, 4);
  facts.writeUInt16LE(DOS_TIME, 6);
  facts.writeUInt16LE(DOS_DATE, 8);
  facts.writeUInt32LE(crc32(bytes), 10);
  facts.writeUInt32LE(packed.length, 14);
  facts.writeUInt32LE(bytes.length, 18);
  facts.writeUInt16LE(name.length, 22);
  return facts;
}

function localHeader(facts: Buffer): Buffer {
  return Buffer.concat([Buffer.from('PK\u0003\u0004', 'latin1'), facts]);
}

function centralHeader(facts: Buffer, offset: number): Buffer {
  const start = Buffer.alloc(6, 'PK\u0001\u0002', 'latin1');
  start.writeUInt16LE(MADE_BY, 4);
  // Comment length, disk and internal attributes stay 0.
  const end = Buffer.alloc(14);
  end.writeUInt32LE(ATTRIBUTES, 6);
  end.writeUInt32LE(offset, 10);
  return Buffer.concat([start, facts, end]);
}

function endOfDirectory(count: number, directoryBytes: number, offset: number): Buffer {
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006', 'latin1');
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(directoryBytes, 12);
  end.writeUInt32LE(offset, 16);
  return end;
}
