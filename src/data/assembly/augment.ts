/**
 * AssemblyScript: sampling, tones and noise of planar images, four values at a time. Addresses are bytes; the caller
 * has checked that everything lies within memory. Without relaxed SIMD, so that every processor makes the same bits.
 */

/** One place in fixed point, 16 bits of which are fractions of a pixel: the low half of 1.5 · 2^52 plus a whole number. */
@inline
function fixed(place: f64): i32 {
  return <i32>reinterpret<i64>(place * 65536 + 6755399441055744);
}

/** Four places, `step` apart, less the first. */
@inline
function fixedSteps(step: f64): v128 {
  const second = i32x4.replace_lane(i32x4.splat(0), 1, fixed(step));
  return i32x4.replace_lane(i32x4.replace_lane(second, 2, fixed(2 * step)), 3, fixed(3 * step));
}

@inline
function fraction(value: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(value), f32x4.splat(1.0 / 65536));
}

/** max(0, 1 − |place − nearest|), the share of a pixel's width that lies within the image. */
@inline
function inside(place: v128, nearest: v128): v128 {
  const distance = fraction(i32x4.abs(i32x4.sub(place, nearest)));
  return f32x4.pmax(f32x4.sub(f32x4.splat(1), distance), f32x4.splat(0));
}

/**
 * How the samples of one row are made, the same for all channels: for each four of them, whose places in the source are
 * neighbours, one `step` of these. Kept in memory, so that the loop over a channel fits into the processor's registers.
 */
const planWeights: usize = 0; // of left and right: −(32768 − q) and −q, 16 bits each, q in 32768ths of a pixel
const planDown: usize = 16; // share of the row below
const planCover: usize = 32; // share of the pixel that lies within the image
const planOffsets: usize = 48; // byte offsets in the plane: of the four; where they are close, of two or three rows
const planPicks: usize = 64; // where they are close: which bytes of those rows
const planStep: usize = 80;

/**
 * Plans a row of `width` samples.
 * @param firstX, firstY place of the first sample
 * @param stepX, stepY from one to the next
 * @param below bytes from one row of the source to the next
 */
@inline
function planRow<T>(
  plan: usize,
  height: i32,
  width: i32,
  firstX: f64,
  firstY: f64,
  stepX: f64,
  stepY: f64,
  below: i32,
  black: bool,
  close: bool,
): void {
  const stepsX = fixedSteps(stepX);
  const stepsY = fixedSteps(stepY);
  const lastX = i32x4.splat((width - 1) << 16);
  const lastY = i32x4.splat((height - 1) << 16);
  const mostLeft = i32x4.splat(max(0, width - 2));
  const mostTop = i32x4.splat(max(0, height - 2));
  const nil = i32x4.splat(0);
  const pitch = i32x4.splat(width);
  const next = i32x4.splat(below);
  // x and y side by side, as `fixed` has them.
  let first = f64x2(65536 * firstX, 65536 * firstY);
  const four = f64x2(4 * 65536 * stepX, 4 * 65536 * stepY);
  for (let x = 0; x < width; x += 4, plan += planStep) {
    const whole = f64x2.add(first, f64x2.splat(6755399441055744));
    first = f64x2.add(first, four);
    const placeX = i32x4.add(v128.shuffle<i32>(whole, whole, 0, 0, 0, 0), stepsX);
    const placeY = i32x4.add(v128.shuffle<i32>(whole, whole, 2, 2, 2, 2), stepsY);
    const nearX = i32x4.min_s(i32x4.max_s(placeX, nil), lastX);
    const nearY = i32x4.min_s(i32x4.max_s(placeY, nil), lastY);
    const left = i32x4.min_s(i32x4.shr_u(nearX, 16), mostLeft);
    const top = i32x4.min_s(i32x4.shr_u(nearY, 16), mostTop);
    // −(32768 − q) as 16 bits is q with its highest bit turned.
    const q = i32x4.shr_u(i32x4.sub(nearX, i32x4.shl(left, 16)), 1);
    v128.store(plan, i32x4.sub(v128.xor(q, i32x4.splat(0x8000)), i32x4.shl(q, 16)), planWeights);
    v128.store(plan, fraction(i32x4.sub(nearY, i32x4.shl(top, 16))), planDown);
    if (black) v128.store(plan, f32x4.mul(inside(placeX, nearX), inside(placeY, nearY)), planCover);
    if (close) {
      // They begin at one end of the four, whichever way the line runs. A third row is read only if there is one.
      const firstLeft = leastEnd(left);
      const firstTop = leastEnd(top);
      const offset = i32x4.add(i32x4.dot_i16x8_s(firstTop, pitch), firstLeft);
      const last = i32x4.add(offset, i32x4.add(next, v128.and(next, i32x4.lt_s(firstTop, mostTop))));
      v128.store_lane<u64>(plan, v128.shuffle<i32>(offset, last, 0, 4, 0, 4), 0, planOffsets);
      // The left one lies here among eight bytes of the first row and eight of the next; 0x80 picks a nought.
      const byte = i32x4.add(i32x4.sub(left, firstLeft), i32x4.shl(i32x4.sub(top, firstTop), 3));
      v128.store(plan, i32x4.add(v128.or(byte, i32x4.shl(byte, 16)), i32x4.splat(0x80018000)), planPicks);
    } else {
      const offsets = i32x4.add(i32x4.dot_i16x8_s(top, pitch), left);
      v128.store(plan, sizeof<T>() == 2 ? i32x4.shl(offsets, 1) : offsets, planOffsets);
    }
  }
}

