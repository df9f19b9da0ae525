/** Graphs to test passes on, made by hand or at random, and what ONNX Runtime, told to optimise nothing, makes of them. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { encodeOnnx, type OnnxGraph, type OnnxInitializer, type OnnxNode } from '../../../src/graph/onnx.js';
import type { OnnxAttributes } from '../../../src/graph/op.js';
import { type Random, randomStream } from '../../../src/random/index.js';

const require = createRequire(import.meta.url);
const { InferenceSession, Tensor } = require('onnxruntime-node') as typeof import('onnxruntime-node');

export const node = (
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: OnnxAttributes = {},
): OnnxNode => ({ type, domain: '', inputs, outputs, attributes });

export const float32 = (
  name: string,
  values: readonly number[],
  shape: readonly number[],
): OnnxInitializer => ({
  name,
  dtype: 'float32',
  shape,
  bytes: new Uint8Array(Float32Array.from(values).buffer),
});

export const int64 = (name: string, values: readonly number[]): OnnxInitializer => ({
  name,
  dtype: 'int64',
  shape: [values.length],
  bytes: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
});

/** A graph of float32 inputs and outputs. */
export function graphOf(
  nodes: readonly OnnxNode[],
  initializers: readonly OnnxInitializer[],
  values: {
    readonly inputs?: Record<string, readonly number[]>;
    readonly outputs: Record<string, readonly number[]>;
  },
): OnnxGraph {
  const typed = (shapes: Record<string, readonly number[]> = {}) =>
    Object.entries(shapes).map(([name, shape]) => ({ name, shape, dtype: 'float32' as const }));
  return { nodes, initializers, inputs: typed(values.inputs), outputs: typed(values.outputs) };
}

/** Nodes as text, one a line: outputs = type(inputs). */
export const listing = ({ nodes }: OnnxGraph): string[] =>
  nodes.map(({ type, inputs, outputs }) => `${outputs.join()} = ${type}(${inputs.join()})`);

/** Runs a graph node by node; returns the bits of its outputs, which are float32. */
export async function run(
  graph: OnnxGraph,
  feeds: Readonly<Record<string, Float32Array>> = {},
): Promise<Record<string, Uint32Array>> {
  const session = await InferenceSession.create(encodeOnnx({ ...graph, metadata: {} }), {
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 4,
    intraOpNumThreads: 1,
  });
  const given = graph.inputs.map(({ name, shape }) => [
    name,
    new Tensor('float32', feeds[name], shape as number[]),
  ]);
  const results = await session.run(Object.fromEntries(given));
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [
      name,
      new Uint32Array((data as Float32Array).slice().buffer),
    ]),
  );
}

