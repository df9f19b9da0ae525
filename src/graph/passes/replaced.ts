/** What the passes have in common: values that stand in for others. */
import type { OnnxGraph, OnnxNode } from '../onnx.js';

/**
 * Visits the nodes in their order. `visit` gets a node whose inputs have been replaced already and returns what is to
 * stand there, or, to drop it, names for its outputs.
 * @param replaced names to other names, from the start
 */
export function rewriteNodes(
  { nodes, outputs }: OnnxGraph,
  visit: (node: OnnxNode) => OnnxNode | { readonly insteadOf: readonly string[] },
  replaced: Iterable<readonly [string, string]> = [],
): OnnxNode[] {
  const names = new Map(replaced);
  const fixed = new Set(outputs.map(({ name }) => name));
  const result: OnnxNode[] = [];
  for (const original of nodes) {
    const node = original.inputs.some((name) => names.has(name))
      ? { ...original, inputs: original.inputs.map((name) => names.get(name) ?? name) }
      : original;
    const visited = visit(node);
    if (!('insteadOf' in visited)) result.push(visited);
    // A value that leaves the graph keeps the node that gives it its name.
    else if (node.outputs.some((name) => fixed.has(name))) result.push(node);
    else for (const [i, name] of node.outputs.entries()) names.set(name, visited.insteadOf[i]);
  }
  return result;
}