/** The lesser of the first and the last of four, four times. */
@inline
function leastEnd(four: v128): v128 {
  return i32x4.min_s(v128.shuffle<i32>(four, four, 0, 0, 0, 0), v128.shuffle<i32>(four, four, 3, 3, 3, 3));
}

/** Whether four neighbours begin in at most two rows, and end seven columns from the first at most. */
@inline
function areClose(stepX: f64, stepY: f64): bool {
  return abs(fixed(3 * stepX)) <= 6 << 16 && abs(fixed(3 * stepY)) <= 1 << 16;
}

/** Eight bytes each of two rows. */
@inline
function rows(a: usize, b: usize): v128 {
  return v128.shuffle<u64>(v128.load_zero<u64>(a), v128.load_zero<u64>(b), 0, 2);
}

/** Two neighbours each of four places as 16-bit integers; those of 16 bits less 32768. */
@inline
function pairs<T>(a: usize, b: usize, c: usize, d: usize): v128 {
  if (sizeof<T>() == 1) {
    let v = v128.load_zero<u32>(a);
    v = v128.load_lane<u16>(b, v, 1);
    v = v128.load_lane<u16>(c, v, 2);
    v = v128.load_lane<u16>(d, v, 3);
    return i16x8.extend_low_i8x16_u(v);
  }
  let v = v128.load_zero<u32>(a);
  v = v128.load_lane<u32>(b, v, 1);
  v = v128.load_lane<u32>(c, v, 2);
  v = v128.load_lane<u32>(d, v, 3);
  return v128.xor(v, i16x8.splat(-32768));
}

/** Four samples of a plane, as planned. */
@inline
function sampled<T>(plan: usize, plane: usize, below: i32, black: bool, outside: v128, scale: v128, close: bool): v128 {
  const weights = v128.load(plan, planWeights);
  let above: v128;
  let under: v128;
  const a = plane + load<u32>(plan, planOffsets);
  const b = plane + load<u32>(plan, planOffsets + 4);
  if (close) {
    const picks = v128.load(plan, planPicks);
    above = i8x16.swizzle(rows(a, a + below), picks);
    under = i8x16.swizzle(rows(a + below, b), picks);
  } else {
    const c = plane + load<u32>(plan, planOffsets + 8);
    const d = plane + load<u32>(plan, planOffsets + 12);
    above = pairs<T>(a, b, c, d);
    under = pairs<T>(a + below, b + below, c + below, d + below);
  }
  const upper = f32x4.convert_i32x4_s(i32x4.dot_i16x8_s(above, weights));
  const lower = f32x4.convert_i32x4_s(i32x4.dot_i16x8_s(under, weights));
  let value = f32x4.add(upper, f32x4.mul(v128.load(plan, planDown), f32x4.sub(lower, upper)));
  value = f32x4.mul(value, scale);
  if (sizeof<T>() == 2) value = f32x4.add(value, f32x4.splat(32768.0 / 65535));
  if (!black) return value;
  return f32x4.add(outside, f32x4.mul(v128.load(plan, planCover), f32x4.sub(value, outside)));
}

/**
 * Bilinear samples of a similarity; their places to 1/65536 pixel, as fine as PyTorch's in float32.
 * @param cosX, sinX, cosY, sinY what a step along x and y adds to the place in the source:
 *   (cosX dx + sinX dy, cosY dy − sinY dx) from the centre, dx and dy less the shift
 * @param black fade out to `outside` over one pixel instead of repeating the edge
 * @param plan room for `planStep` bytes per four columns
 * @param close see `areClose`
 * @returns the sum of the values
 */
