/**
 * The safetensors format [safetensors2022]: eight bytes with the header's length (little-endian), the header
 * (JSON, padded with spaces to a multiple of 8), then the tensors' bytes without gaps, row-major and
 * little-endian. Read and written in memory, in the host's byte order, which must be little-endian.
 *
 * Tensors are laid out as the reference writer does (widest dtype first, then by name), so the same tensors
 * give the same bytes. The four-, six- and eight-bit float dtypes are refused by name.
 */
import { DataError, ShapeError } from '../errors.js';

/** dtype name: [bytes per element, the array that holds it], in the reference implementation's order. */
const dtypes = {
  BOOL: [1, Uint8Array],
  U8: [1, Uint8Array],
  I8: [1, Int8Array],
  I16: [2, Int16Array],
  U16: [2, Uint16Array],
  F16: [2, Uint16Array],
  BF16: [2, Uint16Array],
  I32: [4, Int32Array],
  U32: [4, Uint32Array],
  F32: [4, Float32Array],
  F64: [8, Float64Array],
  I64: [8, BigInt64Array],
  U64: [8, BigUint64Array],
} as const;

/** The dtypes that are read and written. */
export type SafetensorsDtype = keyof typeof dtypes;

/** Elements as they are stored; F16 and BF16 are bit patterns in a Uint16Array (see {@link toFloat32}). */
export type TensorData =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** A tensor to write. */
export interface TensorToStore {
  /** Sizes, outermost first; `[]` is a scalar. */
  readonly shape: readonly number[];
  /** Row-major elements. */
  readonly data: TensorData;
  /** Needed for BOOL, F16 and BF16 only; otherwise it follows from the array's class. */
  readonly dtype?: SafetensorsDtype;
}

/** A tensor as read; `data` is a copy of its own. */
export interface StoredTensor extends TensorToStore {
  readonly dtype: SafetensorsDtype;
}

/** The contents of a file. */
export interface Safetensors {
  readonly tensors: Readonly<Record<string, StoredTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

const metadataKey = '__metadata__';
const headerLimit = 100_000_000; // the reference implementation's limit, bytes

/**
 * The bytes of a safetensors file.
 * @param tensors by name, any order
 * @param metadata free text by key
 * @throws ShapeError when a tensor's data does not fit its shape or its dtype, or its name is reserved
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, TensorToStore>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const order = Object.keys(dtypes);
  const entries = Object.entries(tensors)
    .map(([name, tensor]) => ({ name, ...tensor, dtype: checkedDtype(name, tensor) }))
    .sort((a, b) => order.indexOf(b.dtype) - order.indexOf(a.dtype) || (a.name < b.name ? -1 : 1));

  const header: [string, unknown][] = [];
  const metadataEntries = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (metadataEntries.length > 0) header.push([metadataKey, Object.fromEntries(metadataEntries)]);
  let end = 0;
  for (const { name, dtype, shape, data } of entries) {
    const begin = end;
    end += data.byteLength;
    header.push([name, { dtype, shape, data_offsets: [begin, end] }]);
  }
  const json = new TextEncoder().encode(stringifyInOrder(header));
  const headerLength = Math.ceil(json.length / 8) * 8;
  if (headerLength > headerLimit) {
    throw new ShapeError(
      `encodeSafetensors: the header must stay within ${headerLimit} bytes, got ${headerLength}; ` +
        'store fewer tensors or less metadata',
    );
  }
  const bytes = new Uint8Array(8 + headerLength + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.fill(0x20, 8, 8 + headerLength);
  bytes.set(json, 8);
  let position = 8 + headerLength;
  for (const { data } of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return bytes;
}

/**
 * The tensors and metadata of a safetensors file.
 * @param bytes the whole file
 * @param file its name, for the error message
 * @throws DataError (code `safetensors`) when the bytes are truncated, the header is not what the format asks
 *   for, a tensor's bytes do not fit its shape and dtype, or tensors overlap or leave gaps
 */
export function decodeSafetensors(bytes: Uint8Array, file?: string): Safetensors {
  const fail = (rule: string, remedy = 'fetch or write the file again'): never => {
    throw new DataError('safetensors', `decodeSafetensors: ${rule}; ${remedy}`, { file });
  };
  const { header, dataStart } = readHeader(bytes, fail);
  const { [metadataKey]: metadata = {}, ...records } = header;
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== 'string')) {
    fail(`${metadataKey} must map text to text`);
  }
  const entries = Object.entries(records)
    .map(([name, record]) => ({ name, ...readEntry(name, record, fail) }))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);

  let expected = 0;
  for (const { name, begin, end } of entries) {
    if (begin < expected) fail(`tensors must not overlap, got "${name}" at byte ${begin} before ${expected}`);
    if (begin > expected) fail(`tensors must leave no gap, got "${name}" at byte ${begin} after ${expected}`);
    expected = end;
  }
  if (bytes.length - dataStart !== expected) {
    const kind = bytes.length - dataStart < expected ? 'truncated' : 'longer than its header says';
    fail(`the tensors must fill ${expected} bytes, got ${bytes.length - dataStart} (the file is ${kind})`);
  }
  const tensors = entries.map(({ name, dtype, shape, begin, end }): [string, StoredTensor] => {
    // A copy starts a buffer of its own, so it is aligned. (`slice` would not copy a Node Buffer.)
    const { buffer } = new Uint8Array(bytes.subarray(dataStart + begin, dataStart + end));
    return [name, { dtype, shape, data: new dtypes[dtype][1](buffer) }];
  });
  return { tensors: Object.fromEntries(tensors), metadata: metadata as Record<string, string> };
}

