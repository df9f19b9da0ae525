/**
 * A second, slow, literal implementation of every op, in float64: each output element is computed from its index by
 * the textbook formula. It shares nothing with the ONNX emission, so that agreement of the two means something.
 */
import type { DType, Tensor } from '../../src/graph/index.js';
import {
  type Application,
  type Array64,
  along,
  at,
  type Rule,
  replaced,
  rule,
  tabulate,
  total,
} from './arrays64.js';
import { layeredRules } from './referenceLayers.js';

const unary = (f: (x: number) => number) => rule<object>(({ inputs: [x] }) => [x.values.map(f)]);
const binary = (f: (a: number, b: number) => number) =>
  rule<object>(({ inputs: [a, b], types: [y] }) => [
    tabulate(y.shape, (index) => f(at(a, index), at(b, index))),
  ]);

/** erf x = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1)); all terms have one sign, so nothing cancels. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const reduction = (f: (values: readonly number[]) => number) =>
  rule<{ axes: readonly number[] }>(({ inputs: [x], attributes: { axes }, types: [y] }) => [
    tabulate(y.shape, (index) => {
      const dropped = index.length < x.shape.length;
      return f(
        along(x, axes, dropped ? axes.reduce((all, axis) => all.toSpliced(axis, 0, 0), [...index]) : index),
      );
    }),
  ]);

const elementwise = {
  add: binary((a, b) => a + b),
  sub: binary((a, b) => a - b),
  mul: binary((a, b) => a * b),
  div: binary((a, b) => a / b),
  maximum: binary(Math.max),
  minimum: binary(Math.min),
  neg: unary((x) => -x),
  exp: unary(Math.exp),
  log: unary(Math.log),
  sqrt: unary(Math.sqrt),
  reciprocal: unary((x) => 1 / x),
  abs: unary(Math.abs),
  sign: unary(Math.sign),
  tanh: unary(Math.tanh),
  sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  relu: unary((x) => Math.max(x, 0)),
  erf: unary(erf),
  positive: unary((x) => Number(x > 0)),
  softplus: unary((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  gelu: unary((x) => (x * (1 + erf(x / Math.SQRT2))) / 2),
  clip: rule<{ low: number; high: number }>(({ inputs: [x], attributes: { low, high } }) => [
    x.values.map((value) => Math.min(Math.max(value, low), high)),
  ]),
  stopGradient: unary((x) => x),
  inFullPrecision: unary((x) => x),
  greater: binary((a, b) => Number(a > b)),
  greaterEqual: binary((a, b) => Number(a >= b)),
  equal: binary((a, b) => Number(a === b)),
  where: rule<object>(({ inputs: [condition, a, b], types: [y] }) => [
    tabulate(y.shape, (index) => (at(condition, index) ? at(a, index) : at(b, index))),
  ]),
  cast: rule<{ dtype: DType }>(({ inputs: [x], attributes: { dtype } }) => [
    dtype === 'int32'
      ? x.values.map(Math.trunc)
      : dtype === 'bool'
        ? x.values.map((v) => Number(v !== 0))
        : x.values,
  ]),
};

const arranging = {
  reshape: unary((x) => x),
  expand: rule<object>(({ inputs: [x], types: [y] }) => [tabulate(y.shape, (index) => at(x, index))]),
  transpose: rule<{ order: readonly number[] }>(({ inputs: [x], attributes: { order }, types: [y] }) => [
    tabulate(y.shape, (index) => at(x, replaced(index, order, index))),
  ]),
  concat: rule<{ axis: number }>(({ inputs, attributes: { axis }, types: [y] }) => [
    tabulate(y.shape, (index) => {
      let position = index[axis];
      let part = 0;
      while (position >= inputs[part].shape[axis]) position -= inputs[part++].shape[axis];
      return at(inputs[part], replaced(index, [axis], [position]));
    }),
  ]),
  split: rule<{ sizes: readonly number[]; axis: number }>(
    ({ inputs: [x], attributes: { sizes, axis }, types }) =>
      types.map(({ shape }, part) => {
        const start = total(sizes.slice(0, part));
        return tabulate(shape, (index) => at(x, replaced(index, [axis], [start + index[axis]])));
      }),
  ),
  slice: rule<{ starts: readonly number[]; steps: readonly number[] }>(
    ({ inputs: [x], attributes: { starts, steps }, types: [y] }) => [
      tabulate(y.shape, (index) =>
        at(
          x,
          index.map((i, axis) => starts[axis] + i * steps[axis]),
        ),
      ),
    ],
  ),
  pad: rule<{ before: readonly number[]; value: number }>(
    ({ inputs: [x], attributes: { before, value }, types: [y] }) => [
      tabulate(y.shape, (index) => {
        const source = index.map((i, axis) => i - before[axis]);
        return source.every((i, axis) => i >= 0 && i < x.shape[axis]) ? at(x, source) : value;
      }),
    ],
  ),
  flip: rule<{ axes: readonly number[] }>(({ inputs: [x], attributes: { axes } }) => [
    tabulate(x.shape, (index) =>
      at(
        x,
        index.map((i, axis) => (axes.includes(axis) ? x.shape[axis] - 1 - i : i)),
      ),
    ),
  ]),
  gather: rule<object>(({ inputs: [table, indices], types: [y] }) => [
    tabulate(y.shape, (index) => {
      const lead = indices.shape.length;
      return at(table, [at(indices, index.slice(0, lead)), ...index.slice(lead)]);
    }),
  ]),
};

const reducing = {
  sum: reduction(total),
  channelDot: rule<object>(({ inputs: [a, b], types: [y] }) => [
    tabulate(y.shape, ([channel]) =>
      total(
        [...a.values].map((value, i) => {
          const positions = a.values.length / a.shape[0] / a.shape[1];
          return Math.floor(i / positions) % a.shape[1] === channel ? value * b.values[i] : 0;
        }),
      ),
    ),
  ]),
  channelGram: rule<{ shifts: number }>(({ inputs: [a, b], types: [y] }) => {
    const [batch, m, rows] = a.shape;
    const width = a.values.length / batch / m / rows;
    return [
      tabulate(y.shape, ([row, column]) => {
        const [shift, channel] = [Math.floor(row / m), row % m];
        let sum = 0;
        for (let image = 0; image < batch; image++) {
          const from = ((image * m + channel) * rows + shift) * width;
          const other = (image * b.shape[1] + column) * b.shape[2] * width;
          for (let position = 0; position < b.shape[2] * width; position++) {
            sum += a.values[from + position] * b.values[other + position];
          }
        }
        return sum;
      }),
    ];
  }),
  max: reduction((values) => Math.max(...values)),
  matmul: rule<{ transposeA: boolean; transposeB: boolean }>(
    ({ inputs: [a, b], attributes: { transposeA, transposeB }, types: [y] }) => {
      const inner = a.shape.at(transposeA ? -2 : -1)!;
      return [
        tabulate(y.shape, (index) => {
          const batch = index.slice(0, -2);
          const [row, column] = index.slice(-2);
          let sum = 0;
          for (let k = 0; k < inner; k++) {
            const left = matrixElement(a, batch, transposeA ? [k, row] : [row, k]);
            const right = matrixElement(b, batch, transposeB ? [column, k] : [k, column]);
            sum += left * right;
          }
          return sum;
        }),
      ];
    },
  ),
  softmax: rule<{ axis: number }>(({ inputs: [x], attributes: { axis } }) => [
    tabulate(x.shape, (index) => {
      const row = along(x, [axis], index);
      const top = Math.max(...row);
      return Math.exp(at(x, index) - top) / total(row.map((value) => Math.exp(value - top)));
    }),
  ]),
};

function matrixElement(matrix: Array64, batch: readonly number[], position: readonly number[]): number {
  return at(matrix, [...batch, ...position]);
}

/** The literal formula of every op, by its name. */
export const reference: Readonly<Record<string, Rule>> = {
  ...elementwise,
  ...arranging,
  ...reducing,
  ...layeredRules,
};

/**
 * Evaluates tensors in float64.
 * @param feeds values of the input leaves they depend on
 */
export function interpret(
  tensors: readonly Tensor[],
  feeds: ReadonlyMap<Tensor, Float64Array>,
): Float64Array[] {
  const known = new Map<Tensor, Float64Array>(feeds);
  const evaluate = (tensor: Tensor): Float64Array => {
    const before = known.get(tensor);
    if (before !== undefined) return before;
    if (tensor.source === null) {
      if (tensor.leaf?.kind !== 'constant') throw new Error(`no value was fed for leaf ${tensor.id}`);
      const values = Float64Array.from(tensor.leaf.values);
      known.set(tensor, values);
      return values;
    }
    const { node } = tensor.source;
    const inputs = node.inputs.map((x) => ({ shape: x.shape, values: evaluate(x) }));
    const application: Application<never> = {
      inputs,
      attributes: node.attributes as never,
      types: node.outputs,
    };
    reference[node.op.name](application).forEach((values, index) => {
      known.set(node.outputs[index], values);
    });
    return known.get(tensor)!;
  };
  return tensors.map(evaluate);
}
