/** Numbers of IEEE 754's binary16: a sign, five bits of exponent, ten of mantissa. */

/** The largest one. */
export const largest = 65504;
/** The smallest one above zero. */
export const smallest = 2 ** -24;

/**
 * Bits of the numbers nearest to the given ones, ties to the even mantissa.
 * @param values any; from 65520 on they become infinite
 */
export function toFloat16(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, (value) => {
    const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
    return sign | magnitudeBits(Math.abs(value));
  });
}

function magnitudeBits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  if (value >= 65520) return 0x7c00;
  // Numbers of one exponent are 2^(exponent - 10) apart; below 2^-14 all are as far apart as there.
  const exponent = Math.max(-14, Math.floor(Math.log2(value)));
  const steps = roundToEven(value / 2 ** (exponent - 10));
  // 1024 steps are the next exponent, to which the carry of a rounding leads by itself.
  return (exponent + 14) * 1024 + steps;
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

/** Finite values brought to within what float16 holds as finite numbers and, unless they are zero, as others than zero. */
export function withinFloat16(values: Float32Array): Float32Array {
  return values.map((value) =>
    value === 0 || !Number.isFinite(value)
      ? value
      : Math.sign(value) * Math.min(largest, Math.max(smallest, Math.abs(value))),
  );
}
