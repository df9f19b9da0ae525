/**
 * Antialiased resizing: a triangle filter as wide as the reduction, the rule of PIL and of PyTorch's
 * `interpolate(mode="bilinear", antialias=True)`. Enlarging, it is bilinear interpolation with pixel centres at
 * half-integers. Values stay within the range of the input.
 */
import { floatsAt, kernels, layOut } from './kernels.js';

/** Interleaved pixels as bytes, row by row. */
export interface PixelRows {
  readonly bytes: Uint8Array;
  readonly samples: 'u8' | 'u16' | 'f32';
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** True when every row is one of a PNG file: filtered, after a byte that names its filter. */
  readonly filtered: boolean;
}

/** Output rows y0 … y1 − 1 lie at `rows`, [y1 − y0, width, channels]; `room` as asked for. */
type OnBand = (rows: number, y0: number, y1: number, room: readonly number[]) => void;

/** What a band holds at most, bytes: of a large image only a part is in the kernels' memory at a time. */
const bandBytes = 2 ** 20;

const bytesPerSample = { u8: 1, u16: 2, f32: 4 } as const;

/** Weights of a separable filter along one axis: output i sums `count` inputs from `start[i]` on. */
interface Taps {
  /** `start` and then the weights, [count, to], as the kernels take them. */
  readonly bytes: Uint8Array;
  readonly start: Int32Array;
  readonly count: number;
}

function taps(from: number, to: number): Taps {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const firstOf = (i: number) => Math.max(0, Math.floor((i + 0.5) * scale - support + 0.5));
  const endOf = (i: number) => Math.min(from, Math.floor((i + 0.5) * scale + support + 0.5));
  // The same for all outputs, some weights being 0: loops of one length are the faster ones.
  let count = 0;
  for (let i = 0; i < to; i++) count = Math.max(count, endOf(i) - firstOf(i));
  const bytes = new Uint8Array(4 * to * (1 + count));
  const start = new Int32Array(bytes.buffer, 0, to);
  const weights = new Float32Array(bytes.buffer, 4 * to);
  const row = new Float64Array(count);
  for (let i = 0; i < to; i++) {
    start[i] = Math.min(firstOf(i), from - count);
    let sum = 0;
    for (let k = 0; k < count; k++) {
      row[k] = Math.max(0, 1 - Math.abs(start[i] + k + 0.5 - (i + 0.5) * scale) / support);
      sum += row[k];
    }
    for (let k = 0; k < count; k++) weights[k * to + i] = row[k] / sum;
  }
  return { bytes, start, count };
}

/**
 * Resizes in the kernels' memory, some rows at a time.
 * @param room bytes that the caller needs there
 */
export function resizeRows(
  source: PixelRows,
  [toHeight, toWidth]: readonly [number, number],
  room: readonly number[],
  onBand: OnBand,
): void {
  const { bytes, width, height, channels, filtered } = source;
  const sample = bytesPerSample[source.samples];
  const lead = filtered ? 1 : 0;
  const pitch = width * channels * sample + lead;
  const [down, across] = [taps(height, toHeight), taps(width, toWidth)];
  const endOf = (y: number) => down.start[y] + down.count;
  const rowBytes = 4 * toWidth * channels;
  const mostIn = Math.min(height, Math.max(down.count, Math.floor(bandBytes / pitch)));
  const mostOut = Math.min(toHeight, Math.max(1, Math.floor(bandBytes / rowBytes)));
  const places = layOut(
    ...[mostIn * pitch, pitch, down.bytes.length, across.bytes.length],
    ...[4 * width * channels, mostOut * rowBytes, ...room],
  );
  const [window, above, downTaps, acrossTaps, sums, band, ...rooms] = places;
  const memory = new Uint8Array(kernels.memory.buffer);
  memory.set(down.bytes, downTaps);
  memory.set(across.bytes, acrossTaps);
  memory.fill(0, above, above + pitch);
  // The window holds the rows from `from` to `end`; the next one begins among them or right behind.
  let [from, end] = [0, 0];
  for (let y0 = 0, y1 = 0; y0 < toHeight; y0 = y1) {
    const first = down.start[y0];
    for (y1 = y0 + 1; y1 < toHeight && y1 - y0 < mostOut && endOf(y1) - first <= mostIn; ) y1++;
    memory.copyWithin(window, window + (first - from) * pitch, window + (end - from) * pitch);
    from = first;
    const last = endOf(y1 - 1);
    const fresh = window + (end - from) * pitch;
    memory.set(bytes.subarray(end * pitch, last * pitch), fresh);
    if (filtered) {
      kernels.unfilter(fresh, last - end, pitch - 1, channels * sample, above);
      const lastRow = window + (last - 1 - from) * pitch;
      memory.copyWithin(above, lastRow + 1, lastRow + pitch);
    }
    end = last;
    kernels.resize(
      sample,
      ...([window + lead, pitch, from, y0, y1] as const),
      ...([downTaps, toHeight, down.count, acrossTaps, toWidth, across.count] as const),
      ...([channels, width * channels, sums, band] as const),
    );
    onBand(band, y0, y1, rooms);
  }
}

/**
 * Resizes interleaved pixels.
 * @param pixels [height, width, channels]
 * @returns [toHeight, toWidth, channels], in the unit of the input
 */
export function resizePixels(
  pixels: Uint8Array | Uint16Array | Float32Array,
  [height, width, channels]: readonly [number, number, number],
  to: readonly [number, number],
): Float32Array {
  const bytes = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  const samples = pixels instanceof Float32Array ? 'f32' : pixels instanceof Uint16Array ? 'u16' : 'u8';
  const rowLength = to[1] * channels;
  const out = new Float32Array(to[0] * rowLength);
  resizeRows({ bytes, samples, width, height, channels, filtered: false }, to, [], (rows, y0, y1) => {
    out.set(floatsAt(rows, (y1 - y0) * rowLength), y0 * rowLength);
  });
  return out;
}
