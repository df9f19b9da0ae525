/** What a tensor is computed from. */
import type { Node, Tensor } from './tensor.js';

/** All nodes that the roots depend on, in topological order, and all leaves. */
export function reach(roots: readonly Tensor[]): { nodes: readonly Node[]; leaves: Set<Tensor> } {
  const nodes = new Set<Node>();
  const leaves = new Set<Tensor>();
  const pending = [...roots];
  for (let tensor = pending.pop(); tensor !== undefined; tensor = pending.pop()) {
    if (tensor.source === null) leaves.add(tensor);
    else if (!nodes.has(tensor.source.node)) {
      nodes.add(tensor.source.node);
      pending.push(...tensor.source.node.inputs);
    }
  }
  return { nodes: [...nodes].sort((a, b) => a.id - b.id), leaves };
}
