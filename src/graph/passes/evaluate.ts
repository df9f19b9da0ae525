/**
 * What ONNX operators give on constants, bit for bit as the runtime computes it: operators whose results are exact or
 * correctly rounded, whatever the kernel. https://onnx.ai/onnx/operators/
 */
import type { OnnxDType, OnnxNode } from '../onnx.js';

export interface Constant {
  readonly dtype: OnnxDType;
  readonly shape: readonly number[];
  /** Row-major; bool as 0 and 1. */
  readonly values: readonly number[];
}

/** Null where the result is left to the runtime. */
type Evaluation = (inputs: readonly Constant[], node: OnnxNode, mostElements: number) => Constant | null;

const count = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);

/** Row-major distances between neighbours along each axis. */
function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

/** A constant of a shape, each element taken from the place `start + Σ index · step` of `values`. */
function gathered(
  { dtype, values }: Constant,
  shape: readonly number[],
  steps: readonly number[],
  start = 0,
): Constant {
  const result = new Array<number>(count(shape));
  const index = new Array<number>(shape.length).fill(0);
  let place = start;
  for (let i = 0; i < result.length; i++) {
    result[i] = values[place];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place += steps[axis];
      if (++index[axis] < shape[axis]) break;
      place -= steps[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return { dtype, shape, values: result };
}

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [left, right] = [a, b].map((shape) => shape[shape.length - rank + axis] ?? 1);
    return left === 1 ? right : left;
  });
}

/** Axes of extent 1, and missing leading ones, repeated up to `shape`. */
function repeated(x: Constant, shape: readonly number[]): Constant {
  const strides = stridesOf(x.shape);
  const lead = shape.length - x.shape.length;
  const steps = shape.map((_, axis) =>
    axis < lead || x.shape[axis - lead] === 1 ? 0 : strides[axis - lead],
  );
  return gathered(x, shape, steps);
}

/** Sum, difference, product and quotient in double precision round to what single precision gives. */
const arithmetic =
  (f: (a: number, b: number) => number): Evaluation =>
  (inputs, _node, mostElements) => {
    const [a, b] = inputs;
    const shape = broadcast(a.shape, b.shape);
    if (inputs.length !== 2 || a.dtype !== 'float32' || count(shape) > mostElements) return null;
    const [left, right] = inputs.map((x) => repeated(x, shape).values);
    return { dtype: 'float32', shape, values: left.map((value, i) => Math.fround(f(value, right[i]))) };
  };

const comparison =
  (f: (a: number, b: number) => boolean): Evaluation =>
  ([a, b], _node, mostElements) => {
    const shape = broadcast(a.shape, b.shape);
    if (count(shape) > mostElements) return null;
    const [left, right] = [a, b].map((x) => repeated(x, shape).values);
    return { dtype: 'bool', shape, values: left.map((value, i) => Number(f(value, right[i]))) };
  };

const evaluations: Readonly<Record<string, Evaluation>> = {
  Add: arithmetic((a, b) => a + b),
  Sub: arithmetic((a, b) => a - b),
  Mul: arithmetic((a, b) => a * b),
  Div: arithmetic((a, b) => a / b),
  Max: arithmetic(Math.max),
  Greater: comparison((a, b) => a > b),
  Equal: comparison((a, b) => a === b),

  Reshape([x, { values: shape }]) {
    return shape.every((extent) => extent > 0) ? { ...x, shape } : null;
  },

  Expand([x, shape], _node, mostElements) {
    const full = broadcast(x.shape, shape.values);
    return count(full) > mostElements ? null : repeated(x, full);
  },

  Transpose([x], { attributes: { perm } }) {
    if (perm === undefined || !('ints' in perm)) return null;
    const strides = stridesOf(x.shape);
    return gathered(
      x,
      perm.ints.map((axis) => x.shape[axis]),
      perm.ints.map((axis) => strides[axis]),
    );
  },

  /** Whole numbers to bool and float32; rounding to whole numbers is not among them. */
  Cast([x], { attributes: { to } }) {
    const code = to !== undefined && 'int' in to ? to.int : 0;
    if (code === 9) return { ...x, dtype: 'bool', values: x.values.map((value) => Number(value !== 0)) };
    return code === 1 && x.dtype !== 'int64'
      ? { ...x, dtype: 'float32', values: x.values.map(Math.fround) }
      : null;
  },

  /** Forward slices with all five inputs, as this library writes them. */
  Slice([x, starts, ends, axes, steps]) {
    if (steps === undefined || steps.values.some((step) => step < 1)) return null;
    const strides = stridesOf(x.shape);
    const shape = [...x.shape];
    const moves = [...strides];
    let start = 0;
    for (const [i, axis] of axes.values.entries()) {
      const within = (value: number) =>
        Math.min(Math.max(value < 0 ? value + x.shape[axis] : value, 0), x.shape[axis]);
      const [from, to] = [within(starts.values[i]), within(ends.values[i])];
      if (axis < 0 || to <= from) return null;
      shape[axis] = Math.ceil((to - from) / steps.values[i]);
      moves[axis] = strides[axis] * steps.values[i];
      start += from * strides[axis];
    }
    return gathered(x, shape, moves, start);
  },

  Concat(inputs, { attributes: { axis } }, mostElements) {
    const along = axis !== undefined && 'int' in axis ? axis.int : -1;
    const total = inputs.reduce((sum, { values }) => sum + values.length, 0);
    if (along < 0 || total > mostElements) return null;
    const [first] = inputs;
    const rows = count(first.shape.slice(0, along));
    const widths = inputs.map(({ values }) => values.length / rows);
    const values = Array.from({ length: rows }, (_, row) =>
      inputs.flatMap((x, i) => x.values.slice(row * widths[i], (row + 1) * widths[i])),
    ).flat();
    const extent = inputs.reduce((sum, { shape }) => sum + shape[along], 0);
    return { dtype: first.dtype, shape: first.shape.with(along, extent), values };
  },

  /** Of whole numbers below 2²⁴ in all, which add up to the same in any order. */
  ReduceSum([x, axes], { attributes: { keepdims } }) {
    const size = x.values.reduce((sum, value) => sum + Math.abs(value), 0);
    if (axes === undefined || !x.values.every(Number.isInteger) || size > 2 ** 24) return null;
    if (axes.values.length === 0 || axes.values.some((axis) => axis < 0)) return null;
    const keeps = keepdims === undefined || ('int' in keepdims && keepdims.int === 1);
    const reduced = new Set(axes.values);
    const kept = x.shape.map((extent, axis) => (reduced.has(axis) ? 1 : extent));
    const steps = stridesOf(kept).map((stride, axis) => (reduced.has(axis) ? 0 : stride));
    const places = gathered(
      { dtype: 'int64', shape: kept, values: Array.from({ length: count(kept) }, (_, i) => i) },
      x.shape,
      steps,
    ).values;
    const values = new Array<number>(count(kept)).fill(0);
    places.forEach((place, i) => {
      values[place] += x.values[i];
    });
    return { dtype: x.dtype, shape: keeps ? kept : x.shape.filter((_, axis) => !reduced.has(axis)), values };
  },
};

/**
 * The result of a node on constants.
 * @param mostElements results may have
 * @returns null for an operator without a rule here, and for what its rule leaves out
 */
export function evaluate(node: OnnxNode, inputs: readonly Constant[], mostElements: number): Constant | null {
  const evaluation = Object.hasOwn(evaluations, node.type) ? evaluations[node.type] : undefined;
  const most = Math.max(...inputs.map(({ values }) => values.length));
  return evaluation === undefined || most > mostElements ? null : evaluation(inputs, node, mostElements);
}
