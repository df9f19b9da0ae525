/**
 * Checks cases of ops three ways: ONNX Runtime against the float64 interpreter, the gradient graph against central
 * finite differences (both in float64), and the gradient graph through ONNX Runtime against the interpreter.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  add,
  type CompileOptions,
  cast,
  compile,
  constant,
  type DType,
  gradients,
  input,
  matmul,
  mul,
  reshape,
  type Shape,
  size,
  sum,
  type Tensor,
} from '../../src/graph/index.js';
import { type Random, randomStream } from '../../src/random/index.js';
import { Runtime, type Values } from '../../src/runtime/index.js';
import { interpret } from './reference.js';

/** An input of a case: its type and how its values are drawn. */
export interface Drawn {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly draw: (stream: Random, position: number) => number;
}

/** Numbers in ±[0.05, 2], which keep away from the kinks at 0. */
export function real(...shape: number[]): Drawn {
  const draw = (stream: Random) => (stream.uniform() < 0.5 ? -1 : 1) * (0.05 + 1.95 * stream.uniform());
  return { shape, dtype: 'float32', draw };
}

/** Numbers in [0.3, 2]. */
export function positive(...shape: number[]): Drawn {
  return { shape, dtype: 'float32', draw: (stream) => 0.3 + 1.7 * stream.uniform() };
}

/** Fixed numbers. */
export function given(values: readonly number[], shape: Shape = [values.length]): Drawn {
  return { shape, dtype: 'float32', draw: (_stream, position) => values[position] };
}

/** Integers in [0, n). */
export function indices(n: number, ...shape: number[]): Drawn {
  return { shape, dtype: 'int32', draw: (stream) => stream.integer(n) };
}

/** Booleans. */
export function flags(...shape: number[]): Drawn {
  return { shape, dtype: 'bool', draw: (stream) => stream.integer(2) };
}

export interface Case {
  readonly name: string;
  readonly inputs: readonly Drawn[];
  readonly build: (...inputs: Tensor[]) => Tensor | readonly Tensor[];
  /** Skip the finite differences where the function has a kink at the given point; hand-written values cover it. */
  readonly kink?: boolean;
  /** The derivative is zero by declaration, whatever the finite differences say. */
  readonly stopped?: boolean;
  /** Relative to the largest magnitude; default 1e-5. */
  readonly tolerance?: number;
}

export function typed(dtype: Tensor['dtype'], values: ArrayLike<number>): Values {
  if (dtype === 'float32') return Float32Array.from(values);
  return dtype === 'int32' ? Int32Array.from(values) : Uint8Array.from(values);
}

/** Fails unless |actual − expected| ≤ tolerance · max(least, max |expected|) everywhere (and both are finite). */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
  least = 1e-3,
): void {
  assert.equal(actual.length, expected.length, `${what}: length`);
  const scale = Math.max(least, ...Array.from(expected, Math.abs));
  for (let i = 0; i < expected.length; i++) {
    assert.ok(
      Math.abs(actual[i] - expected[i]) <= tolerance * scale,
      `${what}: element ${i} is ${actual[i]} instead of ${expected[i]} (largest magnitude ${scale})`,
    );
  }
}

/** A case made concrete: its graph, its values in float32 precision and its gradient graph. */
export interface Built {
  readonly item: Case;
  readonly leaves: readonly Tensor[];
  readonly values: readonly Float64Array[];
  readonly outputs: readonly Tensor[];
  /** Σ seed · output over all outputs: what the derivatives are of. */
  readonly objective: Tensor;
  readonly wrt: readonly Tensor[];
  readonly derivatives: readonly Tensor[];
}

export function build(item: Case, half = false): Built {
  const stream = randomStream(1, 'ops', item.name);
  const leaves = item.inputs.map(({ shape, dtype }, i) => input(`${item.name}.${i}`, shape, dtype));
  const values = item.inputs.map(({ shape, dtype, draw }) =>
    Float64Array.from({ length: size(shape) }, (_, position) => {
      const value = draw(stream, position);
      return half && dtype === 'float32' ? toHalf(value) : Math.fround(value);
    }),
  );
  const built = item.build(...(half ? leaves.map(throughHalf) : leaves));
  const outputs = Array.isArray(built) ? (built as readonly Tensor[]) : [built as Tensor];
  const seeds = outputs.map(({ shape }) =>
    constant(
      Float32Array.from({ length: size(shape) }, () => stream.normal()),
      shape,
    ),
  );
  const parts = outputs.map((output, i) => sum(mul(cast(output, 'float32'), seeds[i])));
  const objective = parts.reduce((total, part) => add(total, part));
  const wrt = leaves.filter(({ dtype }) => dtype === 'float32');
  // A single output takes its seed directly, so that both ways of calling `gradients` are used.
  const derivatives = outputs.length === 1 ? gradients(outputs[0], wrt, seeds[0]) : gradients(objective, wrt);
  return { item, leaves, values, outputs, objective, wrt, derivatives };
}

