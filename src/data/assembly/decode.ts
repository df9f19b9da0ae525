/**
 * AssemblyScript: rows of images as files hold them, resized, laid into planes and packed. Addresses are bytes; the
 * caller has checked that everything lies within memory, 64 bytes beyond each array included, since four samples are
 * read and written at a time.
 */

/** Four samples as floats. */
@inline
function four<T>(at: usize): v128 {
  if (isFloat<T>()) return v128.load(at);
  if (sizeof<T>() == 2) return f32x4.convert_i32x4_s(v128.load_ext<u16>(at));
  return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load_zero<u32>(at))));
}

/**
 * One output row before it is narrowed: the sum over input rows `pitch` bytes apart, each times its weight.
 * @param weights `stride` bytes apart
 */
@inline
function sumRows<T>(
  first: usize,
  pitch: usize,
  count: i32,
  weights: usize,
  stride: usize,
  samples: i32,
  sums: usize,
): void {
  for (let i = 0; i < samples; i += 16) {
    let s0 = f32x4.splat(0);
    let s1 = f32x4.splat(0);
    let s2 = f32x4.splat(0);
    let s3 = f32x4.splat(0);
    let at = first + <usize>i * sizeof<T>();
    let w = weights;
    for (let k = 0; k < count; k++, at += pitch, w += stride) {
      const weight = v128.load_splat<u32>(w);
      s0 = f32x4.add(s0, f32x4.mul(weight, four<T>(at)));
      s1 = f32x4.add(s1, f32x4.mul(weight, four<T>(at + 4 * sizeof<T>())));
      s2 = f32x4.add(s2, f32x4.mul(weight, four<T>(at + 8 * sizeof<T>())));
      s3 = f32x4.add(s3, f32x4.mul(weight, four<T>(at + 12 * sizeof<T>())));
    }
    const to = sums + (<usize>i << 2);
    v128.store(to, s0);
    v128.store(to, s1, 16);
    v128.store(to, s2, 32);
    v128.store(to, s3, 48);
  }
}

/** A row of sums to one of `width` pixels. */
function narrow(sums: usize, taps: usize, width: i32, count: i32, channels: i32, output: usize): void {
  const stride = <usize>width << 2;
  const pixel = <usize>channels << 2;
  let x = 0;
  if (channels == 1) {
    for (; x + 4 <= width; x += 4) {
      const four = taps + (<usize>x << 2);
      let a = sums + (<usize>load<i32>(four) << 2);
      let b = sums + (<usize>load<i32>(four, 4) << 2);
      let c = sums + (<usize>load<i32>(four, 8) << 2);
      let d = sums + (<usize>load<i32>(four, 12) << 2);
      let weights = four + stride;
      let sum = f32x4.splat(0);
      for (let k = 0; k < count; k++, weights += stride) {
        let value = v128.load_zero<u32>(a);
        value = v128.load_lane<u32>(b, value, 1);
        value = v128.load_lane<u32>(c, value, 2);
        value = v128.load_lane<u32>(d, value, 3);
        sum = f32x4.add(sum, f32x4.mul(v128.load(weights), value));
        a += 4;
        b += 4;
        c += 4;
        d += 4;
      }
      v128.store(output + (<usize>x << 2), sum);
    }
  } else if (channels == 3) {
    for (; x < width; x++) {
      let at = sums + <usize>load<i32>(taps + (<usize>x << 2)) * 12;
      let weights = taps + stride + (<usize>x << 2);
      // Red, green, blue and one more, which the next pixel writes over.
      let sum = f32x4.splat(0);
      for (let k = 0; k < count; k++, at += 12, weights += stride) {
        sum = f32x4.add(sum, f32x4.mul(v128.load_splat<u32>(weights), v128.load(at)));
      }
      v128.store(output + <usize>x * 12, sum);
    }
  }
  for (; x < width; x++) {
    const first = sums + <usize>load<i32>(taps + (<usize>x << 2)) * pixel;
    for (let c: usize = 0; c < pixel; c += 4) {
      let weights = taps + stride + (<usize>x << 2);
      let sum: f32 = 0;
      for (let k = 0, at = first + c; k < count; k++, at += pixel, weights += stride) {
        sum += load<f32>(weights) * load<f32>(at);
      }
      store<f32>(output + <usize>x * pixel + c, sum);
    }
  }
}