@inline
function warpOf<T>(
  source: usize,
  output: usize,
  channels: i32,
  height: i32,
  width: i32,
  cosX: f64,
  sinX: f64,
  cosY: f64,
  sinY: f64,
  shiftX: f64,
  shiftY: f64,
  black: bool,
  outside: f32,
  plan: usize,
  close: bool,
): f64 {
  let total: f64 = 0;
  const centreX = <f64>(width - 1) / 2;
  const centreY = <f64>(height - 1) / 2;
  const area = <usize>height * width;
  const around = f32x4.splat(outside);
  const scale = f32x4.splat(sizeof<T>() == 1 ? -1.0 / (255 * 32768) : -1.0 / (65535 * 32768.0));
  // An image one pixel high is its own neighbour below; one that is one pixel wide has a right one of weight 0.
  const below = (height > 1 ? width : 0) * sizeof<T>();
  for (let y = 0; y < height; y++) {
    const dx = -centreX - shiftX;
    const dy = <f64>y - centreY - shiftY;
    const firstX = cosX * dx + sinX * dy + centreX;
    const firstY = cosY * dy - sinY * dx + centreY;
    planRow<T>(plan, height, width, firstX, firstY, cosX, -sinY, below, black, close);
    let rowTotal = f32x4.splat(0);
    for (let channel = 0; channel < channels; channel++) {
      const plane = source + area * channel * sizeof<T>();
      let to = output + ((area * channel + <usize>y * width) << 2);
      const end = to + (width << 2);
      let at = plan;
      for (; to + 16 <= end; to += 16, at += planStep) {
        const value = sampled<T>(at, plane, below, black, around, scale, close);
        v128.store(to, value);
        rowTotal = f32x4.add(rowTotal, value);
      }
      if (to < end) {
        // The last one to three of a row.
        const left = <i32>(end - to) >> 2;
        let value = sampled<T>(at, plane, below, black, around, scale, close);
        value = v128.and(value, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(left)));
        v128.store_lane<f32>(to, value, 0);
        if (left > 1) v128.store_lane<f32>(to, value, 1, 4);
        if (left > 2) v128.store_lane<f32>(to, value, 2, 8);
        rowTotal = f32x4.add(rowTotal, value);
      }
    }
    const high = v128.shuffle<u64>(rowTotal, rowTotal, 1, 0);
    const two = f64x2.add(f64x2.promote_low_f32x4(rowTotal), f64x2.promote_low_f32x4(high));
    total += f64x2.extract_lane(two, 0) + f64x2.extract_lane(two, 1);
  }
  return total;
}

/** `warpOf` for samples of so many bytes. */
export function warp(
  bytes: i32,
  source: usize,
  output: usize,
  channels: i32,
  height: i32,
  width: i32,
  cosX: f64,
  sinX: f64,
  cosY: f64,
  sinY: f64,
  shiftX: f64,
  shiftY: f64,
  black: bool,
  outside: f32,
  plan: usize,
): f64 {
  // Constants where they are known, since each call is compiled for its own.
  if (bytes == 2) {
    if (black) return warpOf<u16>(source, output, channels, height, width, cosX, sinX, cosY, sinY, shiftX, shiftY, true, outside, plan, false);
    return warpOf<u16>(source, output, channels, height, width, cosX, sinX, cosY, sinY, shiftX, shiftY, false, outside, plan, false);
  }
  if (areClose(cosX, -sinY)) {
    if (black) return warpOf<u8>(source, output, channels, height, width, cosX, sinX, cosY, sinY, shiftX, shiftY, true, outside, plan, true);
    return warpOf<u8>(source, output, channels, height, width, cosX, sinX, cosY, sinY, shiftX, shiftY, false, outside, plan, true);
  }
  if (black) return warpOf<u8>(source, output, channels, height, width, cosX, sinX, cosY, sinY, shiftX, shiftY, true, outside, plan, false);
  return warpOf<u8>(source, output, channels, height, width, cosX, sinX, cosY, sinY, shiftX, shiftY, false, outside, plan, false);
}

/** Stored samples as floats in [0, 1]. Writes and reads up to 15 bytes beyond the end, as all below. */
export function unpack8(source: usize, output: usize, length: usize): void {
  for (let i: usize = 0; i < length; i += 4) {
    const narrow = v128.load_zero<u32>(source + i);
    const wide = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(narrow));
    v128.store(output + (i << 2), f32x4.div(f32x4.convert_i32x4_s(wide), f32x4.splat(255)));
  }
}

export function unpack16(source: usize, output: usize, length: usize): void {
  for (let i: usize = 0; i < length; i += 4) {
    const wide = v128.load_ext<u16>(source + (i << 1));
    v128.store(output + (i << 2), f32x4.div(f32x4.convert_i32x4_s(wide), f32x4.splat(65535)));
  }
}

export function sum(image: usize, length: usize): f64 {
  let total = f64x2.splat(0);
  const end = image + (length << 2);
  let at = image;
  for (; at + 16 <= end; at += 16) {
    const four = v128.load(at);
    const high = v128.shuffle<u64>(four, four, 1, 0);
    total = f64x2.add(total, f64x2.add(f64x2.promote_low_f32x4(four), f64x2.promote_low_f32x4(high)));
  }
  let rest = f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
  for (; at < end; at += 4) rest += <f64>load<f32>(at);
  return rest;
}

