import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { DataError, ShapeError } from '../../src/errors.js';
import {
  decodeSafetensors,
  encodeSafetensors,
  type TensorToStore,
  toFloat32,
} from '../../src/models/index.js';

const golden = JSON.parse(readFileSync('test/golden/models/safetensors.json', 'utf8')) as {
  file: string;
  half: { bits: number[]; values: (number | string)[] };
};
const goldenFile = new Uint8Array(Buffer.from(golden.file, 'base64'));

const goldenTensors: Record<string, TensorToStore> = {
  mask: { shape: [3], data: Uint8Array.of(1, 0, 1), dtype: 'BOOL' },
  'b.bias': { shape: [], data: Float32Array.of(0.1) },
  'a.weight': { shape: [2, 3], data: Float32Array.of(1.5, -0, 3e-45, Infinity, -2.25, 1e38) },
  ids: { shape: [2, 1], data: Int32Array.of(1, -2) },
  empty: { shape: [0, 3], data: new Uint8Array(0) },
  half: { shape: [4], data: Uint16Array.of(0x3c00, 0xc100, 0x0001, 0x7bff), dtype: 'F16' },
  steps: { shape: [2], data: BigInt64Array.of(-9007199254740993n, 7n) },
};

/** A file with this header text (padded) and this many payload bytes. */
function craft(header: string, payload: number): Uint8Array {
  const text = new TextEncoder().encode(header.padEnd(Math.ceil(header.length / 8) * 8));
  const bytes = new Uint8Array(8 + text.length + payload);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

test('writes the bytes that the format describes', () => {
  assert.deepEqual(encodeSafetensors(goldenTensors, { note: 'é', format: 'pt' }), goldenFile);
});

test('reads the bytes that the format describes, wherever they lie in a buffer', () => {
  const shifted = new Uint8Array(goldenFile.length + 3).subarray(3);
  shifted.set(goldenFile);
  for (const bytes of [goldenFile, shifted, Buffer.from(goldenFile)]) {
    const { tensors, metadata } = decodeSafetensors(bytes);
    assert.deepEqual(metadata, { format: 'pt', note: 'é' });
    assert.deepEqual(Object.keys(tensors).sort(), Object.keys(goldenTensors).sort());
    for (const [name, expected] of Object.entries(goldenTensors)) {
      assert.deepEqual(tensors[name].shape, expected.shape, name);
      assert.deepEqual(tensors[name].data, expected.data, name);
    }
    assert.equal(tensors.mask.dtype, 'BOOL');
    assert.deepEqual(Array.from(toFloat32(tensors.half, 'half')), [1, -2.5, 2 ** -24, 65504]);
  }
});

test("what is read does not alias the file, not even a Node Buffer's pool (whose slice is a view)", () => {
  const written = encodeSafetensors({ w: { shape: [2], data: Float32Array.of(1, 2) } });
  for (const bytes of [written, Buffer.from(written)]) {
    const { tensors } = decodeSafetensors(bytes);
    bytes.fill(0);
    assert.deepEqual(tensors.w.data, Float32Array.of(1, 2));
  }
});

test('any tensors come back as they were, whatever their names', () => {
  const tensor = fc.oneof(
    fc.float32Array({ maxLength: 6 }),
    fc.bigInt64Array({ maxLength: 6 }),
    fc.int8Array({ maxLength: 6 }),
  );
  const name = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '7', '"', '\u2028'));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, tensor)), (pairs) => {
      const tensors = Object.fromEntries(pairs.map(([key, data]) => [key, { shape: [data.length], data }]));
      const read = decodeSafetensors(encodeSafetensors(tensors)).tensors;
      assert.deepEqual(Object.keys(read).sort(), Object.keys(tensors).sort());
      for (const key of Object.keys(tensors)) assert.deepEqual(read[key].data, tensors[key].data);
    }),
  );
});