interface Value {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A graph of some sixty nodes with everything that passes look for, and feeds for it. */
export function randomGraph(seed: number): { graph: OnnxGraph; feeds: Record<string, Float32Array> } {
  const random = randomStream(seed, 'passes');
  const nodes: OnnxNode[] = [];
  const initializers: OnnxInitializer[] = [];
  let names = 0;
  const fresh = () => `#${names++}`;
  const ints = (values: readonly number[]) => {
    initializers.push(int64(fresh(), values));
    return initializers.at(-1)!.name;
  };
  const floats = (values: readonly number[], shape: readonly number[]): Value => {
    initializers.push(float32(fresh(), values, shape));
    return { name: initializers.at(-1)!.name, shape };
  };
  const inputs = { x: [2, 3, 4], y: [4, 6] };
  // All of 24 elements, so that every view fits every value.
  const values: Value[] = Object.entries(inputs).map(([name, shape]) => ({ name, shape }));
  for (const shape of [[2, 3, 4], [24], [4, 1, 6]]) {
    const scale = random.integer(2) === 0 ? 1 : 0.3;
    values.push(
      floats(
        Array.from({ length: 24 }, () => (random.integer(7) - 3) * scale),
        shape,
      ),
    );
  }
  const pick = <T>(list: readonly T[]): T => list[random.integer(list.length)];
  const add = (
    type: string,
    from: readonly string[],
    shape: readonly number[],
    attributes: OnnxAttributes = {},
  ) => {
    const name = fresh();
    nodes.push(node(type, from, [name], attributes));
    values.push({ name, shape });
  };
  const shapes = [[2, 3, 4], [24], [4, 6], [4, 1, 6], [3, 8], [2, 2, 6]];
  const steps: ((x: Value) => void)[] = [
    (x) => add('Neg', [x.name], x.shape),
    (x) => {
      const shape = pick(shapes);
      add('Reshape', [x.name, ints(shape)], shape);
    },
    (x) => {
      const order = random.shuffle(x.shape.map((_, axis) => axis));
      add(
        'Transpose',
        [x.name],
        order.map((axis) => x.shape[axis]),
        { perm: { ints: order } },
      );
    },
    (x) => add('Mul', [x.name, floats([pick([1, 1, 0.5, -2])], []).name], x.shape),
    (x) => {
      const y = pick(values.filter(({ shape }) => shape.join() === x.shape.join()));
      add(pick(['Add', 'Sub', 'Mul', 'Max']), [x.name, y.name], x.shape);
    },
    (x) => {
      const axis = random.integer(x.shape.length);
      const name = fresh();
      nodes.push(node('ReduceSum', [x.name, ints([axis])], [name], { keepdims: { int: 1 } }));
      add('Expand', [name, ints(x.shape)], x.shape);
    },
    (x) => {
      const axis = random.integer(x.shape.length);
      if (x.shape[axis] < 2) return;
      const cut = 1 + random.integer(x.shape[axis] - 1);
      const parts = [
        [cut, x.shape[axis]],
        [0, cut],
      ].map(([from, to]) => {
        const name = fresh();
        nodes.push(node('Slice', [x.name, ints([from]), ints([to]), ints([axis]), ints([1])], [name]));
        return name;
      });
      add('Concat', parts, x.shape, { axis: { int: axis } });
    },
    (x) => {
      const [less, number] = [fresh(), fresh()];
      const y = pick(values.filter(({ shape }) => shape.join() === x.shape.join()));
      nodes.push(node(pick(['Greater', 'Equal']), [x.name, y.name], [less]));
      nodes.push(node('Cast', [less], [number], { to: { int: 1 } }));
      values.push({ name: number, shape: x.shape });
    },
    () => {
      // What was computed once, again.
      const again = pick(nodes.filter(({ outputs: [name] }) => values.some((value) => value.name === name)));
      const { shape } = values.find(({ name }) => name === again.outputs[0])!;
      add(again.type, again.inputs, shape, again.attributes);
    },
  ];
  steps[0](values[0]);
  while (nodes.length < 60) {
    const recent = random.integer(2) === 0 ? values.slice(-4) : values;
    pick(steps)(pick(recent));
  }
  const made = values.filter(({ name }) => nodes.some(({ outputs }) => outputs.includes(name)));
  const outputs = Object.fromEntries(made.slice(-3).map(({ name, shape }) => [name, shape]));
  const draw = (shape: readonly number[], stream: Random) =>
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => stream.normal());
  return {
    graph: graphOf(nodes, initializers, { inputs, outputs }),
    feeds: Object.fromEntries(Object.entries(inputs).map(([name, shape]) => [name, draw(shape, random)])),
  };
}

/** Runs random graphs as they are and after a pass: same bits. @returns nodes before and after, over all of them */
export async function compareOnRandomGraphs(
  pass: (graph: OnnxGraph) => OnnxGraph,
): Promise<{ before: number; after: number }> {
  const nodes = { before: 0, after: 0 };
  for (let seed = 0; seed < 40; seed++) {
    const { graph, feeds } = randomGraph(seed);
    const changed = pass(graph);
    nodes.before += graph.nodes.length;
    nodes.after += changed.nodes.length;
    assert.deepEqual(await run(changed, feeds), await run(graph, feeds), `graph ${seed}`);
  }
  return nodes;
}
