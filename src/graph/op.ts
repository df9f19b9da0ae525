/**
 * What an operation is. Each op keeps its three rules in one place; `defineOp` demands all of them, so that a
 * missing shape rule, gradient rule or ONNX emission is a compile error.
 */
import { createNode, type Node, type Tensor, type TensorType } from './tensor.js';

export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] };
export type OnnxAttributes = Readonly<Record<string, OnnxAttribute>>;

/** Choices that depend on where a program will run. */
export interface EmitOptions {
  /**
   * Channels per block of the CPU provider's blocked convolution layout (8 or 16) where the runtime has probed
   * it; absent elsewhere, and always in exported models.
   */
  readonly blockedConvolution?: number;
  /**
   * The device's kernel for batch normalisation has no training mode, so that the statistics are computed by reductions,
   * and takes no [batch, channel]; absent elsewhere.
   */
  readonly restrictedBatchNorm?: boolean;
  /** Whether a program that updates parameters leaves the shape of images open, which saves memory; see `openImages.ts`. */
  readonly openImages?: boolean;
  /** Most tensors that one operator may read and write together, where the device has such a limit; absent elsewhere. */
  readonly buffersPerOperator?: number;
}

/** What an op's emission may ask of the ONNX model under construction. */
export interface Emitter {
  /** Adds an ONNX node and returns the names of its outputs (`''` in `inputs` is an omitted optional input). */
  node(
    type: string,
    inputs: readonly string[],
    options?: { attributes?: OnnxAttributes; outputs?: number; domain?: string },
  ): string[];
  /** A one-dimensional int64 initialiser, shared between equal ones. */
  int64(values: readonly number[]): string;
  /**
   * An initialiser of the type that the node computes in, float32 or float16; equal ones are shared where they
   * are small or of one value throughout.
   */
  float(values: number | readonly number[], shape?: readonly number[]): string;
  /**
   * A float32 vector of 0 or 1 in a buffer that is nobody else's and new at every run, for nodes that write to their inputs.
   */
  scratch(length: number): string;
  readonly options: EmitOptions;
}

export interface GradientContext<A> {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: A;
  /** Derivative of the objective with respect to each output; `null` is zero. At least one is not null. */
  readonly cotangents: readonly (Tensor | null)[];
  /** Which inputs need a derivative; others may be answered with `null`. */
  readonly needed: readonly boolean[];
}

export interface RecomputeContext<A> {
  /** What to compute from; some may be recomputed. */
  readonly inputs: readonly Tensor[];
  /** Of the first computation. */
  readonly outputs: readonly Tensor[];
  readonly attributes: A;
}

/** How an op computes on images in blocks of channels, see `ops/blocked.ts`. */
export interface BlockedRule<A> {
  /**
   * Which inputs are then taken in blocks; null where the node has to compute on plain tensors.
   * @param block channels per block
   * @param held which inputs are there in blocks already
   */
  takes(node: Node, attributes: A, block: number, held: readonly boolean[]): readonly number[] | null;
  /** Whether outputs of four axes are given in blocks. */
  readonly gives: 'blocks' | 'plain';
  /** As an op's `emit`, which serves where this is absent. */
  emit?(
    emitter: Emitter,
    inputs: readonly string[],
    node: Node,
    attributes: A,
    block: number,
  ): readonly string[];
}

/** An operation: a name and its rules. */
export interface Op<A extends object = never> {
  readonly name: string;
  /** Types of the outputs. @throws ShapeError when the inputs do not fit */
  infer(inputs: readonly TensorType[], attributes: A): readonly TensorType[];
  /** Derivatives with respect to each input, as tensors; `'none'` for ops that are constant almost everywhere. */
  readonly gradient: ((context: GradientContext<A>) => readonly (Tensor | null)[]) | 'none';
  /**
   * How a backward pass that keeps less computes the outputs anew: by a rule, or, where an input is recomputed itself, by the
   * op once more. The nodes that a rule leads to must differ from those of `emit`, since the runtime's optimiser makes equal
   * nodes one. Absent where it never pays.
   */
  readonly recompute?: 'derived' | ((context: RecomputeContext<A>) => readonly Tensor[]);
  /** Whether the gradient asks which inputs equal an output, so that neither may be recomputed: that rounds otherwise. */
  readonly comparesExactly?: true;
  /** Adds ONNX nodes (opset 20) and returns the names of the outputs. */
  emit(emitter: Emitter, inputs: readonly string[], node: Node, attributes: A): readonly string[];
  /** Absent where it always takes and gives plain tensors. */
  readonly blocked?: BlockedRule<A>;
}

/** Every op defined so far, by name; tests use it to prove that none is left out. */
export const definedOps = new Map<string, Op>();

/** Defines an operation and returns the function that applies it. */
export function defineOp<A extends object>(
  op: Op<A>,
): (inputs: readonly Tensor[], attributes: A) => readonly Tensor[] {
  if (definedOps.has(op.name)) throw new Error(`internal: op ${op.name} is defined twice`);
  const erased = op as unknown as Op;
  definedOps.set(op.name, erased);
  return (inputs, attributes) => createNode(erased, inputs, attributes, op.infer(inputs, attributes)).outputs;
}