/**
 * Output rows y0 … y1 − 1.
 * @param bytes of an input sample: 1, 2, or 4 for f32
 * @param rows the first of the input rows held, its number `from`, `pitch` bytes apart
 * @param down, across filters: i32 first inputs, f32 weights [count, outputs]
 * @param samples per input row
 * @param sums room for one input row
 * @param output [height, width, channels]; row y0 first
 */
export function resize(
  bytes: i32,
  rows: usize,
  pitch: usize,
  from: i32,
  y0: i32,
  y1: i32,
  down: usize,
  height: i32,
  countDown: i32,
  across: usize,
  width: i32,
  countAcross: i32,
  channels: i32,
  samples: i32,
  sums: usize,
  output: usize,
): void {
  for (let y = y0; y < y1; y++) {
    const first = rows + <usize>(load<i32>(down + (<usize>y << 2)) - from) * pitch;
    const weights = down + (<usize>(height + y) << 2);
    const stride = <usize>height << 2;
    let count = countDown;
    while (count > 1 && load<f32>(weights + <usize>(count - 1) * stride) == 0) count--;
    if (bytes == 1) sumRows<u8>(first, pitch, count, weights, stride, samples, sums);
    else if (bytes == 2) sumRows<u16>(first, pitch, count, weights, stride, samples, sums);
    else sumRows<f32>(first, pitch, count, weights, stride, samples, sums);
    narrow(sums, across, width, countAcross, channels, output + (<usize>((y - y0) * width * channels) << 2));
  }
}

/** Interleaved rows of one channel into a plane with rows `stride` values apart, times `scale`. */
export function layGrey(
  from: usize,
  rows: i32,
  width: i32,
  plane: usize,
  stride: i32,
  scale: f32,
): void {
  for (let y = 0; y < rows; y++) {
    const row = plane + (<usize>(y * stride) << 2);
    for (let x = 0; x < width; x++, from += 4) store<f32>(row + (<usize>x << 2), load<f32>(from) * scale);
  }
}

/** Interleaved red, green and blue into three planes, `area` values apart. */
export function layColour(
  from: usize,
  rows: i32,
  width: i32,
  planes: usize,
  stride: i32,
  scale: f32,
  area: i32,
): void {
  const plane = <usize>area << 2;
  const by = f32x4.splat(scale);
  for (let y = 0; y < rows; y++) {
    const row = planes + (<usize>(y * stride) << 2);
    let x = 0;
    for (; x + 4 <= width; x += 4, from += 48) {
      // r g b r, g b r g, b r g b
      const v0 = f32x4.mul(v128.load(from), by);
      const v1 = f32x4.mul(v128.load(from, 16), by);
      const v2 = f32x4.mul(v128.load(from, 32), by);
      const to = row + (<usize>x << 2);
      v128.store(to, v128.shuffle<u32>(v128.shuffle<u32>(v0, v1, 0, 3, 6, 6), v2, 0, 1, 2, 5));
      v128.store(to + plane, v128.shuffle<u32>(v128.shuffle<u32>(v0, v1, 1, 4, 7, 7), v2, 0, 1, 2, 6));
      v128.store(to + 2 * plane, v128.shuffle<u32>(v128.shuffle<u32>(v0, v1, 2, 5, 5, 5), v2, 0, 1, 4, 7));
    }
    for (; x < width; x++, from += 12) {
      for (let c = 0; c < 3; c++) {
        store<f32>(row + plane * c + (<usize>x << 2), load<f32>(from + (c << 2)) * scale);
      }
    }
  }
}

