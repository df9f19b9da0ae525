/** Conversion to float16 against a literal reading of its 65,536 bit patterns. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toFloat16, withinFloat16 } from '../../src/graph/float16.js';
import * as g from '../../src/graph/index.js';
import { randomStream } from '../../src/random/index.js';
import { evaluate, Runtime } from '../../src/runtime/index.js';
import { rounded } from './roundedHalf.js';

/** The number that 16 bits stand for, IEEE 754-2019, 3.4. */
function numberOf(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? (sign * mantissa) / 2 ** 24 : sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

const finite = Array.from({ length: 0x7c00 }, (_, bits) => bits);

test('every number of float16 becomes its own bits', () => {
  for (const sign of [0, 0x8000]) {
    const bits = [...finite, 0x7c00].map((magnitude) => magnitude | sign);
    assert.deepEqual([...toFloat16(Float32Array.from(bits, numberOf))], bits);
  }
  assert.ok(Number.isNaN(numberOf(toFloat16(Float32Array.of(Number.NaN))[0])));
});

test('between two numbers the nearer one wins, and of two as near the even one', () => {
  const [below, middle, above] = [1 / 4, 1 / 2, 3 / 4].map((share) =>
    toFloat16(
      Float32Array.from(finite, (bits) => {
        const next = bits === 0x7bff ? 65536 : numberOf(bits + 1);
        return numberOf(bits) * (1 - share) + next * share;
      }),
    ),
  );
  assert.deepEqual([...below], finite);
  assert.deepEqual(
    [...middle],
    finite.map((bits) => bits + (bits % 2)),
  );
  assert.deepEqual(
    [...above],
    finite.map((bits) => bits + 1),
  );
  assert.deepEqual(
    [...toFloat16(Float32Array.of(65519.99, 65520, 1e30, -1e30, 1e-30, -1e-30))].map(numberOf),
    [65504, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0],
  );
});

test('what is brought within float16 stays finite and other than zero', () => {
  const given = [1e30, -1e9, 1e-12, -1e-12, 0, 0.1, Number.POSITIVE_INFINITY];
  assert.deepEqual(
    [...withinFloat16(Float32Array.from(given))],
    [65504, -65504, 2 ** -24, -(2 ** -24), 0, Math.fround(0.1), Number.POSITIVE_INFINITY],
  );
});

test('the rounding that tests emulate a device with is that of float16', async () => {
  const random = randomStream(1, 'rounding');
  const values = Float32Array.from({ length: 4096 }, (_, i) =>
    i < 64 ? numberOf(0x7b00 + 4 * i) * 1.0005 : random.normal() * 2 ** (random.integer(44) - 27),
  );
  const runtime = await Runtime.open({ threads: 1 });
  const { y } = await evaluate(runtime, { y: rounded(g.input('x', [values.length])) }, { x: values });
  // Which zero a number too small becomes makes no difference to any test.
  assert.deepEqual(
    Array.from(y, (value) => value + 0),
    Array.from(toFloat16(values), (bits) => numberOf(bits) + 0),
  );
});