test('16-bit floats widen as NumPy widens them', () => {
  const { bits, values } = golden.half;
  const widened = toFloat32({ dtype: 'F16', shape: [bits.length], data: Uint16Array.from(bits) }, 'half');
  assert.deepEqual(
    widened,
    Float32Array.from(values, (value) => Number(String(value).replace('inf', 'Infinity'))),
  );
  const brain = { dtype: 'BF16', shape: [3], data: Uint16Array.of(0x3f80, 0xc2f7, 0x7f80) } as const;
  assert.deepEqual(Array.from(toFloat32(brain, 'brain')), [1, -123.5, Infinity]);
  assert.deepEqual(
    toFloat32({ dtype: 'F64', shape: [1], data: Float64Array.of(0.1) }, 'wide'),
    Float32Array.of(0.1),
  );
  assert.throws(
    () => toFloat32({ dtype: 'I32', shape: [1], data: Int32Array.of(1) }, 'ids'),
    /"ids" must hold/,
  );
});

test('every damaged file is refused with the rule it breaks', () => {
  const entry = (dtype: string, shape: string, begin: number, end: number) =>
    `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;
  const cases: [string, Uint8Array, RegExp][] = [
    ['empty', new Uint8Array(0), /takes 8 bytes, got a file of 0/],
    ['cut in the header', goldenFile.subarray(0, 40), /the header must be \d+ bytes, got 32 .*truncated/],
    ['cut in the data', goldenFile.subarray(0, -1), /must fill \d+ bytes, got \d+ \(the file is truncated\)/],
    ['too long', craft('{}', 1), /must fill 0 bytes, got 1 \(the file is longer/],
    ['not this format', new TextEncoder().encode('PK\u0003\u0004 a zip file'), /is it a safetensors file/],
    ['no JSON', craft('{"a":', 0), /the header must be JSON/],
    ['no UTF-8', craft('{}', 0).fill(0xff, 8), /the header must be JSON/],
    ['no object', craft('[]', 0), /must be a JSON object/],
    ['metadata', craft('{"__metadata__":{"a":1}}', 0), /must map text to text/],
    ['entry', craft('{"a":3}', 0), /"a" must be described by an object/],
    ['dtype', craft(`{"a":${entry('F8_E5M2', '[1]', 0, 1)}}`, 1), /must be one of .*, got "F8_E5M2"/],
    ['inherited dtype', craft(`{"a":${entry('toString', '[1]', 0, 1)}}`, 1), /must be one of/],
    ['shape', craft(`{"a":${entry('F32', '[-1]', 0, 4)}}`, 4), /must list whole numbers, got \[-1\]/],
    ['offsets', craft(`{"a":${entry('F32', '[1]', 4, 0)}}`, 4), /must be \[begin, end\], got \[4,0\]/],
    [
      'size',
      craft(`{"a":${entry('F32', '[3]', 0, 8)}}`, 8),
      /must take 12 bytes for F32 of shape \[3\], got 8/,
    ],
    [
      'overlap',
      craft(`{"a":${entry('F32', '[2]', 0, 8)},"b":${entry('F32', '[1]', 4, 8)}}`, 8),
      /must not overlap, got "b" at byte 4 before 8/,
    ],
    ['gap', craft(`{"a":${entry('U8', '[1]', 1, 2)}}`, 2), /leave no gap, got "a" at byte 1 after 0/],
  ];
  for (const [what, bytes, message] of cases) {
    assert.throws(
      () => decodeSafetensors(bytes, 'weights.safetensors'),
      (error) =>
        error instanceof DataError &&
        message.test(error.message) &&
        error.message.endsWith('(weights.safetensors)'),
      what,
    );
  }
});

test('a tensor that does not fit its shape or dtype is not written', () => {
  const data = Float32Array.of(1, 2);
  const refuse = (tensor: TensorToStore, message: RegExp, name = 'w') =>
    assert.throws(
      () => encodeSafetensors({ [name]: tensor }),
      (error) => error instanceof ShapeError && message.test(error.message),
    );
  refuse({ shape: [3], data }, /must hold 3 elements for shape \[3\], got 2/);
  refuse({ shape: [2], data, dtype: 'F16' }, /got Float32Array for F16/);
  refuse({ shape: [0.5, 4], data }, /whole numbers/);
  refuse({ shape: [2], data }, /reserved/, '__metadata__');
});
