/**
 * What a device with float16 kernels computes, on one without: the CPU provider of ONNX Runtime turns float16 graphs into
 * float32 ones and rounds nothing. Here every float16 value is a float32 one that is rounded to the nearest float16.
 */

import { inHalfPrecision } from '../../src/graph/halfPrecision.js';
import * as g from '../../src/graph/index.js';
import { reach } from '../../src/graph/reach.js';
import { createNode, type Node, type Tensor } from '../../src/graph/tensor.js';

/** The nearest float16, as float32. */
export function rounded(x: Tensor): Tensor {
  // 2^13 + 1 splits off the 13 bits of the mantissa that float16 has not (Dekker 1971); below 2^-14 its numbers are 2^-24 apart.
  const spread = g.mul(x, 2 ** 13 + 1);
  const normal = g.sub(spread, g.sub(spread, x));
  const subnormal = g.sub(g.add(x, 0.75), 0.75);
  const size = g.abs(x);
  const finite = g.where(g.greaterEqual(size, 2 ** -14), normal, subnormal);
  return g.where(g.greaterEqual(size, 65520), g.mul(g.sign(x), Number.POSITIVE_INFINITY), finite);
}

/** Ops whose results are among their inputs. */
const exact = new Set(
  [
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
  ].concat(['where', 'relu', 'neg', 'abs', 'maximum', 'minimum', 'max', 'maxPool2d', 'positive', 'sign']),
);

/** The computation that `compile` makes of one with precision float16, in float32 with rounding. */
export function roundedHalf(computation: g.Computation): g.Computation {
  const { outputs, updates } = inHalfPrecision(computation);
  const made = new Map<Tensor, Tensor>();
  const of = (tensor: Tensor): Tensor => {
    const { leaf } = tensor;
    if (leaf === null) return made.get(tensor)!;
    if (leaf.kind !== 'constant' || tensor.dtype !== 'float16') return tensor;
    const constant = made.get(tensor) ?? rounded(g.constant(leaf.values, tensor.shape));
    made.set(tensor, constant);
    return constant;
  };
  const results = (node: Node, inputs: readonly Tensor[]): readonly Tensor[] => {
    const single = ({ dtype }: Tensor) => (dtype === 'float16' ? 'float32' : dtype);
    if (node.op.name === 'cast') {
      const value = g.cast(inputs[0], single(node.outputs[0]));
      return [
        node.inputs[0].dtype === 'float32' && node.outputs[0].dtype === 'float16' ? rounded(value) : value,
      ];
    }
    const types = node.outputs.map((tensor) => ({ shape: tensor.shape, dtype: single(tensor) }));
    const plain = createNode(node.op, inputs, node.attributes, types).outputs;
    return plain.map((tensor, i) =>
      node.outputs[i].dtype === 'float16' && !exact.has(node.op.name) ? rounded(tensor) : tensor,
    );
  };
  for (const node of reach([...Object.values(outputs), ...updates.values()]).nodes) {
    const tensors = results(node, node.inputs.map(of));
    node.outputs.forEach((tensor, i) => {
      made.set(tensor, tensors[i]);
    });
  }
  return {
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, of(tensor)])),
    updates: new Map([...updates].map(([target, value]) => [target, of(value)])),
    bind: new Map(),
  };
}

/** Compiles the rounded computation. */
export function compileRounded(
  { outputs, updates, bind }: g.Computation,
  options: g.CompileOptions = {},
): g.Program {
  const { outputs: results, updates: changes } = roundedHalf({ outputs, updates, bind });
  return g.compile(results, { ...options, updates: changes });
}
