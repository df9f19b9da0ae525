/** Turns symbolic tensors into an ONNX model. */
import { ShapeError } from '../errors.js';
import { toFloat16, withinFloat16 } from './float16.js';
import { type Computation, inHalfPrecision } from './halfPrecision.js';
import { EmittedValues } from './layouts.js';
import { estimateMemory, type MemoryEstimate } from './memory.js';
import { internal, isInternal } from './names.js';
import { encodeOnnx, type OnnxInitializer, type OnnxNode, onnxType } from './onnx.js';
import type { EmitOptions, Emitter } from './op.js';
import { withOpenImages } from './openImages.js';
import { optimize } from './passes/index.js';
import { reach } from './reach.js';
import { repeatGraph } from './repeat.js';
import {
  type DType,
  type Leaf,
  type Node,
  type Precision,
  type Shape,
  sameShape,
  size,
  type Tensor,
} from './tensor.js';

/** A value that crosses the border of a program. */
export interface ProgramValue {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A mask to draw, true with a probability. */
export interface RandomValue extends ProgramValue {
  readonly probability: number;
}

/** A compiled graph: an ONNX model and what it takes and gives. */
export interface Program {
  readonly onnx: Uint8Array<ArrayBuffer>;
  /** Fed by the caller at every run. */
  readonly inputs: readonly ProgramValue[];
  /** Kept between runs; each may be updated by a program output (see `updates`). */
  readonly parameters: readonly ProgramValue[];
  /** Masks that the runtime draws at every run. */
  readonly randoms: readonly RandomValue[];
  readonly outputs: readonly ProgramValue[];
  /** Parameter name to the name of the ONNX output that holds its next value. */
  readonly updates: ReadonlyMap<string, string>;
  readonly nodeCount: number;
  /** Whether values of parameters are stored in it. */
  readonly embeds: boolean;
  readonly memory: MemoryEstimate;
  /** Whether a run does several steps: inputs, random numbers and outputs then have an axis over them in front. */
  readonly repeated: boolean;
}

export interface CompileOptions extends EmitOptions {
  /** New values of parameters, computed by the same run. */
  readonly updates?: ReadonlyMap<Tensor, Tensor>;
  /**
   * Parameters to the tensors that stand for them, made from other leaves: a model's weights as parts of one flat
   * vector, say. The stand-ins must not depend on the parameters they replace.
   */
  readonly bind?: ReadonlyMap<Tensor, Tensor>;
  /** Values of parameters to store inside the model (for a self-contained file). */
  readonly embed?: (name: string) => Float32Array | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Default float32. With float16, values inside are float16 where that is safe; see `inHalfPrecision`. */
  readonly precision?: Precision;
  /** Whether one run does several steps, each with inputs and random numbers of its own; see `repeatGraph`. Default false. */
  readonly repeat?: boolean;
}

/**
 * Compiles the given outputs, and everything they depend on, into one ONNX model.
 * @throws Error when two leaves or outputs carry one name, or one that starts with #
 * @throws ShapeError when an update, a stand-in or an embedded value does not have its parameter's shape
 */
export function compile(outputs: Readonly<Record<string, Tensor>>, options: CompileOptions = {}): Program {
  const updates = options.updates ?? new Map<Tensor, Tensor>();
  const bind = options.bind ?? new Map<Tensor, Tensor>();
  for (const [target, value] of [...updates, ...bind]) requireSameType(target, value);
  const half = options.precision === 'float16';
  return half
    ? compileComputation(inHalfPrecision({ outputs, updates, bind }), {
        ...options,
        blockedConvolution: undefined,
      })
    : compileComputation({ outputs, updates, bind }, options);
}

function compileComputation({ outputs, updates, bind }: Computation, options: CompileOptions): Program {
  const body = reach([...Object.values(outputs), ...updates.values()]);
  const bound = [...body.leaves].filter((leaf) => bind.has(leaf));
  const standIns = reach(bound.map((leaf) => bind.get(leaf)!));
  const leaves = new Set([...body.leaves, ...standIns.leaves, ...updates.keys()]);
  for (const leaf of bound) leaves.delete(leaf);
  for (const leaf of standIns.leaves) {
    if (bind.has(leaf))
      throw new Error(`internal: a stand-in depends on ${describe(leaf)}, which is replaced`);
  }
  const emitter = new ModelEmitter(options);
  const names = new EmittedValues(emitter);
  const inputs: ProgramValue[] = [];
  const parameters: ProgramValue[] = [];
  const randoms: RandomValue[] = [];
  let embeds = false;
  const claim = uniqueNames();
  for (const tensor of [...leaves].sort((a, b) => a.id - b.id)) {
    const leaf = tensor.leaf as Leaf;
    const { shape, dtype } = tensor;
    if (leaf.kind === 'constant') {
      names.set(tensor, emitter.constant(leaf.values, shape, dtype));
      continue;
    }
    requireBorderType(dtype);
    const name = leaf.kind === 'random' ? `random.${randoms.length}` : leaf.name;
    names.set(tensor, claim(name));
    const embedded = leaf.kind === 'parameter' ? options.embed?.(name) : undefined;
    if (embedded === undefined) {
      const value = { name, shape, dtype };
      if (leaf.kind === 'random') randoms.push({ ...value, probability: leaf.probability });
      else (leaf.kind === 'input' ? inputs : parameters).push(value);
    } else {
      if (embedded.length !== size(shape)) {
        throw new ShapeError(
          `compile: ${describe(tensor)} of shape [${shape}] was given ${embedded.length} values`,
        );
      }
      embeds = true;
      emitter.initializer(name, 'float32', shape, new Uint8Array(embedded.slice().buffer));
    }
  }

  const emit = (node: Node) => {
    emitter.precision = node.inputs.some(({ dtype }) => dtype === 'float16') ? 'float16' : 'float32';
    names.emit(node);
  };
  standIns.nodes.forEach(emit);
  for (const leaf of bound) names.set(leaf, names.get(bind.get(leaf)!));
  const already = new Set(standIns.nodes);
  const rest = body.nodes.filter((node) => !already.has(node));
  rest.forEach(emit);
  emitter.prependScratch([...inputs, ...parameters, ...randoms][0]);

  // A result's internal name becomes its public one; what has a public name already is passed on.
  const published = new Map<string, string>();
  const publish = (name: string, tensor: Tensor): ProgramValue => {
    const inside = names.get(tensor);
    claim(name);
    if (isInternal(inside) && tensor.source !== null && !published.has(inside)) published.set(inside, name);
    else
      emitter.nodes.push({ type: 'Identity', domain: '', inputs: [inside], outputs: [name], attributes: {} });
    requireBorderType(tensor.dtype);
    return { name, shape: tensor.shape, dtype: tensor.dtype };
  };
  const results = Object.entries(outputs).map(([name, tensor]) => publish(name, tensor));
  const next: ProgramValue[] = [];
  const updateNames = new Map<string, string>();
  for (const [target, value] of updates) {
    if (target.leaf?.kind !== 'parameter') throw new Error('internal: only parameters can be updated');
    updateNames.set(target.leaf.name, `${target.leaf.name}:next`);
    next.push(publish(`${target.leaf.name}:next`, value));
  }
  const rename = (name: string) => published.get(name) ?? name;
  const step = optimize({
    nodes: emitter.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    })),
    initializers: emitter.initializers,
    inputs: [...inputs, ...parameters, ...randoms],
    outputs: [...results, ...next],
    shapes: names.shapes,
  });
  const { repeat: repeated = false, metadata = {} } = options;
  const perStep = new Set([...inputs, ...randoms].map(({ name }) => name));
  const opens = updates.size > 0 && options.openImages === true;
  const single = opens ? withOpenImages(step, perStep) : step;
  const graph = repeated ? repeatGraph(step, { perStep, carried: updateNames }) : single;
  const onnx = encodeOnnx({ ...graph, metadata });
  return {
    onnx,
    inputs,
    parameters,
    randoms,
    outputs: results,
    updates: updateNames,
    nodeCount: step.nodes.length,
    embeds,
    memory: estimateMemory({
      nodes: [...standIns.nodes, ...rest],
      standIns: bind,
      leaves: [...leaves].filter(({ leaf }) => leaf!.kind !== 'parameter'),
      parameters: [...leaves].filter(({ leaf }) => leaf!.kind === 'parameter'),
      carried: repeated ? [...updates.keys()] : [],
      next: [...updates.values()],
      outputs: Object.values(outputs),
    }),
    repeated,
  };
}

