/**
 * The loops over pixels, in WebAssembly with SIMD (`assembly/`): one instance per thread, whose memory is scratch. Whoever
 * calls lays out what it needs anew and copies its result out before it returns, so that nobody meets another's
 * values. WebAssembly computes the same bits on every machine. No Node, so it runs in a browser as it is.
 */
import { kernelBytes } from './kernelBytes.js';

/** Places and lengths are addresses and counts of values; see `assembly/` for what each does. */
export interface Kernels {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  readonly warp: Warp;
  unpack8(source: number, output: number, length: number): void;
  unpack16(source: number, output: number, length: number): void;
  sum(image: number, length: number): number;
  tone(image: number, length: number, factor: number, added: number, mean: number, scale: number): void;
  saturate(image: number, area: number, factor: number): void;
  power(image: number, length: number, table: number, steps: number): void;
  noise(image: number, length: number, factor: number, state: number): void;
  readonly resize: Resize;
  layGrey(from: number, rows: number, width: number, plane: number, stride: number, scale: number): void;
  layLuma(from: number, rows: number, width: number, plane: number, stride: number, scale: number): void;
  layColour(
    from: number,
    rows: number,
    width: number,
    planes: number,
    stride: number,
    scale: number,
    area: number,
  ): void;
  pack8(from: number, to: number, length: number): void;
  pack16(from: number, to: number, length: number): void;
  /** @returns 0 when a row names an unknown filter */
  unfilter(raw: number, rows: number, stride: number, step: number, above: number): number;
}

type Warp = (
  bytes: number,
  source: number,
  output: number,
  channels: number,
  height: number,
  width: number,
  cosX: number,
  sinX: number,
  cosY: number,
  sinY: number,
  shiftX: number,
  shiftY: number,
  black: boolean,
  outside: number,
  plan: number,
) => number;

type Resize = (
  bytes: number,
  rows: number,
  pitch: number,
  from: number,
  y0: number,
  y1: number,
  down: number,
  height: number,
  countDown: number,
  across: number,
  width: number,
  countAcross: number,
  channels: number,
  samples: number,
  sums: number,
  output: number,
) => void;

// TypeScript's own types of it come with those of browsers, which Node's do not go with.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

const module = new WebAssembly.Module(Uint8Array.from(atob(kernelBytes), (letter) => letter.charCodeAt(0)));
export const kernels = new WebAssembly.Instance(module).exports as Kernels;

/** Kernels read and write up to this many bytes beyond an array. */
const margin = 64;

/**
 * Addresses of arrays of so many bytes each, aligned for any kind of number. What earlier calls laid out is void, and so are
 * views of the memory, since it may have grown.
 * @throws RangeError beyond the 4 GiB that WebAssembly can address
 */
export function layOut(...bytes: readonly number[]): number[] {
  let end = margin;
  const places = bytes.map((length) => {
    const place = end;
    end = Math.ceil((place + length + margin) / margin) * margin;
    return place;
  });
  const missing = end - kernels.memory.buffer.byteLength;
  if (missing > 0) kernels.memory.grow(Math.ceil(missing / 65536));
  return places;
}

/** Views of the memory, valid until the next `layOut`. */
export function bytesAt(place: number, length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(kernels.memory.buffer, place, length);
}

export function floatsAt(place: number, length: number): Float32Array<ArrayBuffer> {
  return new Float32Array(kernels.memory.buffer, place, length);
}
