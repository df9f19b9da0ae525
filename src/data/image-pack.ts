/**
 * Packs of decoded images on disk. A pack is written once, under a temporary name, and renamed: readers see
 * whole packs only, and runs that decode at the same time add packs side by side. It names its images by
 * digests, not by paths, since file names often hold patient ids.
 *
 * Layout, little-endian: 8 bytes magic, u32 length of the index, the index as JSON, zeros up to a multiple of
 * 8, then the samples. An index entry is [digest, bits, first byte after the header].
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { DataError } from '../errors.js';

/** Samples of one image as stored: [channels, size, size], scaled to the whole range of the integer. */
export type PackedPixels = Uint8Array<SharedArrayBuffer> | Uint16Array<SharedArrayBuffer>;

/** Room for the samples of one image, in memory that threads share. */
export function sharedPixels(length: number, bits: 8 | 16): PackedPixels {
  const memory = new SharedArrayBuffer(length * (bits / 8));
  return bits === 8 ? new Uint8Array(memory) : new Uint16Array(memory);
}

/** Writes the samples as numbers in [0, 1] into `into` from `offset` on. */
export function unpackImage(pixels: PackedPixels, into: Float32Array, offset = 0): void {
  // Two loops, so that each is compiled for the one kind of array.
  if (pixels instanceof Uint8Array) {
    for (let i = 0; i < pixels.length; i++) into[offset + i] = pixels[i] * (1 / 255);
  } else for (let i = 0; i < pixels.length; i++) into[offset + i] = pixels[i] * (1 / 65535);
}

const magic = Buffer.from('MFIMG\0\0\x01', 'latin1');

type Entry = readonly [digest: string, bits: 8 | 16, offset: number];

/** What packs hold of the images that were asked for. */
export interface PackContents {
  readonly images: ReadonlyMap<string, PackedPixels>;
  /** Packs that could not be read; their images have to be decoded again. */
  readonly damaged: readonly string[];
}

/**
 * Writes one pack.
 * @param folder created if absent, readable by its owner only
 * @param prefix names the image format; only packs with the same prefix are read back
 * @throws DataError `cache-unwritable`, leaving nothing half-written behind
 */
export async function writePack(
  folder: string,
  prefix: string,
  images: ReadonlyMap<string, PackedPixels>,
): Promise<void> {
  // Sorted, so that the same images make the same file in whatever order they were decoded.
  const sorted = [...images].sort(([a], [b]) => (a < b ? -1 : 1));
  let offset = 0;
  const index: Entry[] = sorted.map(([digest, pixels]) => {
    const entry = [digest, pixels.BYTES_PER_ELEMENT === 1 ? 8 : 16, offset] as const;
    offset += padded(pixels.byteLength);
    return entry;
  });
  const json = Buffer.from(JSON.stringify(index));
  const head = Buffer.alloc(padded(magic.length + 4 + json.length));
  magic.copy(head);
  head.writeUInt32LE(json.length, magic.length);
  json.copy(head, magic.length + 4);
  const name = createHash('sha256').update(json).digest('hex').slice(0, 16);
  const temporary = join(folder, `.${prefix}-${name}.${process.pid}.${process.hrtime.bigint()}.tmp`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(head);
      for (const [, pixels] of sorted) {
        const body = Buffer.alloc(padded(pixels.byteLength));
        body.set(new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength));
        if (pixels.BYTES_PER_ELEMENT === 2) toLittleEndian(body);
        await file.writeFile(body);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, join(folder, `${prefix}-${name}.pack`));
  } catch (cause) {
    // The first fault is the one to report; where the folder itself is at fault there is nothing to remove.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new DataError(
      'cache-unwritable',
      `image cache: its folder must be writable with room for the images, got ${(cause as NodeJS.ErrnoException).code}; free space or name another folder`,
      { file: folder },
    );
  }
}

/** Reads the wanted images out of all packs with the prefix. A folder that is absent holds none. */
export async function readPacks(
  folder: string,
  prefix: string,
  wanted: ReadonlySet<string>,
  length: number,
): Promise<PackContents> {
  const images = new Map<string, PackedPixels>();
  const damaged: string[] = [];
  const names = await readdir(folder).catch(() => []);
  const packs = names.filter((name) => name.startsWith(`${prefix}-`) && name.endsWith('.pack')).sort();
  for (const name of packs) {
    if (images.size === wanted.size) break;
    try {
      for (const [digest, pixels] of await readPack(join(folder, name), wanted, images, length)) {
        images.set(digest, pixels);
      }
    } catch (cause) {
      if (!(cause instanceof DamagedPack)) throw cause;
      damaged.push(name);
    }
  }
  return { images, damaged };
}

class DamagedPack extends Error {}

async function readPack(
  path: string,
  wanted: ReadonlySet<string>,
  have: ReadonlyMap<string, PackedPixels>,
  length: number,
): Promise<Map<string, PackedPixels>> {
  const file = await open(path, 'r');
  try {
    const read = async <T extends ArrayBufferLike>(bytes: Uint8Array<T>, position: number): Promise<void> => {
      const { bytesRead } = await file.read(bytes, 0, bytes.length, position);
      if (bytesRead < bytes.length) throw new DamagedPack();
    };
    const start = Buffer.alloc(magic.length + 4);
    await read(start, 0);
    if (!start.subarray(0, magic.length).equals(magic)) throw new DamagedPack();
    const indexBytes = start.readUInt32LE(magic.length);
    const { size } = await file.stat();
    if (magic.length + 4 + indexBytes > size) throw new DamagedPack();
    const json = Buffer.alloc(indexBytes);
    await read(json, magic.length + 4);
    const index = parseIndex(json);
    const base = padded(magic.length + 4 + indexBytes);
    const images = new Map<string, PackedPixels>();
    for (const [digest, bits, offset] of index) {
      if (!wanted.has(digest) || have.has(digest)) continue;
      const pixels = sharedPixels(length, bits);
      const bytes = new Uint8Array(pixels.buffer);
      await read(bytes, base + offset);
      if (bits === 16) toLittleEndian(bytes);
      images.set(digest, pixels);
    }
    return images;
  } finally {
    await file.close();
  }
}

function parseIndex(json: Buffer): readonly Entry[] {
  try {
    return JSON.parse(json.toString('utf8'));
  } catch {
    throw new DamagedPack();
  }
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

/** Puts 16-bit samples into the order of the file, or back. */
function toLittleEndian(bytes: Uint8Array): void {
  if (endianness() === 'BE') Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).swap16();
}