function requireBorderType(dtype: Tensor['dtype']): asserts dtype is DType {
  if (dtype === 'float16') throw new Error('internal: float16 must not cross the border of a program');
}

const describe = ({ leaf }: Tensor) =>
  leaf?.kind === 'input' || leaf?.kind === 'parameter'
    ? `${leaf.kind} "${leaf.name}"`
    : 'a tensor without name';

function requireSameType(target: Tensor, value: Tensor): void {
  if (target.dtype !== value.dtype || !sameShape(target.shape, value.shape)) {
    throw new ShapeError(
      `compile: the new value of ${describe(target)} must be ${target.dtype} [${target.shape}], got ${value.dtype} [${value.shape}]`,
    );
  }
}

/** A function that returns the names given to it, and fails when one comes twice. */
function uniqueNames(): (name: string) => string {
  const taken = new Set<string>();
  return (name) => {
    if (taken.has(name) || isInternal(name)) {
      throw new Error(`compile: "${name}" is taken; leaves and outputs need names of their own, without #`);
    }
    taken.add(name);
    return name;
  };
}

/** Constants of different values up to this many are shared between equal ones as they come; passes find the others. */
const sharedLimit = 64;

class ModelEmitter implements Emitter {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxInitializer[] = [];
  /** Of the node that is being emitted. */
  precision: Precision = 'float32';
  private readonly shared = new Map<string, string>();
  private count = 0;
  private readonly scratches: { readonly name: string; readonly length: number }[] = [];

