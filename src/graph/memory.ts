/** How much memory a program takes, from the lifetimes of its values. */
import { type Node, size, type Tensor } from './tensor.js';

export interface MemoryEstimate {
  /** Most bytes that parameters, their next values, inputs and intermediate values take at once. */
  readonly total: number;
  /** The part of `total` that parameters take, whatever the batch; their next values come when others are gone. */
  readonly parameters: number;
  /** Bytes of the largest single value. */
  readonly largest: number;
}

/** The parts of a program that decide how long values live. */
export interface ValueLives {
  /** In the order in which the model lists them, which is a topological one. */
  readonly nodes: readonly Node[];
  /** Leaves to the tensors that stand for them. */
  readonly standIns: ReadonlyMap<Tensor, Tensor>;
  /** Inputs, constants and random numbers: there from the start. */
  readonly leaves: readonly Tensor[];
  readonly parameters: readonly Tensor[];
  /** Those of the parameters that a run of several steps holds a second time, as its latest step left them. */
  readonly carried: readonly Tensor[];
  /** Next values of parameters: there to the end, as are `outputs`. */
  readonly next: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

const elementBytes = { float32: 4, float16: 2, int32: 4, bool: 1 } as const;
const bytesOf = ({ shape, dtype }: Tensor): number => size(shape) * elementBytes[dtype];
const bytesOfAll = (tensors: readonly Tensor[]) => tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0);

/** Whether a node's result is its input's buffer, perhaps seen in another shape. */
const isView = (node: Node) => node.op.name === 'reshape' || node.op.name === 'inFullPrecision';

/**
 * Estimates a program's memory as if its nodes ran in the order of ONNX Runtime's walk, each value living from the node that
 * makes it to the last that reads it. The runtime keeps workspace and free blocks of its own.
 */
export function estimateMemory(given: ValueLives): MemoryEstimate {
  const nodes = walk(given);
  const lives = { ...given, nodes };
  const { leaves, outputs, parameters, carried } = lives;
  const freed = lastBytes(lives);
  let live = bytesOfAll(leaves);
  let peak = live;
  nodes.forEach((node, i) => {
    if (!isView(node)) live += bytesOfAll(node.outputs);
    peak = Math.max(peak, live);
    live -= freed[i];
  });
  const made = nodes.filter((node) => !isView(node)).flatMap((node) => node.outputs);
  const largest = [...leaves, ...parameters, ...made, ...outputs].reduce(
    (most, tensor) => Math.max(most, bytesOf(tensor)),
    0,
  );
  const stored = bytesOfAll([...parameters, ...carried]);
  return { total: stored + peak, parameters: stored, largest };
}

/** For each node, the bytes that nothing reads after it. */
function lastBytes({ nodes, standIns, leaves, next, outputs }: ValueLives): number[] {
  const owners = new Map<Tensor, Tensor>();
  const ownerOf = (tensor: Tensor): Tensor => {
    const owner = owners.get(tensor) ?? standIns.get(tensor);
    return owner === undefined ? tensor : ownerOf(owner);
  };
  const counted = new Set(leaves);
  const last = new Map<Tensor, number>();
  nodes.forEach((node, i) => {
    for (const tensor of node.inputs) last.set(ownerOf(tensor), i);
    for (const tensor of node.outputs) {
      if (isView(node)) owners.set(tensor, node.inputs[0]);
      else {
        counted.add(tensor);
        last.set(tensor, i);
      }
    }
  });
  for (const tensor of [...next, ...outputs]) last.delete(ownerOf(tensor));
  const freed = new Array<number>(nodes.length).fill(0);
  for (const [tensor, i] of last) if (counted.has(tensor)) freed[i] += bytesOf(tensor);
  return freed;
}

/**
 * The nodes in the order in which ONNX Runtime runs them: depth first from those that no other reads, the last of them first,
 * and from each node to what it reads, from the last made to the first (`Graph::ReverseDFSFrom`).
 */
function walk({ nodes, standIns }: ValueLives): readonly Node[] {
  const places = new Map(nodes.map((node, i) => [node, i]));
  const makerOf = (tensor: Tensor): Node | undefined => {
    const standIn = standIns.get(tensor);
    return standIn === undefined ? tensor.source?.node : makerOf(standIn);
  };
  const read = nodes.map(({ inputs }) => {
    const makers = inputs.map(makerOf).filter((maker) => maker !== undefined);
    return [...new Set(makers)].map((maker) => places.get(maker)!).sort((a, b) => a - b);
  });
  const isRead = new Set(read.flat());
  const pending = nodes.map((_, i) => i).filter((i) => !isRead.has(i));
  const entered = new Set<number>();
  const order: Node[] = [];
  const done = new Set<number>();
  while (pending.length > 0) {
    const i = pending.at(-1)!;
    if (done.has(i)) pending.pop();
    else if (entered.has(i)) {
      done.add(i);
      order.push(nodes[i]);
      pending.pop();
    } else {
      entered.add(i);
      pending.push(...read[i].filter((j) => !done.has(j)));
    }
  }
  return order;
}
