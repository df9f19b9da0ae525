/**
 * The pass that lets a program compute in float16 where that is safe, and in float32 elsewhere. [micikevicius2018mixed]
 *
 * It writes the graph anew, with conversions where a value is wanted in the other type, one per value. What crosses the
 * program's border stays float32: inputs, outputs, weights, optimiser state. The rules are close to those of PyTorch's
 * autocast, with these intended deviations:
 *   - of inputs of both types, the largest decide (PyTorch: float32 wins), so that a bias or a statistic does not make
 *     float32 of a whole image;
 *   - normalisations and softmax compute in float32, but return float16 where their input was (PyTorch: layer
 *     normalisation and softmax return float32);
 *   - exp computes in the type of its input: the derivative of GELU needs it on large values, never above 1.
 */
import { derivedValue } from './autodiff.js';
import { withinFloat16 } from './float16.js';
import { cast } from './ops/compare.js';
import { reach } from './reach.js';
import { constant, createNode, type Node, type Precision, size, type Tensor } from './tensor.js';

/** How an op computes. */
export type PrecisionRule =
  /** In float16. */
  | 'half'
  /** In float32. */
  | 'full'
  /** In float32; its first result is float16 where its first input was. */
  | 'rounded'
  /** In the type of the largest of its inputs, float32 where the largest are of both types. */
  | 'largest';

export const precisionRules: Readonly<Record<string, PrecisionRule>> = {
  conv2d: 'half',
  convTranspose2d: 'half',
  matmul: 'half',
  channelGram: 'half',

  inFullPrecision: 'full',
  sum: 'full',
  channelDot: 'full',
  log: 'full',
  softplus: 'full',

  batchNormTraining: 'rounded',
  batchNormInference: 'rounded',
  scaleShift: 'rounded',
  layerNorm: 'rounded',
  softmax: 'rounded',

  ...Object.fromEntries(
    [
      ...['add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'neg', 'sqrt', 'reciprocal', 'abs', 'sign'],
      ...['exp', 'tanh', 'sigmoid', 'relu', 'erf', 'gelu', 'positive', 'clip'],
      ...['maxPool2d', 'averagePool2d', 'max', 'greater', 'greaterEqual', 'equal', 'where', 'cast'],
      ...[
        'reshape',
        'expand',
        'stopGradient',
        'transpose',
        'concat',
        'split',
        'slice',
        'pad',
        'flip',
        'gather',
      ],
    ].map((name) => [name, 'largest'] as const),
  ),
};

/** What a program computes, as `compile` takes it. */
export interface Computation {
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Parameters to their next values. */
  readonly updates: ReadonlyMap<Tensor, Tensor>;
  /** Parameters to the tensors that stand for them. */
  readonly bind: ReadonlyMap<Tensor, Tensor>;
}

/**
 * The same computation in float16 where the rules allow it, float32 at its border; nothing is left to bind.
 * @throws Error for an op without a rule
 */
export function inHalfPrecision({ outputs, updates, bind }: Computation): Computation {
  const values = new Values(bind);
  const standIns = reach([...bind.values()]).nodes;
  const body = reach([...Object.values(outputs), ...updates.values()]).nodes;
  for (const node of new Set([...standIns, ...body])) values.compute(node);
  const full = (tensor: Tensor) => values.as(tensor, 'float32');
  return {
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, full(tensor)])),
    updates: new Map([...updates].map(([target, value]) => [target, full(value)])),
    bind: new Map(),
  };
}

const isFloat = ({ dtype }: Tensor) => dtype === 'float32';

/** The new tensors that hold the values of the old ones. */
class Values {
  /** Old tensors to the new ones of each type; what is no float has one of its own type, under `float32`. */
  private readonly held = new Map<Tensor, Partial<Record<Precision, Tensor>>>();
  /**
   * Tensors that could be of either type: constants, parameters and random numbers, and what only rearranges or combines
   * such. They are computed when they are wanted, in the type in which they are wanted, and decide nothing.
   */
  private readonly flexible = new Set<Tensor>();
  /** Types that tensors other than flexible ones are computed in. */
  private readonly homes = new Map<Tensor, Precision>();

  constructor(private readonly bind: ReadonlyMap<Tensor, Tensor>) {}

