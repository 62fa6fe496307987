import { crc32, inflateRawSync } from 'node:zlib';

/** An entry as an unpacker sees it. */
export interface ReadEntry {
  readonly name: string;
  readonly bytes: Buffer;
  /** File mode as Unix has it, e.g. 0o100644. */
  readonly mode: number;
  /** DOS date and time, as stored. */
  readonly modified: readonly [date: number, time: number];
}

/** Reads an archive by its directory, as unpackers do. Throws when a header, a size or a checksum does not fit. */
export function readZip(zip: Buffer): ReadEntry[] {
  const end = zip.length - 22;
  if (zip.readUInt32LE(end) !== 0x0605_4b50) throw new Error('no end of directory at the end');
  const count = zip.readUInt16LE(end + 10);
  const entries: ReadEntry[] = [];
  let at = zip.readUInt32LE(end + 16);
  for (let index = 0; index < count; index++) {
    if (zip.readUInt32LE(at) !== 0x0201_4b50) throw new Error(`entry ${index} has no directory header`);
    const nameBytes = zip.readUInt16LE(at + 28);
    const name = zip.toString('utf8', at + 46, at + 46 + nameBytes);
    entries.push({
      name,
      bytes: contentAt(zip, zip.readUInt32LE(at + 42), name, zip.subarray(at + 6, at + 30)),
      mode: zip.readUInt32LE(at + 38) >>> 16,
      modified: [zip.readUInt16LE(at + 14), zip.readUInt16LE(at + 12)],
    });
    at += 46 + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  if (at !== end) throw new Error('the directory does not end where it should');
  return entries;
}

function contentAt(zip: Buffer, offset: number, name: string, facts: Buffer): Buffer {
  if (zip.readUInt32LE(offset) !== 0x0403_4b50) throw new Error(`${name} has no header of its own`);
  if (!zip.subarray(offset + 4, offset + 28).equals(facts)) throw new Error(`the two headers of ${name} differ`);
  const begin = offset + 30 + zip.readUInt16LE(offset + 26) + zip.readUInt16LE(offset + 28);
  const bytes = inflateRawSync(zip.subarray(begin, begin + facts.readUInt32LE(14)));
  if (bytes.length !== facts.readUInt32LE(18)) throw new Error(`the size of ${name} is wrong`);
  if (crc32(bytes) !== facts.readUInt32LE(10)) throw new Error(`the checksum of ${name} is wrong`);
  return bytes;
}