/**
 * A stored float tensor as 32-bit floats: F32 as it is, F64 rounded, F16 and BF16 widened exactly.
 * @throws DataError (code `safetensors-dtype`) when the tensor holds no floats
 */
export function toFloat32(tensor: StoredTensor, name: string): Float32Array<ArrayBuffer> {
  const { dtype, data } = tensor;
  if (dtype === 'F32') return data as Float32Array<ArrayBuffer>;
  if (dtype === 'F64') return Float32Array.from(data as Float64Array);
  if (dtype === 'BF16') {
    return new Float32Array(Uint32Array.from(data as Uint16Array, (bits) => (bits << 16) >>> 0).buffer);
  }
  if (dtype === 'F16') return Float32Array.from(data as Uint16Array, halfToNumber);
  throw new DataError(
    'safetensors-dtype',
    `toFloat32: "${name}" must hold floats, got ${dtype}; read its \`data\` as it is`,
  );
}

type Fail = (rule: string, remedy?: string) => never;
type TensorEntry = { dtype: SafetensorsDtype; shape: number[]; begin: number; end: number };

function readHeader(bytes: Uint8Array, fail: Fail): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.length < 8) fail(`the header's length takes 8 bytes, got a file of ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(headerLimit)) {
    fail(`the header must stay within ${headerLimit} bytes, got ${length}`, 'is it a safetensors file?');
  }
  const dataStart = 8 + Number(length);
  if (dataStart > bytes.length) {
    fail(`the header must be ${length} bytes, got ${bytes.length - 8} (the file is truncated)`);
  }
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, dataStart)));
  } catch (error) {
    fail(`the header must be JSON, got ${(error as Error).message}`);
  }
  if (!isRecord(header)) return fail('the header must be a JSON object');
  return { header, dataStart };
}

function readEntry(name: string, record: unknown, fail: Fail): TensorEntry {
  const sizes = (value: unknown): value is number[] =>
    Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!isRecord(record)) return fail(`"${name}" must be described by an object`);
  const { dtype, shape, data_offsets: offsets } = record;
  if (typeof dtype !== 'string' || !Object.hasOwn(dtypes, dtype)) {
    return fail(
      `the dtype of "${name}" must be one of ${Object.keys(dtypes).join(', ')}, got ${JSON.stringify(dtype)}`,
      'convert the tensor first',
    );
  }
  if (!sizes(shape)) {
    return fail(`the shape of "${name}" must list whole numbers, got ${JSON.stringify(shape)}`);
  }
  if (!sizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    return fail(`data_offsets of "${name}" must be [begin, end], got ${JSON.stringify(offsets)}`);
  }
  const known = dtype as SafetensorsDtype;
  const needed = elementCount(shape) * dtypes[known][0];
  if (offsets[1] - offsets[0] !== needed) {
    return fail(
      `"${name}" must take ${needed} bytes for ${known} of shape [${shape}], got ${offsets[1] - offsets[0]}`,
    );
  }
  return { dtype: known, shape, begin: offsets[0], end: offsets[1] };
}

function checkedDtype(name: string, { shape, data, dtype }: TensorToStore): SafetensorsDtype {
  if (name === metadataKey) {
    throw new ShapeError(`encodeSafetensors: "${metadataKey}" is reserved; rename the tensor`);
  }
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new ShapeError(`encodeSafetensors: the shape of "${name}" must list whole numbers, got [${shape}]`);
  }
  if (elementCount(shape) !== data.length) {
    throw new ShapeError(
      `encodeSafetensors: "${name}" must hold ${elementCount(shape)} elements for shape [${shape}], ` +
        `got ${data.length}; pass the tensor's own shape`,
    );
  }
  const fitting = (Object.keys(dtypes) as SafetensorsDtype[]).filter((key) => data instanceof dtypes[key][1]);
  // A plain array of bytes or 16-bit words means U8 or U16; the other readings of it have to be asked for.
  const plain = fitting.find((key) => key !== 'BOOL' && key !== 'F16' && key !== 'BF16');
  const chosen = dtype ?? plain;
  if (chosen === undefined || !fitting.includes(chosen)) {
    throw new ShapeError(
      `encodeSafetensors: the data of "${name}" must be the array of its dtype, ` +
        `got ${data.constructor.name} for ${dtype}; convert it first`,
    );
  }
  return chosen;
}

/** JSON of an object whose keys keep this order; a plain object would move integer-like names to the front. */
function stringifyInOrder(entries: readonly [string, unknown][]): string {
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
}

function elementCount(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