  /** A tensor's value in a type, converted if need be. */
  as(tensor: Tensor, wanted: Precision): Tensor {
    const standIn = this.bind.get(tensor);
    if (standIn !== undefined) return this.as(standIn, wanted);
    const held = this.held.get(tensor) ?? {};
    this.held.set(tensor, held);
    const precision = isFloat(tensor) ? wanted : 'float32';
    held[precision] ??= this.make(tensor, precision);
    return held[precision];
  }

  /** Computes a node in its own type, unless it is flexible. */
  compute(node: Node): void {
    const rule = precisionRules[node.op.name];
    if (rule === undefined) throw new Error(`internal: the op ${node.op.name} has no rule for float16`);
    const { inputs, outputs } = node;
    const floats = inputs.filter(isFloat);
    if (outputs.every(isFloat) && rule === 'largest' && floats.every((tensor) => this.isFlexible(tensor))) {
      for (const output of outputs) this.flexible.add(output);
      return;
    }
    if (node.op.name === 'inFullPrecision') {
      this.held.set(outputs[0], { float32: this.as(inputs[0], 'float32') });
      this.homes.set(outputs[0], 'float32');
      return;
    }
    const precision =
      rule === 'half' ? 'float16' : rule === 'largest' ? this.largestOf(floats, outputs) : 'float32';
    this.apply(node, precision);
    if (rule === 'rounded' && this.homeOf(inputs[0]) === 'float16') {
      this.homes.set(outputs[0], 'float16');
      this.as(outputs[0], 'float16');
    }
  }

  /** The type of the largest inputs; that of the value whose derivative the result is, where it is one. */
  private largestOf(floats: readonly Tensor[], outputs: readonly Tensor[]): Precision {
    const value = derivedValue(outputs[0]);
    if (value !== undefined && this.homeOf(value) === 'float16') return 'float16';
    const deciding = floats.filter((tensor) => !this.isFlexible(tensor));
    const most = Math.max(...deciding.map(({ shape }) => size(shape)));
    const largest = deciding.filter(({ shape }) => size(shape) === most);
    return largest.length > 0 && largest.every((tensor) => this.homeOf(tensor) === 'float16')
      ? 'float16'
      : 'float32';
  }

  private isFlexible(tensor: Tensor): boolean {
    const standIn = this.bind.get(tensor);
    if (standIn !== undefined) return this.isFlexible(standIn);
    return tensor.leaf === null ? this.flexible.has(tensor) : tensor.leaf.kind !== 'input';
  }

  /** The type that a tensor is computed in; undefined for a flexible one. */
  private homeOf(tensor: Tensor): Precision | undefined {
    return tensor.leaf?.kind === 'input' ? 'float32' : this.homes.get(tensor);
  }

  private make(tensor: Tensor, precision: Precision): Tensor {
    const { leaf, source } = tensor;
    if (leaf === null && this.flexible.has(tensor)) {
      this.apply(source!.node, precision);
      return this.held.get(tensor)![precision]!;
    }
    if (leaf === null) {
      // The other type is the one that the tensor was computed in.
      return cast(this.held.get(tensor)![precision === 'float16' ? 'float32' : 'float16']!, precision);
    }
    if (precision === 'float32') return tensor;
    return leaf.kind === 'constant'
      ? constant(withinFloat16(leaf.values as Float32Array), tensor.shape, 'float16')
      : cast(tensor, 'float16');
  }

  /** Applies a node again, with its inputs in the given type. */
  private apply(node: Node, precision: Precision): void {
    const { op, attributes } = node;
    const inputs = node.inputs.map((tensor) => this.as(tensor, precision));
    const types = node.outputs.map(({ shape, dtype }) => ({
      shape,
      dtype: dtype === 'float32' ? precision : dtype,
    }));
    const outputs =
      op.name === 'cast'
        ? [cast(inputs[0], types[0].dtype)]
        : createNode(op, inputs, attributes, types).outputs;
    node.outputs.forEach((tensor, i) => {
      const held = this.held.get(tensor) ?? {};
      this.held.set(tensor, held);
      held[isFloat(tensor) ? precision : 'float32'] = outputs[i];
      if (isFloat(tensor)) this.homes.set(tensor, precision);
    });
  }
}