  constructor(readonly options: EmitOptions) {}

  node: Emitter['node'] = (type, inputs, { attributes = {}, outputs = 1, domain = '' } = {}) => {
    const names = Array.from({ length: outputs }, () => `${internal}${this.count++}`);
    this.nodes.push({ type, domain, inputs, outputs: names, attributes });
    return names;
  };

  int64: Emitter['int64'] = (values) =>
    this.share(`int64 ${values}`, () =>
      this.add('int64', [values.length], new Uint8Array(BigInt64Array.from(values, BigInt).buffer)),
    );

  float: Emitter['float'] = (values, shape = []) => {
    const typed =
      typeof values === 'number' ? new Float32Array(size(shape)).fill(values) : Float32Array.from(values);
    return this.constant(this.precision === 'float16' ? withinFloat16(typed) : typed, shape, this.precision);
  };

  scratch: Emitter['scratch'] = (length) => {
    const name = `${internal}${this.count++}`;
    this.scratches.push({ name, length });
    return name;
  };

  /**
   * Puts in front the nodes that make all scratch buffers: parts of one vector, since a node's outputs share nothing and are
   * never merged. They follow from a value that each run is given, since the runtime would fold constants into buffers
   * that stay, and pass through bool, since a NaN in one would stay a NaN.
   */
  prependScratch(given: ProgramValue | undefined): void {
    if (this.scratches.length === 0) return;
    if (given === undefined) throw new Error('internal: a program that needs scratch buffers needs an input');
    const lengths = this.scratches.map(({ length }) => length);
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const after = this.nodes.splice(0);
    const toType = (x: string, to: number) => this.node('Cast', [x], { attributes: { to: { int: to } } })[0];
    const [flat] = this.node('Reshape', [given.name, this.int64([size(given.shape)])]);
    const [first] = this.node('Slice', [flat, this.int64([0]), this.int64([1])]);
    const finite = toType(toType(first, onnxType.bool), onnxType.float32);
    const [whole] = this.node('Expand', [finite, this.int64([total])]);
    const outputs = this.scratches.map(({ name }) => name);
    this.nodes.push({
      type: 'Split',
      domain: '',
      inputs: [whole, this.int64(lengths)],
      outputs,
      attributes: { axis: { int: 0 } },
    });
    this.nodes.push(...after);
  }

  constant(values: Float32Array | Int32Array | Uint8Array, shape: Shape, dtype: Tensor['dtype']): string {
    const numbers = dtype === 'float16' ? toFloat16(values as Float32Array) : values.slice();
    const bytes = new Uint8Array(numbers.buffer as ArrayBuffer);
    const make = () => this.add(dtype, shape, bytes);
    if (values.every((value) => Object.is(value, values[0])))
      return this.share(`${dtype} [${shape}] all ${bytes.subarray(0, values.BYTES_PER_ELEMENT)}`, make);
    return values.length > sharedLimit ? make() : this.share(`${dtype} [${shape}] ${bytes}`, make);
  }

  initializer(name: string, dtype: OnnxInitializer['dtype'], shape: Shape, bytes: Uint8Array): void {
    this.initializers.push({ name, dtype, shape, bytes });
  }

  private add(dtype: OnnxInitializer['dtype'], shape: Shape, bytes: Uint8Array): string {
    const name = `${internal}${this.count++}`;
    this.initializer(name, dtype, shape, bytes);
    return name;
  }

  private share(key: string, make: () => string): string {
    const name = this.shared.get(key) ?? make();
    this.shared.set(key, name);
    return name;
  }
}