@inline
function unit(value: v128): v128 {
  return f32x4.pmin(f32x4.pmax(value, f32x4.splat(0)), f32x4.splat(1));
}

/** (clamp(factor · v + added) − mean) · scale, in place. */
export function tone(image: usize, length: usize, factor: f32, added: f32, mean: f32, scale: f32): void {
  const end = image + (length << 2);
  let at = image;
  for (; at + 16 <= end; at += 16) {
    const value = unit(f32x4.add(f32x4.mul(v128.load(at), f32x4.splat(factor)), f32x4.splat(added)));
    v128.store(at, f32x4.mul(f32x4.sub(value, f32x4.splat(mean)), f32x4.splat(scale)));
  }
  for (; at < end; at += 4) {
    const value = min<f32>(max<f32>(factor * load<f32>(at) + added, 0), 1);
    store<f32>(at, (value - mean) * scale);
  }
}

/** Three planes of `area`: grey + factor · (v − grey), clamped, in place. */
export function saturate(image: usize, area: usize, factor: f32): void {
  const plane = area << 2;
  let at = image;
  const end = image + plane;
  for (; at + 16 <= end; at += 16) {
    const red = v128.load(at);
    const green = v128.load(at + plane);
    const blue = v128.load(at + 2 * plane);
    const grey = f32x4.add(
      f32x4.add(f32x4.mul(red, f32x4.splat(0.299)), f32x4.mul(green, f32x4.splat(0.587))),
      f32x4.mul(blue, f32x4.splat(0.114)),
    );
    const by = f32x4.splat(factor);
    v128.store(at, unit(f32x4.add(grey, f32x4.mul(by, f32x4.sub(red, grey)))));
    v128.store(at + plane, unit(f32x4.add(grey, f32x4.mul(by, f32x4.sub(green, grey)))));
    v128.store(at + 2 * plane, unit(f32x4.add(grey, f32x4.mul(by, f32x4.sub(blue, grey)))));
  }
  for (; at < end; at += 4) {
    const grey: f32 =
      0.299 * load<f32>(at) + 0.587 * load<f32>(at + plane) + 0.114 * load<f32>(at + 2 * plane);
    for (let value = at; value <= at + 2 * plane; value += plane) {
      store<f32>(value, min<f32>(max<f32>(grey + factor * (load<f32>(value) - grey), 0), 1));
    }
  }
}

/**
 * v ** exponent in place, linear between the entries of a table over the fourth root of v, which is smooth down to 0.
 * @param table [steps + 2]: (i / steps) ** (4 · exponent)
 */
export function power(image: usize, length: usize, table: usize, steps: f32): void {
  for (let at = image; at < image + (length << 2); at += 16) {
    const place = f32x4.mul(f32x4.sqrt(f32x4.sqrt(unit(v128.load(at)))), f32x4.splat(steps));
    const step = i32x4.trunc_sat_f32x4_s(place);
    let even = v128.load_zero<u64>(table + (<usize>i32x4.extract_lane(step, 0) << 2));
    even = v128.load_lane<u64>(table + (<usize>i32x4.extract_lane(step, 1) << 2), even, 1);
    let odd = v128.load_zero<u64>(table + (<usize>i32x4.extract_lane(step, 2) << 2));
    odd = v128.load_lane<u64>(table + (<usize>i32x4.extract_lane(step, 3) << 2), odd, 1);
    const from = v128.shuffle<u32>(even, odd, 0, 2, 4, 6);
    const to = v128.shuffle<u32>(even, odd, 1, 3, 5, 7);
    const fraction = f32x4.sub(place, f32x4.convert_i32x4_s(step));
    v128.store(at, f32x4.add(from, f32x4.mul(fraction, f32x4.sub(to, from))));
  }
}

/**
 * Adds the sum of four uniform bytes, centred and scaled: one draw of xoshiro128** per value, and near enough to normal.
 * @param state four words, which the draws move on
 */
export function noise(image: usize, length: usize, factor: f32, state: usize): void {
  let a = load<u32>(state);
  let b = load<u32>(state, 4);
  let c = load<u32>(state, 8);
  let d = load<u32>(state, 12);
  for (let at = image; at < image + (length << 2); at += 4) {
    const bits = rotl<u32>(b * 5, 7) * 9;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotl<u32>(d, 11);
    const bytes: u32 = (bits & 255) + ((bits >> 8) & 255) + ((bits >> 16) & 255) + (bits >> 24);
    const value = load<f32>(at) + factor * <f32>(<i32>bytes - 510);
    store<f32>(at, min<f32>(max<f32>(value, 0), 1));
  }
  store<u32>(state, a);
  store<u32>(state, b, 4);
  store<u32>(state, c, 8);
  store<u32>(state, d, 12);
}
