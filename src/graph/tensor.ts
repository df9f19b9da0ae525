/**
 * Symbolic tensors: nodes of a graph with static shapes. A tensor holds the operation that makes it and so, through
 * its inputs, the whole computation; there is no global graph. Nothing is computed here: `compile` turns tensors into
 * an ONNX model, `gradients` builds their derivatives.
 */
import { ShapeError } from '../errors.js';
import type { Op } from './op.js';

/** Element types of what crosses a program's border. Numbers are float32, indices int32, masks bool. */
export type DType = 'float32' | 'int32' | 'bool';

/** What a program computes in. With float16, some values still are float32; see `halfPrecision.ts`. */
export const precisions = ['float32', 'float16'] as const;
export type Precision = (typeof precisions)[number];

/** Extents of each axis, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

export interface TensorType {
  readonly shape: Shape;
  /** `float16` only within `compile`: the tensors that ops make are float32, int32 or bool. */
  readonly dtype: DType | Precision;
}

/** One application of an operation. */
export interface Node {
  /** Position in creation order: inputs always have smaller numbers, so sorting by it is a topological order. */
  readonly id: number;
  readonly op: Op;
  readonly inputs: readonly Tensor[];
  readonly attributes: object;
  readonly outputs: readonly Tensor[];
}

/** The values of a leaf. */
export type Leaf =
  | { readonly kind: 'input'; readonly name: string }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'constant'; readonly values: Float32Array | Int32Array | Uint8Array }
  /** Drawn anew by the runtime at every run, from the run's seed: true with this probability. */
  | { readonly kind: 'random'; readonly probability: number };

/** A symbolic value of static shape; made by `input`, `parameter`, `constant`, `bernoulli` or an op. */
export interface Tensor extends TensorType {
  readonly id: number;
  /** The node that computes it (`null` for a leaf) and its place among the node's outputs. */
  readonly source: { readonly node: Node; readonly index: number } | null;
  readonly leaf: Leaf | null;
}

let nextId = 0;

/** internal: makes the tensors of a node. */
export function createNode(
  op: Op,
  inputs: readonly Tensor[],
  attributes: object,
  types: readonly TensorType[],
): Node {
  const outputs: Tensor[] = [];
  const node: Node = { id: nextId++, op, inputs: [...inputs], attributes, outputs };
  types.forEach((type, index) => {
    outputs.push({ ...type, id: nextId++, source: { node, index }, leaf: null });
  });
  return node;
}

/** @throws ShapeError unless every extent is a positive integer */
export function requireExtents(op: string, shape: Shape): void {
  if (shape.some((extent) => !Number.isInteger(extent) || extent < 1)) {
    throw new ShapeError(`${op}: every extent must be a positive integer, got [${shape}]`);
  }
}

/** @throws ShapeError unless every input is float32 */
export function requireFloat(op: string, inputs: readonly TensorType[]): void {
  for (const { dtype } of inputs)
    if (dtype !== 'float32') throw new ShapeError(`${op}: needs float32, got ${dtype}; cast it`);
}

function createLeaf(leaf: Leaf, shape: Shape, dtype: Tensor['dtype']): Tensor {
  requireExtents(leaf.kind, shape);
  return { id: nextId++, shape: [...shape], dtype, source: null, leaf };
}

/** A value fed at every run under a name. */
export function input(name: string, shape: Shape, dtype: DType = 'float32'): Tensor {
  return createLeaf({ kind: 'input', name }, shape, dtype);
}

/** A value that the program keeps between runs: a weight, an optimiser moment, a running statistic. */
export function parameter(name: string, shape: Shape): Tensor {
  return createLeaf({ kind: 'parameter', name }, shape, 'float32');
}

/**
 * A fixed value.
 * @param values one number for every element, or as many as the shape holds, row-major
 */
export function constant(
  values: number | readonly number[] | Float32Array | Int32Array | Uint8Array,
  shape: Shape = [],
  dtype: Tensor['dtype'] = 'float32',
): Tensor {
  requireExtents('constant', shape);
  const length = size(shape);
  const Values =
    dtype === 'float32' || dtype === 'float16' ? Float32Array : dtype === 'int32' ? Int32Array : Uint8Array;
  const typed = typeof values === 'number' ? new Values(length).fill(values) : Values.from(values);
  if (typed.length !== length) {
    throw new ShapeError(`constant: shape [${shape}] holds ${length} values, got ${typed.length}`);
  }
  return createLeaf({ kind: 'constant', values: typed }, shape, dtype);
}

/**
 * A random mask, new at every run and reproducible from the run's seed and step.
 * @param probability that an element is true, in [0, 1]; met to 2⁻¹⁷, half of the step in which it is drawn
 * @returns bool
 */
export function bernoulli(shape: Shape, probability: number): Tensor {
  if (!(probability >= 0 && probability <= 1)) {
    throw new RangeError(`bernoulli: the probability must be between 0 and 1, got ${probability}`);
  }
  return createLeaf({ kind: 'random', probability }, shape, 'bool');
}

/** Number of elements. */
export function size(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** Shape of an elementwise result under numpy's broadcasting. @throws ShapeError naming both shapes */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  const result: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const left = a[a.length - rank + axis] ?? 1;
    const right = b[b.length - rank + axis] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new ShapeError(`${op}: shapes [${a}] and [${b}] do not broadcast at axis ${axis - rank}`);
    }
    result.push(left === 1 ? right : left);
  }
  return result;
}

/** One non-negative axis number. @throws ShapeError when it is out of range */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  return normalizeAxes(op, [axis], rank)[0];
}

/** Non-negative axis numbers, ascending. @throws ShapeError when an axis is out of range or named twice */
export function normalizeAxes(op: string, axes: readonly number[], rank: number): readonly number[] {
  const result = axes.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b);
  if (
    result.some((axis, i) => !Number.isInteger(axis) || axis < 0 || axis >= rank || axis === result[i - 1])
  ) {
    throw new ShapeError(`${op}: axes [${axes}] must be distinct and within a rank of ${rank}`);
  }
  return result;
}
