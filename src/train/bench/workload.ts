/** What is timed: training steps and predictions of a network, and the matrix product that they are set against. */
import { ConfigError } from '../../errors.js';
import {
  compile,
  input,
  matmul,
  mean,
  multiplyAdds,
  type Precision,
  type Program,
  parameter,
  type Shape,
  size,
  type Tensor,
} from '../../graph/index.js';
import { type ImageClassifier, type ImageClassifierName, imageClassifiers } from '../../models/index.js';
import { ParameterList, Scope } from '../../nn/index.js';
import { type Random, randomStream } from '../../random/index.js';
import {
  type Executable,
  mostSteps,
  ParameterStore,
  Runtime,
  requirePrecision,
} from '../../runtime/index.js';
import { layOut, storeInitialValues } from '../layout.js';
import { labelLoss, meanLoss } from '../losses.js';
import { defaultLossScaling } from '../lossScaling.js';
import {
  compileTraining,
  programsWithin,
  stepScalars,
  storeTrainingState,
  type UpdateOptions,
} from '../trainingProgram.js';

/** Where a workload runs. */
export interface PlaceSettings {
  readonly device: string;
  /** Default: the machine's cores. */
  readonly threads?: number;
  /** What programs compute in. Default float32. */
  readonly precision?: Precision;
  /** Most bytes that a program may take; default what the device has. */
  readonly memoryLimit?: number;
  /** File prefix for ONNX Runtime's profile; default none. */
  readonly profile?: string;
  /** Folder of optimised programs; default none. */
  readonly cache?: string;
}

/** A network on batches of random images. */
export interface NetworkSettings extends PlaceSettings {
  readonly task: 'training' | 'inference';
  /** A name of `imageClassifiers`. */
  readonly model: string;
  /** Image side, pixels. */
  readonly side: number;
  readonly batch: number;
  readonly classes: number;
}

/** A chain of products of square matrices. */
export interface MatmulSettings extends PlaceSettings {
  readonly task: 'matmul';
  /** Rows and columns of each matrix. */
  readonly extent: number;
}

export type WorkloadSettings = NetworkSettings | MatmulSettings;

export interface WorkloadDescription {
  readonly device: string;
  readonly threads: number;
  /** Trained values. */
  readonly parameters: number;
  /** Nodes of the ONNX program. */
  readonly nodes: number;
  /** Multiply–adds of one forward pass over a batch, or of one chain of products. */
  readonly multiplyAdds: number;
  /** From the first symbolic tensor to the bytes of the ONNX model. */
  readonly compileMs: number;
  /** From these bytes to a program that can run. */
  readonly loadMs: number;
  /** Whether the program was taken from the cache. */
  readonly fromCache: boolean;
}

export interface Workload {
  readonly description: WorkloadDescription;
  /**
   * Batches, or chains, one after the other; training steps share runs as they do in a training.
   * @returns seconds of each
   * @throws Error when a result is not finite
   */
  repeat(count: number): Promise<number[]>;
  close(): Promise<void>;
}

/**
 * A network of `imageClassifiers` by name.
 * @param side image side, pixels; default the network's own
 * @returns the network, with that side
 * @throws ConfigError for an unknown name or a side that does not fit the network
 */
export function findClassifier(model: string, side?: number): ImageClassifier {
  if (!Object.hasOwn(imageClassifiers, model)) {
    throw new ConfigError(
      `model: must be one of ${Object.keys(imageClassifiers).join(', ')}, got "${model}"`,
      'model',
    );
  }
  const classifier: ImageClassifier = imageClassifiers[model as ImageClassifierName];
  const { stride } = classifier;
  if (side !== undefined && (side < stride || side % stride !== 0)) {
    throw new ConfigError(
      `side: must be a multiple of ${stride} for ${model}, got ${side}; its own is ${classifier.side}`,
      'side',
    );
  }
  return { ...classifier, side: side ?? classifier.side };
}

/** Compiles and loads a workload, timed. @throws ConfigError for a model, side, device or thread count that is not there */
export async function openWorkload(settings: WorkloadSettings): Promise<Workload> {
  const { task } = settings;
  switch (task) {
    case 'training':
      return openTraining(settings);
    case 'inference':
      return openInference(settings);
    case 'matmul':
      return openMatmul(settings);
    default:
      return task satisfies never;
  }
}

/** A compiled program and what its runs are given. */
interface Built {
  readonly program: Program;
  readonly store: ParameterStore;
  readonly parameters: number;
  /** The result whose arithmetic counts. */
  readonly forward: Tensor;
  readonly feeds: (run: number) => Parameters<Executable['run']>[0];
}

/** Runs a part of the compilation: drawing initial values is none. */
type Timed = <T>(work: () => T) => T;

