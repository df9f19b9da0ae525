/** Which results of the forward pass the backward pass computes anew, so that they need not be kept until then. [chen2016training] */
import type { Op } from './op.js';
import { createNode, type Node, type Tensor } from './tensor.js';

/**
 * What a backward pass computes anew, from least to most: nothing; joined copies of values that are kept anyway, which
 * costs about nothing; and whatever takes one pass over memory, normalisations and activations above all.
 */
export const recomputeLevels = ['nothing', 'copies', 'cheap'] as const;
export type Recompute = (typeof recomputeLevels)[number];

const copies = ['concat', 'reshape'];
const never = () => false;
const recomputed: Record<Recompute, (op: string) => boolean> = {
  nothing: never,
  copies: (op) => copies.includes(op),
  cheap: () => true,
};

/** internal: a function from values of the forward pass to those that the backward pass uses in their place. */
export function recomputing(level: Recompute): (tensor: Tensor) => Tensor {
  const again = new Map<Node, readonly Tensor[]>();
  const renew = (tensor: Tensor): Tensor => {
    if (tensor.source === null) return tensor;
    const { node, index } = tensor.source;
    const outputs = again.get(node) ?? outputsAgain(node, renew, recomputed[level]);
    again.set(node, outputs);
    return outputs[index];
  };
  return level === 'nothing' ? (tensor) => tensor : renew;
}

function outputsAgain(
  node: Node,
  renew: (tensor: Tensor) => Tensor,
  chosen: (op: string) => boolean,
): readonly Tensor[] {
  const { recompute, name } = node.op as unknown as Op<object>;
  if (recompute === undefined || !chosen(name)) return node.outputs;
  const inputs = node.inputs.map(renew);
  const { op, attributes, outputs } = node;
  if (recompute !== 'derived') return recompute({ inputs, outputs, attributes });
  const changed = inputs.some((input, i) => input !== node.inputs[i]);
  return changed ? createNode(op, inputs, attributes, outputs).outputs : outputs;
}
