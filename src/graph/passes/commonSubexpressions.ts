/**
 * Computes once what is computed twice. ONNX Runtime does the same when it loads a program; done here, it has less to load,
 * and the count of nodes is true. What must stay apart has inputs of its own (see `Emitter.scratch`).
 */
import { isInternal } from '../names.js';
import type { OnnxGraph, OnnxInitializer } from '../onnx.js';
import { rewriteNodes } from './replaced.js';

/**
 * The graph with one of each set of nodes of equal type, attributes and inputs, the first, and with one of each set of equal
 * internal initialisers.
 */
export function mergeCommonSubexpressions(graph: OnnxGraph): OnnxGraph {
  const distinct = new DistinctBytes();
  const initializers: OnnxInitializer[] = [];
  const replaced = new Map<string, string>();
  for (const initializer of graph.initializers) {
    const equal = isInternal(initializer.name) ? distinct.add(initializer) : initializer;
    if (equal === initializer) initializers.push(initializer);
    else replaced.set(initializer.name, equal.name);
  }
  const seen = new Map<string, readonly string[]>();
  const nodes = rewriteNodes(
    graph,
    (node) => {
      const { type, domain, inputs, attributes, outputs } = node;
      const options = Object.entries(attributes);
      // Names may hold any character but a line's end; most nodes have no attributes.
      const key = `${domain} ${type} ${outputs.length} ${options.length > 0 ? JSON.stringify(options.sort()) : ''}\n${inputs.join('\n')}`;
      const before = seen.get(key);
      if (before !== undefined && node.body === undefined) return { insteadOf: before };
      seen.set(key, outputs);
      return node;
    },
    replaced,
  );
  return { ...graph, nodes, initializers };
}

/** Finds an equal initialiser among those that came before. */
class DistinctBytes {
  private readonly byHash = new Map<string, OnnxInitializer[]>();

  add(initializer: OnnxInitializer): OnnxInitializer {
    const { dtype, shape, bytes } = initializer;
    let hash = 0x811c9dc5;
    for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
    const key = `${dtype} [${shape}] ${hash}`;
    const alike = this.byHash.get(key) ?? [];
    this.byHash.set(key, alike);
    const equal = alike.find((other) => other.bytes.every((byte, i) => byte === bytes[i]));
    if (equal === undefined) alike.push(initializer);
    return equal ?? initializer;
  }
}
