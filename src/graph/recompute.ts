/**
 * What the backward pass computes anew, so that it need not be kept from the forward pass until then: whatever takes one pass
 * over memory, as joined copies, normalisations and activations, from values that are kept anyway. [chen2016training]
 */
import type { Op } from './op.js';
import { createNode, type Node, type Tensor } from './tensor.js';

/** internal: a function from values of the forward pass to those that the backward pass uses in their place. */
export function recomputing(): (tensor: Tensor) => Tensor {
  const again = new Map<Node, readonly Tensor[]>();
  const renew = (tensor: Tensor): Tensor => {
    if (tensor.source === null) return tensor;
    const { node, index } = tensor.source;
    const outputs = again.get(node) ?? outputsAgain(node, renew);
    again.set(node, outputs);
    return outputs[index];
  };
  return renew;
}

function outputsAgain(node: Node, renew: (tensor: Tensor) => Tensor): readonly Tensor[] {
  const { recompute } = node.op as unknown as Op<object>;
  if (recompute === undefined) return node.outputs;
  const inputs = node.inputs.map(renew);
  const { op, attributes, outputs } = node;
  if (recompute !== 'derived') return recompute({ inputs, outputs, attributes });
  const changed = inputs.some((input, i) => input !== node.inputs[i]);
  return changed ? createNode(op, inputs, attributes, outputs).outputs : outputs;
}
