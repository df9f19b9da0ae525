/** The arithmetic of a graph, counted from its shapes. */
import { type Node, size, type Tensor } from './tensor.js';

/** Multiply–adds of the ops that are made of them; every other op counts as none. */
const costs: Readonly<Record<string, (node: Node) => number>> = {
  conv2d: ({ inputs: [, w], outputs: [y] }) => size(y.shape) * size(w.shape.slice(1)),
  // The adjoint: each element of the input meets the kernel once.
  convTranspose2d: ({ inputs: [x, w] }) => size(x.shape) * size(w.shape.slice(1)),
  channelGram: ({ inputs: [, b], outputs: [y] }) => (size(y.shape) * size(b.shape)) / b.shape[1],
  matmul({ inputs: [a], outputs: [y], attributes }) {
    const { transposeA } = attributes as { readonly transposeA: boolean };
    return size(y.shape) * a.shape.at(transposeA ? -2 : -1)!;
  },
};

/**
 * Multiply–adds that convolutions and matrix products take to compute the given tensors, each node once: the count that is
 * published for networks as MACs (torchvision and timm print it as GFLOPS or GMACs). A floating-point operation is half of
 * one. Biases, normalisations, activations, softmax and pooling by windows are left out, as is usual: they are memory-bound
 * and less than a hundredth. Padding counts as data. Resampling, which the engine does by matrix products, counts.
 */
export function multiplyAdds(roots: readonly Tensor[]): number {
  const seen = new Set<Node>();
  const pending = [...roots];
  let total = 0;
  for (let tensor = pending.pop(); tensor !== undefined; tensor = pending.pop()) {
    const node = tensor.source?.node;
    if (node === undefined || seen.has(node)) continue;
    seen.add(node);
    total += costs[node.op.name]?.(node) ?? 0;
    pending.push(...node.inputs);
  }
  return total;
}
