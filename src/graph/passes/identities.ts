/** Drops nodes that change nothing. The rules are those for which training programs have cases. */
import type { OnnxGraph, OnnxInitializer, OnnxNode } from '../onnx.js';
import { rewriteNodes } from './replaced.js';

/** What a rule sees of a graph. */
interface Surroundings {
  /** The node that makes a value; none for inputs and initialisers. */
  readonly maker: (name: string) => OnnxNode | undefined;
  readonly initializer: (name: string) => OnnxInitializer | undefined;
  /** Undefined where it is not known. */
  readonly shape: (name: string) => readonly number[] | undefined;
}

/** A node of fewer steps, the name of the value that the node's output equals, or null. */
type Rule = (node: OnnxNode, graph: Surroundings) => OnnxNode | string | null;

const rules: Readonly<Record<string, Rule>> = {
  /** A view of a view, or under the same shape. An extent of 0 would speak of the first view's. */
  Reshape(node, { maker, initializer, shape }) {
    const target = initializer(node.inputs[1]);
    if (target === undefined || int64s(target).some((extent) => extent === 0n)) return null;
    const view = maker(node.inputs[0]);
    const whole = view?.type === 'Reshape' ? view.inputs[0] : node.inputs[0];
    if (shape(whole)?.join() === int64s(target).join()) return whole;
    return whole === node.inputs[0] ? null : { ...node, inputs: [whole, node.inputs[1]] };
  },
  /** Axes moved and moved back. Two other transpositions stay two: each may move a single axis, which is fast. */
  Transpose(node, { maker }) {
    const first = maker(node.inputs[0]);
    const [second, before] = [permutation(node), first === undefined ? null : permutation(first)];
    return first?.type === 'Transpose' && second?.every((axis, i) => before?.[axis] === i)
      ? first.inputs[0]
      : null;
  },
  Neg(node, { maker }) {
    const first = maker(node.inputs[0]);
    return first?.type === 'Neg' ? first.inputs[0] : null;
  },
  /** Times 1, a scalar, so that it broadcasts nothing. */
  Mul({ inputs: [a, b] }, { initializer }) {
    const isOne = (name: string) => {
      const factor = initializer(name);
      return factor?.dtype === 'float32' && factor.shape.length === 0 && float32(factor) === 1;
    };
    return isOne(b) ? a : isOne(a) ? b : null;
  },
};

/** The graph without double negations, products with 1, views of views and transpositions that cancel. */
export function dropIdentities(graph: OnnxGraph): OnnxGraph {
  const initializers = new Map(graph.initializers.map((initializer) => [initializer.name, initializer]));
  const makers = new Map<string, OnnxNode>();
  const surroundings: Surroundings = {
    maker: (name) => makers.get(name),
    initializer: (name) => initializers.get(name),
    shape: (name) => graph.shapes?.get(name),
  };
  const nodes = rewriteNodes(graph, (node) => {
    const found = node.domain === '' ? (rules[node.type]?.(node, surroundings) ?? null) : null;
    const kept = found === null || typeof found === 'string' ? node : found;
    for (const name of kept.outputs) makers.set(name, kept);
    return typeof found === 'string' ? { insteadOf: [found] } : kept;
  });
  return { ...graph, nodes };
}

function permutation({ attributes: { perm } }: OnnxNode): readonly number[] | null {
  return perm !== undefined && 'ints' in perm ? perm.ints : null;
}

const int64s = ({ bytes }: OnnxInitializer) => new BigInt64Array(bytes.slice().buffer);
const float32 = ({ bytes }: OnnxInitializer) => new Float32Array(bytes.slice().buffer)[0];
