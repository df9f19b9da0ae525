/**
 * PNG and JPEG files, 8 and 16 bits per channel, as square float images.
 *
 * Stored values are used as they are: embedded colour profiles are ignored, as in PIL, so that a value does
 * not depend on the profile a viewer wrote; EXIF orientation is applied; transparency is laid over black.
 * 16-bit samples keep their precision and are divided by 65535: a 12-bit radiograph in a 16-bit file spans
 * [0, 0.0625], and rescaling it is the model's normalisation, not the decoder's.
 */
import { readFile } from 'node:fs/promises';
import { ConfigError, DataError } from '../errors.js';
import { localContrast } from './localContrast.js';
import { resizePixels } from './resize.js';

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
  const { width, height } = source;
  const box = placeImage(width, height, format);
  const shape = [height, width, source.channels] as const;
  const small = resizePixels(source.samples, shape, [box.height, box.width]);
  const { size, channels } = format;
  const pixels = toPlanes(small, source, box, format);
  const shown = format.contrast === 'local' ? localContrast(pixels, channels, size) : pixels;
  return { pixels: shown, bits: source.bits, width, height };
}

/** Interleaved samples as planes in [0, 1], laid into their place in the black square. */
function toPlanes(
  samples: Float32Array,
  source: SourcePixels,
  { left, top, width, height }: Placement,
  { size, channels }: ImageFormat,
): Float32Array {
  const area = size * size;
  const planes = new Float32Array(channels * area);
  const scale = 1 / (source.bits === 8 ? 255 : 65535);
  const step = source.channels;
  const luma = step === 3 && channels === 1;
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < height; y++) {
      const to = channel * area + (y + top) * size + left;
      let from = y * width * step + (step === 3 ? channel : 0);
      if (luma) {
        for (let x = 0; x < width; x++, from += 3) {
          planes[to + x] =
            (0.299 * samples[from] + 0.587 * samples[from + 1] + 0.114 * samples[from + 2]) * scale;
        }
      } else for (let x = 0; x < width; x++, from += step) planes[to + x] = samples[from] * scale;
    }
  }
  return planes;
}

interface SourcePixels {
  readonly samples: Uint8Array | Uint16Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly bits: 8 | 16;
}

async function readPixels(file: string): Promise<SourcePixels> {
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new DataError(
      'missing-image',
      `decodeImage: the image must be a readable file, got ${cause.code}; add it`,
      { file },
    );
  });
  if (bytes.length === 0) throw unreadable(file, 'an empty file');
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
  const samples = deep ? new Uint16Array(Uint8Array.from(data).buffer) : data;
  return { samples, width: across, height: down, channels, bits: deep ? 16 : 8 };
}

function unreadable(file: string, cause: unknown): DataError {
  const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
  return new DataError(
    'corrupt-image',
    `decodeImage: the file must be a whole image, got "${reason}"; replace it or skip bad rows`,
    { file },
  );
}
