/**
 * PNG and JPEG files, 8 and 16 bits per channel, as square float images.
 *
 * Stored values are used as they are: embedded colour profiles are ignored, as in PIL, so that a value does
 * not depend on the profile a viewer wrote; EXIF orientation is applied; transparency is laid over black.
 * 16-bit samples keep their precision and are divided by 65535: a 12-bit radiograph in a 16-bit file spans
 * [0, 0.0625], and rescaling it is the model's normalisation, not the decoder's.
 */
import { readFileSync } from 'node:fs';
import { ConfigError, DataError } from '../errors.js';
import { type PackedPixels, sharedPixels } from './image-pack.js';
import { bytesAt, floatsAt, kernels } from './kernels.js';
import { localContrast } from './localContrast.js';
import { readPngRows } from './pngRows.js';
import { type PixelRows, resizeRows } from './resize.js';

/** The form that every image of a study is brought to. */
export interface ImageFormat {
  /** Side of the square, pixels, 8 … 4096. */
  readonly size: number;
  /** 1 = grey (ITU-R BT.601 luma of colour files), 3 = red, green, blue (grey files repeated). */
  readonly channels: 1 | 3;
  /**
   * `letterbox` (default) keeps the aspect ratio and fills up with black: hearts and optic discs keep their
   * shape, and radiographs and fundus photographs are black around the subject anyway. `stretch` fills
   * the square.
   */
  readonly fit?: 'letterbox' | 'stretch';
  /** `recorded` (default): samples as stored. `local`: their differences from the blurred image, see `localContrast`. */
  readonly contrast?: 'recorded' | 'local';
}

/** A decoded image. */
export interface DecodedImage {
  /** [channels, size, size] in [0, 1]. */
  readonly pixels: Float32Array;
  /** Bits per channel of the file. */
  readonly bits: 8 | 16;
  /** Width and height of the file in pixels, upright. */
  readonly width: number;
  readonly height: number;
}

/** Where an image lies in its square, pixels. */
export interface Placement {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Most pixels of a file that is decoded: beyond it a file is taken for damaged or hostile. */
export const mostPixels = 100_000_000;
/** Shortest side of a file that is taken for an image, pixels. */
export const leastSide = 8;

/** Where an image of the given width and height lies in the square of a format. */
export function placeImage(width: number, height: number, { size, fit }: ImageFormat): Placement {
  if (fit === 'stretch') return { left: 0, top: 0, width: size, height: size };
  const scale = size / Math.max(width, height);
  const [across, down] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  return {
    left: Math.floor((size - across) / 2),
    top: Math.floor((size - down) / 2),
    width: across,
    height: down,
  };
}

/** @throws ConfigError when a format is impossible */
export function checkFormat({ size, channels }: ImageFormat): void {
  if (!Number.isInteger(size) || size < 8 || size > 4096) {
    throw new ConfigError(
      `image format: size is a whole number of pixels from 8 to 4096, got ${size}; e.g. 64`,
      'model.imageSize',
    );
  }
  if (channels !== 1 && channels !== 3) {
    throw new ConfigError(`image format: channels is 1 or 3, got ${channels}`, 'model.channels');
  }
}

/**
 * Decodes one file.
 * @throws DataError `missing-image`, `corrupt-image`, `unsupported-image` or `image-size`, naming the file
 */
export async function decodeImage(file: string, format: ImageFormat): Promise<DecodedImage> {
  checkFormat(format);
  const source = await readPixels(file);
  const { width, height, samples } = source;
  const { planes, length } = layPlanes(source, format);
  return { pixels: floatsAt(planes, length).slice(), bits: samples === 'u8' ? 8 : 16, width, height };
}

/**
 * Decodes one file to samples as a store keeps them: [channels, size, size], rounded to the bits of the file.
 * @throws DataError of `decodeImage`
 */
export async function decodePacked(file: string, format: ImageFormat): Promise<PackedPixels> {
  const source = await readPixels(file);
  const { planes, packed, length } = layPlanes(source, format);
  const pixels = sharedPixels(length, source.samples === 'u8' ? 8 : 16);
  (pixels.BYTES_PER_ELEMENT === 1 ? kernels.pack8 : kernels.pack16)(planes, packed, length);
  new Uint8Array(pixels.buffer).set(bytesAt(packed, pixels.byteLength));
  return pixels;
}

/**
 * Planes in [0, 1], the image in its place on the black square, in the kernels' memory: valid until it is laid out anew.
 * `packed` is room for the samples as a store keeps them.
 */
function layPlanes(source: PixelRows, format: ImageFormat) {
  const { size, channels } = format;
  const { left, top, width, height } = placeImage(source.width, source.height, format);
  const area = size * size;
  const length = channels * area;
  const scale = 1 / (source.samples === 'u8' ? 255 : 65535);
  let [planes, packed] = [0, 0];
  resizeRows(source, [height, width], [4 * length, 2 * length], (rows, y0, y1, room) => {
    [planes, packed] = room;
    if (y0 === 0 && width * height < area) floatsAt(planes, length).fill(0);
    const into = planes + 4 * ((top + y0) * size + left);
    const shape = [rows, y1 - y0, width, into, size, scale] as const;
    if (source.channels === 3 && channels === 3) kernels.layColour(...shape, area);
    else if (source.channels === 3) kernels.layLuma(...shape);
    else {
      for (let channel = 0; channel < channels; channel++) {
        kernels.layGrey(rows, y1 - y0, width, into + 4 * channel * area, size, scale);
      }
    }
  });
  if (format.contrast === 'local') {
    const pixels = floatsAt(planes, length);
    pixels.set(localContrast(pixels, channels, size));
  }
  return { planes, packed, length };
}

async function readPixels(file: string): Promise<PixelRows> {
  const bytes = readWhole(file);
  if (bytes.length === 0) throw unreadable(file, 'an empty file');
  return readPngRows(bytes, mostPixels, leastSide) ?? decodeWithSharp(bytes, file);
}

/** Not asynchronously, which takes three times as long for a small file: whoever reads decodes next, and others do so in threads. */
function readWhole(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new DataError(
      'missing-image',
      `decodeImage: the image must be a readable file, got ${(cause as NodeJS.ErrnoException).code}; add it`,
      { file },
    );
  }
}

