import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as g from '../../src/graph/index.js';
import { Runtime, type Values } from '../../src/runtime/index.js';
import { assertClose, typed } from './check.js';

interface GoldenCase {
  readonly op: string;
  readonly attributes: Record<string, unknown>;
  readonly inputs: readonly { shape: number[]; dtype: g.DType; values: number[] }[];
  readonly seeds: readonly number[][];
  readonly outputs: readonly number[][];
  readonly gradients: readonly number[][];
}
const golden = JSON.parse(readFileSync('test/golden/torch/ops.json', 'utf8')) as {
  versions: { torch: string };
  cases: GoldenCase[];
};

type Builder = (inputs: readonly g.Tensor[], attributes: never) => g.Tensor | readonly g.Tensor[];
interface Size {
  rows: number;
  columns: number;
}

const builders: Readonly<Record<string, Builder>> = {
  conv2d: ([x, w, b], options: g.ConvOptions) => g.conv2d(x, w, b, options),
  convTranspose2d: ([x, w], options: g.ConvOptions) => g.convTranspose2d(x, w, options),
  maxPool2d: ([x], options: g.PoolOptions) => g.maxPool2d(x, options),
  averagePool2d: ([x], options: g.PoolOptions) => g.averagePool2d(x, options),
  batchNormTraining([x, scale, bias], { epsilon }: { epsilon: number }) {
    const { y, mean, variance } = g.batchNormTraining(x, scale, bias, epsilon);
    return [y, mean, variance];
  },
  batchNormInference: ([x, scale, bias, mean, variance], { epsilon }: { epsilon: number }) =>
    g.batchNormInference(x, scale, bias, mean, variance, epsilon),
  layerNorm: ([x, scale, bias], { epsilon }: { epsilon: number }) => g.layerNorm(x, scale, bias, epsilon),
  gelu: ([x]) => g.gelu(x),
  softplus: ([x]) => g.softplus(x),
  logSigmoid: ([x]) => g.logSigmoid(x),
  sigmoid: ([x]) => g.sigmoid(x),
  tanh: ([x]) => g.tanh(x),
  relu: ([x]) => g.relu(x),
  abs: ([x]) => g.abs(x),
  erf: ([x]) => g.erf(x),
  clip: ([x], { low, high }: { low: number; high: number }) => g.clip(x, low, high),
  maximum: ([a, b]) => g.maximum(a, b),
  minimum: ([a, b]) => g.minimum(a, b),
  max: ([x], { axes }: { axes: number[] }) => g.max(x, { axes }),
  resizeBilinear: ([x], { rows, columns }: Size) => g.resizeBilinear(x, rows, columns),
  adaptiveAveragePool: ([x], { rows, columns }: Size) => g.adaptiveAveragePool(x, rows, columns),
  softmax: ([x], { axis }: { axis: number }) => g.softmax(x, axis),
  logSoftmax: ([x], { axis }: { axis: number }) => g.logSoftmax(x, axis),
  logSumExp: ([x], { axes }: { axes: number[] }) => g.logSumExp(x, { axes }),
  gather: ([table, indices]) => g.gather(table, indices),
  crossEntropy: ([x, i]) => g.neg(g.sum(g.mul(g.logSoftmax(x), g.oneHot(i, x.shape[1])), { axes: [1] })),
  binaryCrossEntropy: ([x, t]) => g.sub(g.softplus(x), g.mul(x, t)),
  attention: ([q, k, v]) => g.matmul(g.softmax(g.mul(g.matmul(q, k, { transposeB: true }), 0.5)), v),
};

/** All cases in one program. */
async function runAll(): Promise<Record<string, Float32Array>> {
  const outputs: Record<string, g.Tensor> = {};
  const feeds: Record<string, Values> = {};
  golden.cases.forEach((item, c) => {
    const inputs = item.inputs.map(({ shape, dtype, values }, i) => {
      feeds[`x${c}.${i}`] = typed(dtype, values);
      return g.input(`x${c}.${i}`, shape, dtype);
    });
    const built = builders[item.op](inputs, item.attributes as never);
    const results = Array.isArray(built) ? (built as readonly g.Tensor[]) : [built as g.Tensor];
    const parts = results.map((y, i) => g.sum(g.mul(y, g.constant(item.seeds[i], y.shape))));
    const objective = parts.reduce((total, part) => g.add(total, part));
    const wrt = inputs.filter(({ dtype }) => dtype === 'float32');
    results.forEach((y, i) => {
      outputs[`y${c}.${i}`] = y;
    });
    g.gradients(objective, wrt).forEach((derivative, i) => {
      outputs[`d${c}.${i}`] = derivative;
    });
  });
  const runtime = await Runtime.open({ threads: 1 });
  return (await runtime.load(g.compile(outputs))).run(feeds);
}

let running: ReturnType<typeof runAll> | undefined;
golden.cases.forEach(({ op, attributes, inputs, outputs, gradients }, c) => {
  const shapes = inputs.map(({ shape }) => `[${shape}]`).join(' ');
  test(`${op} ${shapes} ${JSON.stringify(attributes)} equals PyTorch ${golden.versions.torch}`, async () => {
    running ??= runAll();
    const got = await running;
    outputs.forEach((expected, i) => {
      assertClose(got[`y${c}.${i}`], expected, 1e-5, `output ${i}`);
    });
    gradients.forEach((expected, i) => {
      assertClose(got[`d${c}.${i}`], expected, 1e-5, `derivative ${i}`);
    });
  });
});
