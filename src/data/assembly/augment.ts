/**
 * AssemblyScript: sampling, tones and noise of planar images, four values at a time. Addresses are bytes; the caller
 * has checked that everything lies within memory. Without relaxed SIMD, so that every processor makes the same bits.
 */

/** Two neighbours each of four places, left ones to lanes 0, 2, 4, 6 of narrow integers: see `left` and `right`. */
// @ts-ignore: decorator
@inline
function pairs<T>(a: usize, b: usize, c: usize, d: usize): v128 {
  if (sizeof<T>() == 1) {
    let v = i32x4.splat(0);
    v = v128.load_lane<u16>(a, v, 0);
    v = v128.load_lane<u16>(b, v, 2);
    v = v128.load_lane<u16>(c, v, 4);
    return v128.load_lane<u16>(d, v, 6);
  }
  let v = v128.load_zero<u32>(a);
  v = v128.load_lane<u32>(b, v, 1);
  v = v128.load_lane<u32>(c, v, 2);
  return v128.load_lane<u32>(d, v, 3);
}

// @ts-ignore: decorator
@inline
function left<T>(pair: v128): v128 {
  return f32x4.convert_i32x4_s(v128.and(pair, i32x4.splat(sizeof<T>() == 1 ? 0xff : 0xffff)));
}

// @ts-ignore: decorator
@inline
function right<T>(pair: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.shr_u(pair, sizeof<T>() == 1 ? 8 : 16));
}

/** The two lower lanes of both, as floats. */
// @ts-ignore: decorator
@inline
function joined(low: v128, high: v128): v128 {
  return v128.shuffle<u64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
}

// @ts-ignore: decorator
@inline
function clamped(value: v128, last: v128): v128 {
  return f64x2.pmin(f64x2.pmax(value, f64x2.splat(0)), last);
}

/** max(0, 1 − |value − nearest|), the share of a pixel's width that lies within the image. */
// @ts-ignore: decorator
@inline
function inside(value: v128, nearest: v128): v128 {
  return f64x2.pmax(f64x2.sub(f64x2.splat(1), f64x2.abs(f64x2.sub(value, nearest))), f64x2.splat(0));
}

/**
 * Bilinear samples of a similarity, in float64 up to the place, in float32 from there on.
 * @param cosX, sinX, cosY, sinY what a step along x and y adds to the place in the source:
 *   (cosX dx + sinX dy, cosY dy − sinY dx) from the centre, dx and dy less the shift
 * @param black fade out to `outside` over one pixel instead of repeating the edge
 * @param scale of stored samples
 */
