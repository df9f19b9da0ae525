/** One training step of a small network with most kinds of kernels. */
import * as g from '../../src/graph/index.js';
import { randomStream } from '../../src/random/index.js';
import type { Executable, ParameterStore } from '../../src/runtime/index.js';

const x = g.input('x', [4, 16, 12, 12]);
const w1 = g.parameter('w1', [16, 16, 3, 3]);
const w2 = g.parameter('w2', [16, 16, 3, 3]);
const scale = g.parameter('scale', [16]);
const bias = g.parameter('bias', [16]);
const head = g.parameter('head', [16, 5]);
const parameters = { w1, w2, scale, bias, head };

function normal(length: number, purpose: string): Float32Array {
  const stream = randomStream(3, purpose);
  return Float32Array.from({ length }, () => stream.normal());
}

export const feeds = { x: normal(g.size(x.shape), 'x') };

export function trainingProgram(options: g.EmitOptions): g.Program {
  const first = g.conv2d(x, w1, null, { padding: [1, 1, 1, 1] });
  const kept = g.bernoulli(first.shape, 0.9);
  const normed = g.relu(g.batchNormTraining(g.where(kept, first, 0), scale, bias).y);
  const pooled = g.maxPool2d(normed, { kernel: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1] });
  const second = g.gelu(g.conv2d(pooled, w2, null, { padding: [1, 1, 1, 1], strides: [2, 2] }));
  const logits = g.matmul(g.mean(second, { axes: [2, 3] }), head);
  const loss = g.mean(g.softplus(g.neg(g.logSoftmax(logits))));
  const derivatives = g.gradients(loss, Object.values(parameters));
  const updates = new Map(
    Object.values(parameters).map((p, i) => [p, g.sub(p, g.mul(derivatives[i], 0.1))] as const),
  );
  return g.compile({ loss, logits }, { updates, ...options });
}

/** Gives every parameter its first value. */
export function initialize(store: ParameterStore): ParameterStore {
  for (const [name, { shape }] of Object.entries(parameters))
    store.set(name, normal(g.size(shape), name), shape);
  return store;
}

/** Runs steps 0, 1, … and returns every bit they produced. */
export async function bitsOf(executable: Executable, store: ParameterStore, steps: number, seed = 7) {
  const parts: Float32Array[] = [];
  for (let step = 0; step < steps; step++) {
    const { loss, logits } = await executable.run(feeds, { seed, step });
    parts.push(loss, logits);
  }
  for (const name of store.names()) parts.push(store.get(name).values);
  return Buffer.concat(parts.map((part) => Buffer.from(part.slice().buffer))).toString('base64');
}
