/** Drops what no output depends on. */
import type { OnnxGraph } from '../onnx.js';

/** Nodes with an output that an output of the graph depends on, and the initialisers that these read. */
export function dropDeadCode(graph: OnnxGraph): OnnxGraph {
  const wanted = new Set(graph.outputs.map(({ name }) => name));
  const nodes = graph.nodes.toReversed().filter(({ inputs, outputs }) => {
    const live = outputs.some((name) => wanted.has(name));
    if (live) for (const name of inputs) wanted.add(name);
    return live;
  });
  return {
    ...graph,
    nodes: nodes.reverse(),
    initializers: graph.initializers.filter(({ name }) => wanted.has(name)),
  };
}
