/** Float64 arrays addressed by index, for the literal implementations of the ops. */
import type { Shape, Tensor } from '../../src/graph/index.js';

export interface Array64 {
  readonly shape: Shape;
  readonly values: Float64Array;
}

/** What an op computes from; `types` are those of its outputs. */
export interface Application<A> {
  readonly inputs: readonly Array64[];
  readonly attributes: A;
  readonly types: readonly { readonly shape: Shape; readonly dtype: Tensor['dtype'] }[];
}
export type Rule = (application: Application<never>) => readonly Float64Array[];

/** A rule whose attributes are typed. */
export function rule<A>(evaluate: (application: Application<A>) => readonly Float64Array[]): Rule {
  return evaluate as unknown as Rule;
}

/** The array whose element at each index is `element(index)`; the index is reused between calls. */
export function tabulate(shape: Shape, element: (index: readonly number[]) => number): Float64Array {
  const values = new Float64Array(shape.reduce((product, extent) => product * extent, 1));
  const index = new Array<number>(shape.length).fill(0);
  for (let position = 0; position < values.length; position++) {
    values[position] = element(index);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
  return values;
}

/** The element at an index; missing leading axes and axes of extent 1 are broadcast. */
export function at({ shape, values }: Array64, index: readonly number[]): number {
  const lead = index.length - shape.length;
  let position = 0;
  for (let axis = 0; axis < shape.length; axis++) {
    position = position * shape[axis] + (shape[axis] === 1 ? 0 : index[lead + axis]);
  }
  return values[position];
}

/** `index` with other positions along `axes`. */
export function replaced(index: readonly number[], axes: readonly number[], positions: readonly number[]) {
  const result = [...index];
  axes.forEach((axis, i) => {
    result[axis] = positions[i];
  });
  return result;
}

/** All elements of x whose index agrees with `index` outside `axes`. */
export function along(x: Array64, axes: readonly number[], index: readonly number[]): number[] {
  const extents = axes.map((axis) => x.shape[axis]);
  return [...tabulate(extents, (positions) => at(x, replaced(index, axes, positions)))];
}

/** The element of an image [n, c, h, w], or `outside` beyond its border. */
export function pixel(
  { shape: [, channels, height, width], values }: Array64,
  [n, c, i, j]: readonly [number, number, number, number],
  outside: number,
): number {
  return i < 0 || j < 0 || i >= height || j >= width
    ? outside
    : values[((n * channels + c) * height + i) * width + j];
}

export function total(values: Iterable<number>): number {
  let result = 0;
  for (const value of values) result += value;
  return result;
}