/** Interleaved red, green and blue into one plane of ITU-R BT.601 luma. */
export function layLuma(
  from: usize,
  rows: i32,
  width: i32,
  plane: usize,
  stride: i32,
  scale: f32,
): void {
  for (let y = 0; y < rows; y++) {
    const row = plane + (<usize>(y * stride) << 2);
    for (let x = 0; x < width; x++, from += 12) {
      const luma = <f32>0.299 * load<f32>(from) + <f32>0.587 * load<f32>(from, 4) + <f32>0.114 * load<f32>(from, 8);
      store<f32>(row + (<usize>x << 2), luma * scale);
    }
  }
}

/** Values in [0, 1] as bytes, rounded. */
export function pack8(from: usize, to: usize, length: usize): void {
  for (let i: usize = 0; i < length; i += 8) {
    const low = levels(from + (i << 2), 255);
    const high = levels(from + (i << 2) + 16, 255);
    const narrow = i16x8.narrow_i32x4_u(low, high);
    v128.store_lane<u64>(to + i, i8x16.narrow_i16x8_u(narrow, narrow), 0);
  }
}

/** Values in [0, 1] as 16-bit numbers, rounded. */
export function pack16(from: usize, to: usize, length: usize): void {
  for (let i: usize = 0; i < length; i += 8) {
    const low = levels(from + (i << 2), 65535);
    const high = levels(from + (i << 2) + 16, 65535);
    v128.store(to + (i << 1), i16x8.narrow_i32x4_u(low, high));
  }
}

@inline
function levels(at: usize, most: f32): v128 {
  const scaled = f32x4.mul(v128.load(at), f32x4.splat(most));
  return i32x4.trunc_sat_f32x4_s(f32x4.add(scaled, f32x4.splat(0.5)));
}

/**
 * Undoes the filters of PNG rows in place [w3c2003png, 9].
 * @param raw rows of a filter byte and `stride` bytes
 * @param above the row before the first, without its filter byte; zeros for the first of an image
 * @param step bytes per pixel
 * @returns false when a row names an unknown filter
 */
export function unfilter(raw: usize, rows: i32, stride: usize, step: usize, above: usize): bool {
  for (let y = 0; y < rows; y++) {
    const filter = load<u8>(raw);
    const row = raw + 1;
    const end = row + stride;
    if (filter > 4) return false;
    if (filter == 1) {
      for (let at = row + step; at < end; at++) store<u8>(at, load<u8>(at) + load<u8>(at - step));
    } else if (filter == 2) {
      let at = row;
      let up = above;
      for (; at + 16 <= end; at += 16, up += 16) v128.store(at, i8x16.add(v128.load(at), v128.load(up)));
      for (; at < end; at++, up++) store<u8>(at, load<u8>(at) + load<u8>(up));
    } else if (filter == 3) {
      for (let at = row, up = above; at < end; at++, up++) {
        const left: u32 = at < row + step ? 0 : load<u8>(at - step);
        store<u8>(at, load<u8>(at) + <u8>((left + load<u8>(up)) >> 1));
      }
    } else if (filter == 4) {
      let at = row;
      let up = above;
      for (; at < row + step; at++, up++) store<u8>(at, load<u8>(at) + load<u8>(up));
      for (; at < end; at++, up++) {
        const a = <i32>load<u8>(at - step);
        const b = <i32>load<u8>(up);
        const c = <i32>load<u8>(up - step);
        const pa = abs(b - c);
        const pb = abs(a - c);
        const pc = abs(a + b - 2 * c);
        const nearest = select(a, select(b, c, pb <= pc), pa <= pb && pa <= pc);
        store<u8>(at, load<u8>(at) + <u8>nearest);
      }
    }
    above = row;
    raw = end;
  }
  return true;
}
