/** Makes a sum or an activation part of the convolution in blocks that it follows, whose kernel does both in one pass over memory. */
import type { OnnxGraph, OnnxNode } from '../onnx.js';
import { blockedDomain } from '../ops/blocked.js';

/** The graph with such pairs as one node each, in the place of the second. */
export function fuseBlocked(graph: OnnxGraph): OnnxGraph {
  const uses = new Map<string, number>();
  for (const name of [
    ...graph.nodes.flatMap(({ inputs }) => inputs),
    ...graph.outputs.map(({ name }) => name),
  ])
    uses.set(name, (uses.get(name) ?? 0) + 1);
  const nodes = new Map<string, OnnxNode>();
  /** The convolution without an activation that makes a value for one reader alone. */
  const open = (name: string) => {
    const maker = nodes.get(name);
    const isOpen =
      maker?.type === 'Conv' &&
      maker.domain === blockedDomain &&
      !('activation' in maker.attributes) &&
      uses.get(name) === 1;
    return isOpen ? maker : undefined;
  };
  for (const node of graph.nodes) {
    const fused = node.domain === '' ? fusedWith(node, open) : null;
    if (fused !== null) nodes.delete(fused.instead);
    const kept = fused?.node ?? node;
    nodes.set(kept.outputs[0], kept);
  }
  return { ...graph, nodes: [...nodes.values()] };
}

/** A node and the convolution before it in one, and the name of the value that is made no longer. */
function fusedWith(
  { type, inputs, outputs }: OnnxNode,
  open: (name: string) => OnnxNode | undefined,
): { readonly node: OnnxNode; readonly instead: string } | null {
  if (type === 'Relu') {
    const conv = open(inputs[0]);
    if (conv === undefined) return null;
    const attributes = { ...conv.attributes, activation: { string: 'Relu' } };
    return { node: { ...conv, attributes, outputs }, instead: inputs[0] };
  }
  if (type !== 'Sum' || inputs.length !== 2) return null;
  for (const [instead, other] of [inputs, inputs.toReversed()]) {
    const conv = open(instead);
    if (conv === undefined || conv.inputs.length > 3) continue;
    const [x, weights, bias = ''] = conv.inputs;
    return { node: { ...conv, inputs: [x, weights, bias, other], outputs }, instead };
  }
  return null;
}
