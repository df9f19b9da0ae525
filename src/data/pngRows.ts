/**
 * The rows of ordinary PNG files, for which an image library's own set-up costs more than the decoding: 8-bit grey or
 * red, green and blue, not interlaced, without transparency, whole [w3c2003png]. Everything else, and whatever is
 * unusual or wrong in a file, is left to the library, which also finds the words for it.
 */
import { crc32, inflateSync } from 'node:zlib';
import type { PixelRows } from './resize.js';

const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
/** Chunks that leave the samples as they are, each once and before the pixels, and their lengths. */
const harmless: Readonly<Record<string, number>> = { pHYs: 9, gAMA: 4, sRGB: 1 };

/**
 * Inflated, still filtered rows of a file.
 * @param mostPixels, leastSide beyond which a file is left to the library
 * @returns null where the library is to decode
 */
export function readPngRows(file: Buffer, mostPixels: number, leastSide: number): PixelRows | null {
  if (!file.subarray(0, 8).equals(signature)) return null;
  const header = chunkAt(file, 8);
  if (header?.type !== 'IHDR' || header.data.length !== 13) return null;
  const [width, height] = [header.data.readUInt32BE(0), header.data.readUInt32BE(4)];
  const [depth, colour, compression, filter, interlace] = header.data.subarray(8);
  if (depth !== 8 || (colour !== 0 && colour !== 2)) return null;
  if (compression !== 0 || filter !== 0 || interlace !== 0) return null;
  if (width * height > mostPixels || Math.min(width, height) < leastSide) return null;
  const compressed = pixelData(file, header.end);
  if (compressed === null) return null;
  const channels = colour === 0 ? 1 : 3;
  const pitch = 1 + width * channels;
  const bytes = inflate(compressed, height * pitch);
  if (bytes === null) return null;
  for (let at = 0; at < bytes.length; at += pitch) if (bytes[at] > 4) return null;
  return { bytes, samples: 'u8', width, height, channels, filtered: true };
}

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
  /** Where the next one begins. */
  readonly end: number;
}

/** A whole chunk whose check sum is right, or null. */
function chunkAt(file: Buffer, at: number): Chunk | null {
  if (at + 12 > file.length) return null;
  const end = at + 12 + file.readUInt32BE(at);
  if (end > file.length || crc32(file.subarray(at + 4, end - 4)) !== file.readUInt32BE(end - 4)) return null;
  return { type: file.toString('latin1', at + 4, at + 8), data: file.subarray(at + 8, end - 4), end };
}

/** The pixel chunks joined, or null unless the file goes on with harmless chunks, pixels in a row, and its end. */
function pixelData(file: Buffer, start: number): Buffer | null {
  const parts: Buffer[] = [];
  const seen = new Set<string>();
  let chunk = chunkAt(file, start);
  while (chunk !== null && chunk.type !== 'IEND') {
    const { type, data, end } = chunk;
    if (type === 'IDAT') parts.push(data);
    else if (parts.length > 0 || seen.has(type) || harmless[type] !== data.length) return null;
    seen.add(type);
    chunk = chunkAt(file, end);
  }
  if (chunk === null || chunk.data.length > 0 || chunk.end < file.length || parts.length === 0) return null;
  return parts.length === 1 ? parts[0] : Buffer.concat(parts);
}

/** Exactly so many bytes out of all of the data, or null. */
function inflate(data: Buffer, length: number): Buffer | null {
  try {
    // A byte of room more than is needed, so that all comes in one piece and excess is noticed.
    const options = { chunkSize: Math.max(64, length + 1), maxOutputLength: length + 1, info: true };
    const { buffer, engine } = inflateSync(data, options) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    return buffer.length === length && engine.bytesWritten === data.length ? buffer : null;
  } catch {
    return null;
  }
}
