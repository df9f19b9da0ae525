/**
 * A PNG encoder whose bytes depend on the pixels alone. The image data are stored deflate blocks
 * (uncompressed), since compressed bytes differ between zlib builds, library versions and processors, and a
 * generated study promises the same bytes for the same seed. Format: [w3c2003png], deflate: RFC 1950 and 1951.
 */
import { ShapeError } from '../errors.js';

/** Longest stored deflate block, bytes. */
const maxBlock = 0xffff;

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/**
 * Encodes 8-bit greyscale pixels as an uncompressed PNG file.
 * @param pixels row-major [height, width], 0 = black
 * @returns the file's bytes, about `height * width` plus 70
 * @throws ShapeError unless width and height are positive integers that multiply to `pixels.length`
 */
export function encodeGreyscalePng(pixels: Uint8Array, width: number, height: number): Uint8Array {
  if (!(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0)) {
    throw new ShapeError(
      `encodeGreyscalePng: width and height must be positive integers, got ${width} × ${height}`,
    );
  }
  if (pixels.length !== width * height) {
    throw new ShapeError(
      `encodeGreyscalePng: pixels must hold height × width = ${width * height} values, got ${pixels.length}`,
    );
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8; // bits per sample; colour type, compression, filter method and interlace stay 0
  const scanlines = new Uint8Array(height * (width + 1)); // each line starts with its filter type, 0 = none
  for (let y = 0; y < height; y++) {
    scanlines.set(pixels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  }
  return concatenate([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk('IHDR', header),
    chunk('IDAT', storedZlib(scanlines)),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

function storedZlib(data: Uint8Array): Uint8Array {
  const blocks = Math.max(1, Math.ceil(data.length / maxBlock));
  const bytes = new Uint8Array(2 + blocks * 5 + data.length + 4);
  const view = new DataView(bytes.buffer);
  bytes.set([0x78, 0x01]); // deflate, 32 KiB window, fastest
  let at = 2;
  for (let block = 0; block < blocks; block++) {
    const part = data.subarray(block * maxBlock, (block + 1) * maxBlock);
    bytes[at] = block === blocks - 1 ? 1 : 0; // last-block flag, type 00 = stored
    view.setUint16(at + 1, part.length, true);
    view.setUint16(at + 3, part.length ^ 0xffff, true);
    bytes.set(part, at + 5);
    at += 5 + part.length;
  }
  view.setUint32(at, adler32(data));
  return bytes;
}

function crc32(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < data.length; i++) crc = crcTable[(crc ^ data[i]) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function adler32(data: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (let i = 0; i < data.length; i++) {
    a = (a + data[i]) % 65521;
    b = (b + a) % 65521;
  }
  return ((b << 16) | a) >>> 0;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