// @ts-ignore: decorator
@inline
function warp<T>(
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
  scale: f32,
): void {
  const lastX = <f64>(width - 1);
  const lastY = <f64>(height - 1);
  const centreX = lastX / 2;
  const centreY = lastY / 2;
  const mostLeft = f64x2.splat(max(0, width - 2));
  const mostTop = f64x2.splat(max(0, height - 2));
  const limitX = f64x2.splat(lastX);
  const limitY = f64x2.splat(lastY);
  const across = f64x2.splat(width);
  // The low half of 2^52 plus a whole number is that number as an integer.
  const toInteger = f64x2.splat(4503599627370496);
  const area = <usize>height * width;
  // An image one pixel high is its own neighbour below; one that is one pixel wide has a right one of weight 0.
  const below = (height > 1 ? width : 0) * sizeof<T>();
  for (let y = 0; y < height; y++) {
    const dy = <f64>y - centreY - shiftY;
    const rowX = f64x2.splat(sinX * dy);
    const rowY = f64x2.splat(cosY * dy);
    for (let x = 0; x < width; x += 4) {
      const dx = <f64>x - centreX - shiftX;
      const dx0 = f64x2.replace_lane(f64x2.splat(dx), 1, dx + 1);
      const dx1 = f64x2.add(dx0, f64x2.splat(2));
      const x0 = f64x2.add(f64x2.add(f64x2.mul(f64x2.splat(cosX), dx0), rowX), f64x2.splat(centreX));
      const x1 = f64x2.add(f64x2.add(f64x2.mul(f64x2.splat(cosX), dx1), rowX), f64x2.splat(centreX));
      const y0 = f64x2.add(f64x2.sub(rowY, f64x2.mul(f64x2.splat(sinY), dx0)), f64x2.splat(centreY));
      const y1 = f64x2.add(f64x2.sub(rowY, f64x2.mul(f64x2.splat(sinY), dx1)), f64x2.splat(centreY));
      const nearX0 = clamped(x0, limitX);
      const nearX1 = clamped(x1, limitX);
      const nearY0 = clamped(y0, limitY);
      const nearY1 = clamped(y1, limitY);
      const left0 = f64x2.pmin(f64x2.floor(nearX0), mostLeft);
      const left1 = f64x2.pmin(f64x2.floor(nearX1), mostLeft);
      const top0 = f64x2.pmin(f64x2.floor(nearY0), mostTop);
      const top1 = f64x2.pmin(f64x2.floor(nearY1), mostTop);
      const fractionX = joined(f64x2.sub(nearX0, left0), f64x2.sub(nearX1, left1));
      const fractionY = joined(f64x2.sub(nearY0, top0), f64x2.sub(nearY1, top1));
      const bases0 = f64x2.add(f64x2.add(f64x2.mul(top0, across), left0), toInteger);
      const bases1 = f64x2.add(f64x2.add(f64x2.mul(top1, across), left1), toInteger);
      let a = source + <usize>i32x4.extract_lane(bases0, 0) * sizeof<T>();
      let b = source + <usize>i32x4.extract_lane(bases0, 2) * sizeof<T>();
      let c = source + <usize>i32x4.extract_lane(bases1, 0) * sizeof<T>();
      let d = source + <usize>i32x4.extract_lane(bases1, 2) * sizeof<T>();
      const coverage = black
        ? joined(
            f64x2.mul(inside(x0, nearX0), inside(y0, nearY0)),
            f64x2.mul(inside(x1, nearX1), inside(y1, nearY1)),
          )
        : f32x4.splat(1);
      let to = output + ((<usize>y * width + x) << 2);
      for (let channel = 0; channel < channels; channel++) {
        const above = pairs<T>(a, b, c, d);
        const under = pairs<T>(a + below, b + below, c + below, d + below);
        const upperLeft = left<T>(above);
        const lowerLeft = left<T>(under);
        const upper = f32x4.add(upperLeft, f32x4.mul(fractionX, f32x4.sub(right<T>(above), upperLeft)));
        const lower = f32x4.add(lowerLeft, f32x4.mul(fractionX, f32x4.sub(right<T>(under), lowerLeft)));
        let value = f32x4.add(upper, f32x4.mul(fractionY, f32x4.sub(lower, upper)));
        value = f32x4.mul(value, f32x4.splat(scale));
        if (black) {
          const around = f32x4.splat(outside);
          value = f32x4.add(around, f32x4.mul(coverage, f32x4.sub(value, around)));
        }
        if (x + 4 <= width) v128.store(to, value);
        else {
          v128.store_lane<f32>(to, value, 0);
          if (x + 1 < width) v128.store_lane<f32>(to, value, 1, 4);
          if (x + 2 < width) v128.store_lane<f32>(to, value, 2, 8);
        }
        const step = area * sizeof<T>();
        a += step;
        b += step;
        c += step;
        d += step;
        to += area << 2;
      }
    }
  }
}

export function warp8(
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
): void {
  const scale: f32 = 1.0 / 255;
  if (black) warp<u8>(source, output, channels, height, width, cosX, sinX, cosY, sinY, shiftX, shiftY, true, outside, scale);
  else warp<u8>(source, output, channels, height, width, cosX, sinX, cosY, sinY, shiftX, shiftY, false, outside, scale);
}

export function warp16(
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
): void {
  const scale: f32 = 1.0 / 65535;
  if (black) warp<u16>(source, output, channels, height, width, cosX, sinX, cosY, sinY, shiftX, shiftY, true, outside, scale);
  else warp<u16>(source, output, channels, height, width, cosX, sinX, cosY, sinY, shiftX, shiftY, false, outside, scale);
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

// @ts-ignore: decorator
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
