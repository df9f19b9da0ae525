/** What is timed: training steps and predictions of a network, and the matrix product that they are set against. */
import { ConfigError } from '../../errors.js';
import {
  compile,
  input,
  matmul,
  mean,
  multiplyAdds,
  type Program,
  parameter,
  size,
  type Tensor,
} from '../../graph/index.js';
import { type ImageClassifier, type ImageClassifierName, imageClassifiers } from '../../models/index.js';
import { ParameterList, Scope } from '../../nn/index.js';
import { randomStream } from '../../random/index.js';
import { type Executable, ParameterStore, Runtime } from '../../runtime/index.js';
import { layOut, storeInitialValues } from '../layout.js';
import { labelLoss, meanLoss } from '../losses.js';
import { compileTraining, stepScalars, trainingState, type UpdateOptions } from '../trainingProgram.js';

/** Where a workload runs. */
export interface PlaceSettings {
  readonly device: string;
  /** Default: the machine's cores. */
  readonly threads?: number;
  /** File prefix for ONNX Runtime's profile; default none. */
  readonly profile?: string;
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
}

export interface Workload {
  readonly description: WorkloadDescription;
  /** One batch, or one chain. @throws Error when a result is not finite */
  run(): Promise<void>;
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

async function load(settings: WorkloadSettings, build: (runtime: Runtime) => Built): Promise<Workload> {
  const runtime = await Runtime.open(settings);
  const start = performance.now();
  const { program, store, parameters, forward, feeds } = build(runtime);
  const compiled = performance.now();
  const executable = await runtime.load(program, store);
  const loaded = performance.now();
  let runs = 0;
  return {
    description: {
      device: runtime.device,
      threads: runtime.threads,
      parameters,
      nodes: program.nodeCount,
      multiplyAdds: multiplyAdds([forward]),
      compileMs: compiled - start,
      loadMs: loaded - compiled,
    },
    async run() {
      const step = runs++;
      const results = await executable.run(feeds(step), { seed: 1, step });
      for (const [name, values] of Object.entries(results)) {
        const fault = values.find((value) => !Number.isFinite(value));
        if (fault !== undefined) throw new Error(`internal: ${settings.task}: ${name} became ${fault}`);
      }
    },
    async close() {
      if (settings.profile !== undefined) executable.endProfiling();
      await executable.release();
    },
  };
}

/** A network and random images for it. */
function network({ model, side, batch, classes }: NetworkSettings, training: boolean) {
  const list = new ParameterList();
  const shape = [batch, 3, side, side];
  const logits = findClassifier(model, side).logits(
    new Scope(list, training),
    input('images', shape),
    classes,
  );
  const random = randomStream(1, 'bench');
  const images = Float32Array.from({ length: size(shape) }, () => random.normal());
  return { list, logits, images, random };
}

function openTraining(settings: NetworkSettings): Promise<Workload> {
  const shape = [settings.batch, settings.classes];
  const update: UpdateOptions = {
    optimizer: { name: 'adamw', learningRate: 1e-3, weightDecay: 0.05, beta1: 0.9, beta2: 0.999 },
    clip: null,
    average: false,
    accumulate: 1,
  };
  return load(settings, (runtime) => {
    const { list, logits, images, random } = network(settings, true);
    const mask = input('mask', shape);
    const loss = meanLoss(labelLoss(logits, input('targets', shape), mask, { name: 'bce' }), mask);
    const layout = layOut(list, () => 'all');
    const { step: program } = compileTraining(list, layout, loss, {}, update, runtime.emitOptions);
    const store = new ParameterStore();
    storeInitialValues(store, layout, list, 1);
    for (const { name, length } of trainingState(layout, update)) {
      store.set(name, new Float32Array(length), [length]);
    }
    const targets = Float32Array.from({ length: size(shape) }, () => Number(random.uniform() < 0.3));
    const fixed = { images, targets, mask: new Float32Array(size(shape)).fill(1) };
    return {
      program,
      store,
      parameters: list.count(),
      forward: logits,
      feeds: (step) => ({
        ...fixed,
        ...stepScalars({ learningRate: 1e-3, step, averageDecay: 0 }, update),
      }),
    };
  });
}

/** Weights are part of the program, as they are in a run's `model.onnx`. */
function openInference(settings: NetworkSettings): Promise<Workload> {
  return load(settings, () => {
    const { list, logits, images } = network(settings, false);
    const values = new Map([...list.initialValues(1)].map((initial) => [initial.name, initial.values]));
    const program = compile({ logits }, { embed: (name) => values.get(name) });
    return {
      program,
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
  const shape = [settings.extent, settings.extent];
  return load(settings, (runtime) => {
    const left = parameter('left', shape);
    const right = parameter('right', shape);
    let product = left;
    for (let i = 0; i < chainLength; i++) product = matmul(product, right);
    const random = randomStream(1, 'matmul');
    const store = new ParameterStore();
    // Rows of length 1, so that the products keep their size.
    const deviation = 1 / Math.sqrt(settings.extent);
    for (const name of ['left', 'right']) {
      store.set(
        name,
        Float32Array.from({ length: size(shape) }, () => random.normal() * deviation),
        shape,
      );
    }
    const program = compile({ mean: mean(product) }, runtime.emitOptions);
    return { program, store, parameters: 0, forward: product, feeds: () => ({}) };
  });
}
