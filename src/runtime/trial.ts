/** A program of its own that times a device on products of matrices: `node trial.js DEVICE` prints a `Trial` as JSON. */
import { compile, input, matmul, mean } from '../graph/index.js';
import { currentPlatform, type Device } from './backend.js';
import type { Trial } from './choice.js';
import { firstLine } from './failures.js';

const width = 512;
const products = 4;
const repeats = 5;

/** Best of some runs of a chain of products (1.1 GFLOP), so that start-up does not count. */
async function time(device: Device): Promise<Trial> {
  const platform = await currentPlatform();
  const threads = platform.defaultThreads;
  const backend = await platform.open(device, threads);
  const factor = input('factor', [width, width]);
  let chain = factor;
  for (let i = 0; i < products; i++) chain = matmul(chain, factor);
  const { onnx } = compile({ average: mean(chain) });
  const { session } = await backend.createSession(onnx, { threads, allowFallback: false });
  // The product of this matrix with itself is itself.
  const values = new Float32Array(width * width).fill(1 / width);
  const feeds = { factor: backend.tensor('float32', values, [width, width]) };
  let seconds = Number.POSITIVE_INFINITY;
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    const { average } = await session.run(feeds);
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
    if (Math.abs((average.data[0] as number) * width - 1) > 1e-4) return { failure: 'its results are wrong' };
  }
  return { seconds };
}

const trial = await time(process.argv[2] as Device).catch(
  (error: unknown): Trial => ({ failure: firstLine(error) }),
);
process.stdout.write(JSON.stringify(trial));
