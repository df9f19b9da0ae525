/** Computes at compile time what depends on constants alone, by the rules of `evaluate`. */
import { isInternal } from '../names.js';
import type { OnnxGraph, OnnxInitializer, OnnxNode } from '../onnx.js';
import { type Constant, evaluate } from './evaluate.js';
import { rewriteNodes } from './replaced.js';

/**
 * Most elements of a result. A larger one is left to the runtime, which folds it when it loads the program: the file would
 * grow by more than a node.
 */
const mostElements = 4096;

/** Types that are folded; float16 is left to the runtime. */
const arrayOf = { float32: Float32Array, int32: Int32Array, int64: BigInt64Array, bool: Uint8Array } as const;

/** The graph with constants in place of the nodes that compute them from internal initialisers. */
export function foldConstants(graph: OnnxGraph): OnnxGraph {
  const initializers = [...graph.initializers];
  const sources = new Map<string, OnnxInitializer>();
  for (const initializer of initializers)
    if (isInternal(initializer.name) && initializer.dtype !== 'float16')
      sources.set(initializer.name, initializer);
  const constants = new Map<string, Constant>();
  const constantOf = (name: string): Constant | null => {
    const source = sources.get(name);
    if (!constants.has(name) && source !== undefined) constants.set(name, decoded(source));
    return constants.get(name) ?? null;
  };
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const nodes = rewriteNodes(graph, (node) => {
    if (outputs.has(node.outputs[0]) || !node.inputs.every((name) => sources.has(name))) return node;
    const result = folded(node, constantOf);
    if (result === null) return node;
    const [name] = node.outputs;
    const initializer = encoded(name, result);
    initializers.push(initializer);
    sources.set(name, initializer);
    constants.set(name, result);
    return { insteadOf: [name] };
  });
  return { ...graph, nodes, initializers };
}

function folded(node: OnnxNode, constantOf: (name: string) => Constant | null): Constant | null {
  if (node.outputs.length !== 1 || node.domain !== '') return null;
  const inputs = node.inputs.map((name) => constantOf(name)!);
  const result = evaluate(node, inputs, mostElements);
  // How a NaN passes through a kernel is the kernel's affair.
  return result === null || result.dtype === 'float16' || result.values.some(Number.isNaN) ? null : result;
}

function decoded({ dtype, shape, bytes }: OnnxInitializer): Constant {
  const typed = new arrayOf[dtype as keyof typeof arrayOf](bytes.slice().buffer);
  return { dtype, shape, values: Array.from(typed, Number) };
}

function encoded(name: string, { dtype, shape, values }: Constant): OnnxInitializer {
  const typed =
    dtype === 'int64'
      ? BigInt64Array.from(values, BigInt)
      : new arrayOf[dtype as 'float32' | 'int32' | 'bool'](values);
  return { name, dtype, shape, bytes: new Uint8Array(typed.buffer) };
}