/** The nearest number with 11 significant bits, as float16 has them in its normal range. */
function toHalf(value: number): number {
  if (value === 0) return 0;
  const step = 2 ** (Math.floor(Math.log2(Math.abs(value))) - 10);
  return Math.round(value / step) * step;
}

/** A number times 1 as a matrix product, which a program in float16 computes in it. */
function throughHalf(x: Tensor): Tensor {
  return x.dtype === 'float32' ? reshape(matmul(reshape(x, [-1, 1]), constant(1, [1, 1])), x.shape) : x;
}

/** Central differences of the objective with respect to one leaf. */
function finiteDifferences({ leaves, values, objective }: Built, leaf: Tensor): Float64Array {
  const step = 1e-5;
  const place = leaves.indexOf(leaf);
  const feeds = new Map(leaves.map((tensor, i) => [tensor, values[i].slice()]));
  const moved = feeds.get(leaf)!;
  return values[place].map((value, i) => {
    const [above, below] = [step, -step].map((change) => {
      moved[i] = value + change;
      return interpret([objective], feeds)[0][0];
    });
    moved[i] = value;
    return (above - below) / (2 * step);
  });
}

/** Where cases run and how they are compiled. */
export interface Setting {
  /** Default `cpu`. */
  readonly device?: string;
  /** Default: plain operators, whatever the device offers or lacks. */
  readonly emit?: (runtime: Runtime) => CompileOptions;
  /** In float16, inputs included: the tolerance relative to the largest magnitude is then at least this. */
  readonly half?: number;
}

/** What ONNX Runtime makes of all cases at once: one session instead of one per case. */
async function runAll(
  cases: readonly Built[],
  { device = 'cpu', emit = () => ({}), half }: Setting,
): Promise<Record<string, Float32Array>> {
  const runtime = await Runtime.open({ device, threads: 2 });
  const outputs: Record<string, Tensor> = {};
  const feeds: Record<string, Values> = {};
  for (const { item, leaves, values, outputs: results, derivatives } of cases) {
    results.forEach((tensor, i) => {
      outputs[`${item.name}.y${i}`] = tensor;
    });
    derivatives.forEach((tensor, i) => {
      outputs[`${item.name}.d${i}`] = tensor;
    });
    leaves.forEach((leaf, i) => {
      feeds[`${item.name}.${i}`] = typed(leaf.dtype, values[i]);
    });
  }
  const executable = await runtime.load(
    compile(outputs, { ...emit(runtime), precision: half === undefined ? 'float32' : 'float16' }),
  );
  try {
    const used = Object.fromEntries(executable.program.inputs.map(({ name }) => [name, feeds[name]]));
    return await executable.run(used);
  } finally {
    await executable.release();
  }
}

/** Declares one test per case. */
export function checkCases(family: string, cases: readonly Case[], setting: Setting = {}): void {
  const { half } = setting;
  const all = cases.map((item) => build(item, half !== undefined));
  let running: Promise<Record<string, Float32Array>> | undefined;
  for (const built of all) {
    const { item, leaves, values, outputs, wrt, derivatives } = built;
    // Other devices have no fused multiply-add and sum in another order: more rounding, which cancellation enlarges.
    const tolerance = Math.max(half ?? 0, (item.tolerance ?? 1e-5) * (setting.device === undefined ? 1 : 10));
    // Sums that cancel to nothing leave the rounding of what they are of.
    const least = half === undefined ? 1e-3 : 0.25;
    test(`${family}: ${item.name}`, async () => {
      running ??= runAll(all, setting);
      const results = await running;
      const feeds = new Map(leaves.map((leaf, i) => [leaf, values[i]]));
      const exact = interpret([...outputs, ...derivatives], feeds);
      outputs.forEach((_, i) => {
        assertClose(results[`${item.name}.y${i}`], exact[i], tolerance, `output ${i}`, least);
      });
      derivatives.forEach((_, i) => {
        const derivative = exact[outputs.length + i];
        assertClose(results[`${item.name}.d${i}`], derivative, tolerance, `derivative ${i}`, least);
        if (item.stopped) assertClose(derivative, new Float64Array(derivative.length), 0, `derivative ${i}`);
        else if (!item.kink && half === undefined) {
          // 2e-7: the gradient graph's own constants, such as 1/n, are rounded to float32.
          assertClose(derivative, finiteDifferences(built, wrt[i]), 2e-7, `derivative ${i} in float64`);
        }
      });
    });
  }
}