async function load(
  settings: WorkloadSettings,
  build: (runtime: Runtime, compiling: Timed) => Built,
): Promise<Workload> {
  const runtime = await Runtime.open(settings);
  await requirePrecision(runtime, settings.precision ?? 'float32', 'precision');
  let compileMs = 0;
  const { program, store, parameters, forward, feeds } = build(runtime, (work) => {
    const start = performance.now();
    const result = work();
    compileMs += performance.now() - start;
    return result;
  });
  const start = performance.now();
  const executable = await runtime.load(program, store);
  const loadMs = performance.now() - start;
  let runs = 0;
  return {
    description: {
      device: runtime.device,
      threads: runtime.threads,
      parameters,
      nodes: program.nodeCount,
      multiplyAdds: multiplyAdds([forward]),
      compileMs,
      loadMs,
      fromCache: executable.fromCache,
    },
    async repeat(count) {
      const seconds: number[] = [];
      while (seconds.length < count) {
        const together = program.repeated ? Math.min(mostSteps, count - seconds.length) : 1;
        const start = performance.now();
        const results = await runTogether(executable, together, () => {
          const step = runs++;
          return [feeds(step), { seed: 1, step }];
        });
        const each = (performance.now() - start) / 1000 / together;
        seconds.push(...new Array<number>(together).fill(each));
        for (const [name, values] of results.flatMap(Object.entries<Float32Array>)) {
          const fault = values.find((value) => !Number.isFinite(value));
          if (fault !== undefined) throw new Error(`internal: ${settings.task}: ${name} became ${fault}`);
        }
      }
      return seconds;
    },
    async close() {
      if (settings.profile !== undefined) executable.endProfiling();
      await executable.release();
    },
  };
}

async function runTogether(
  executable: Executable,
  count: number,
  next: () => Parameters<Executable['run']>,
): Promise<Record<string, Float32Array>[]> {
  if (!executable.program.repeated) return [await executable.run(...next())];
  for (let i = 0; i < count; i++) executable.add(...next());
  return executable.runAdded();
}

/** A network and the shape of its images. */
function trace({ model, side, batch, classes }: NetworkSettings, training: boolean) {
  const list = new ParameterList();
  const shape = [batch, 3, side, side];
  const scope = new Scope(list, training);
  return { list, shape, logits: findClassifier(model, side).logits(scope, input('images', shape), classes) };
}

function normals(random: Random, shape: Shape): Float32Array {
  const values = new Float32Array(size(shape));
  random.fillNormal(values, 1);
  return values;
}

function openTraining(settings: NetworkSettings): Promise<Workload> {
  const rows = [settings.batch, settings.classes];
  const update: UpdateOptions = {
    optimizer: { name: 'adamw', learningRate: 1e-3, weightDecay: 0.05, beta1: 0.9, beta2: 0.999 },
    clip: null,
    average: false,
    accumulate: 1,
    lossScaling: settings.precision === 'float16' ? defaultLossScaling : null,
  };
  return load(settings, (runtime, compiling) => {
    const { list, shape, logits, layout, program } = compiling(() => {
      const network = trace(settings, true);
      const mask = input('mask', rows);
      const losses = labelLoss(network.logits, input('targets', rows), mask, { name: 'bce' });
      const layout = layOut(network.list, () => 'all');
      const loss = meanLoss(losses, mask);
      const { step } = programsWithin(runtime, (repeat) =>
        compileTraining(network.list, layout, loss, {}, update, { ...runtime.emitOptions, repeat }),
      );
      return { ...network, layout, program: step };
    });
    const store = new ParameterStore();
    storeInitialValues(store, layout, list, 1);
    storeTrainingState(store, layout, update);
    const random = randomStream(1, 'bench');
    const fixed = {
      images: normals(random, shape),
      targets: Float32Array.from({ length: size(rows) }, () => Number(random.uniform() < 0.3)),
      mask: new Float32Array(size(rows)).fill(1),
    };
    const scalars = (step: number) => stepScalars({ learningRate: 1e-3, step, averageDecay: 0 }, update);
    return {
      program,
      store,
      parameters: list.count(),
      forward: logits,
      feeds: (step) => ({ ...fixed, ...scalars(step) }),
    };
  });
}

/** Weights are part of the program, as they are in a run's `model.onnx`. */
function openInference(settings: NetworkSettings): Promise<Workload> {
  return load(settings, (_runtime, compiling) => {
    const { list, shape, logits } = compiling(() => trace(settings, false));
    const values = new Map([...list.initialValues(1)].map((initial) => [initial.name, initial.values]));
    const images = normals(randomStream(1, 'bench'), shape);
    return {
      program: compiling(() =>
        compile({ logits }, { embed: (name) => values.get(name), precision: settings.precision }),
      ),
      store: new ParameterStore(),
      parameters: list.count(),
      forward: logits,
      feeds: () => ({ images }),
    };
  });
}

/** Products of one chain, so that what a run costs besides them does not count. */
const chainLength = 4;

function openMatmul(settings: MatmulSettings): Promise<Workload> {
  const { extent, precision } = settings;
  const shape = [extent, extent];
  return load(settings, (runtime, compiling) => {
    const { product, program } = compiling(() => {
      const right = parameter('right', shape);
      let product = parameter('left', shape);
      for (let i = 0; i < chainLength; i++) product = matmul(product, right);
      return { product, program: compile({ mean: mean(product) }, { ...runtime.emitOptions, precision }) };
    });
    const random = randomStream(1, 'matmul');
    const store = new ParameterStore();
    // Rows of length 1, so that the products keep their size.
    const row = Math.sqrt(extent);
    for (const name of ['left', 'right']) {
      store.set(
        name,
        normals(random, shape).map((value) => value / row),
        shape,
      );
    }
    return { program, store, parameters: 0, forward: product, feeds: () => ({}) };
  });
}