async function decodeWithSharp(bytes: Buffer, file: string): Promise<PixelRows> {
  // Loaded here, so that a study of tables alone goes without the image library.
  const { default: sharp } = await import('sharp');
  const open = () => sharp(bytes, { limitInputPixels: false, ignoreIcc: true });
  const metadata = await open()
    .metadata()
    .catch((cause: unknown) => {
      throw unreadable(file, cause);
    });
  const { format, width, height, space, depth } = metadata;
  if (format !== 'png' && format !== 'jpeg') {
    throw new DataError(
      'unsupported-image',
      `decodeImage: an image is a PNG or JPEG file, got ${format}; convert it`,
      { file },
    );
  }
  if (width * height > mostPixels || Math.min(width, height) < leastSide) {
    throw new DataError(
      'image-size',
      `decodeImage: an image has sides of at least ${leastSide} and at most ${mostPixels / 1e6} million pixels, got ${width} × ${height}; replace the file`,
      { file },
    );
  }
  const grey = space === 'b-w' || space === 'grey16';
  const deep = depth === 'ushort';
  // Without its colour space and depth named, sharp hands 16-bit files out as 8-bit RGB and says nothing.
  const colourSpace = deep ? (grey ? 'grey16' : 'rgb16') : grey ? 'b-w' : 'srgb';
  const { data, info } = await open()
    .autoOrient()
    .flatten({ background: '#000' })
    .toColourspace(colourSpace)
    .raw({ depth: deep ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      throw unreadable(file, cause);
    });
  const { width: across, height: down } = info;
  const channels = grey ? 1 : 3;
  const expected = across * down * channels * (deep ? 2 : 1);
  if (info.channels !== channels || data.length !== expected) {
    throw new Error(
      `internal: decodeImage: expected ${expected} bytes of ${channels} channels, got ${data.length} of ${info.channels}`,
    );
  }
  return {
    ...{ bytes: data, samples: deep ? 'u16' : 'u8', filtered: false },
    ...{ width: across, height: down, channels },
  };
}

function unreadable(file: string, cause: unknown): DataError {
  const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
  return new DataError(
    'corrupt-image',
    `decodeImage: the file must be a whole image, got "${reason}"; replace it or skip bad rows`,
    { file },
  );
}
