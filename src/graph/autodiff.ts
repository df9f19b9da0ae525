/** Reverse-mode differentiation: derivatives are tensors of the same graph. */
import { ShapeError } from '../errors.js';
import type { Op } from './op.js';
import { add } from './ops/elementwise.js';
import { recomputing } from './recompute.js';
import { constant, type Node, sameShape, size, type Tensor } from './tensor.js';

const derivedValues = new WeakMap<Tensor, Tensor>();

/** internal: the value whose derivative a tensor was built as; where it is that of several, the one furthest from the leaves. */
export function derivedValue(derivative: Tensor): Tensor | undefined {
  return derivedValues.get(derivative);
}

/**
 * Derivatives of a scalar with respect to each of `wrt`, which may be leaves or intermediate values.
 * @param objective float32, one element
 * @param seed cotangent of `objective`, same shape, which then may have any shape; default 1
 * @param recompute whether the backward pass computes anew what is cheap, so that it need not be kept; default false
 * @returns one tensor per `wrt`, of its shape; a zero constant where the objective does not depend on it
 * @throws ShapeError when the objective has more than one element and no seed is given, or the seed does not fit it
 */
export function gradients(
  objective: Tensor,
  wrt: readonly Tensor[],
  seed?: Tensor,
  recompute = false,
): Tensor[] {
  if (seed === undefined && size(objective.shape) !== 1) {
    throw new ShapeError(
      `gradients: the objective must have one element, got shape [${objective.shape}]; pass a seed`,
    );
  }
  if (seed !== undefined && !sameShape(seed.shape, objective.shape)) {
    throw new ShapeError(`gradients: a seed [${seed.shape}] does not fit an objective [${objective.shape}]`);
  }
  const targets = new Set(wrt);
  const dependent = nodesBetween(objective, targets);
  const cotangents = new Map<Tensor, Tensor>([[objective, seed ?? constant(1, objective.shape)]]);
  const again = recompute ? recomputing() : (tensor: Tensor) => tensor;
  const isNeeded = (tensor: Tensor) =>
    targets.has(tensor) || (tensor.source !== null && dependent.has(tensor.source.node));

  for (const node of [...dependent].sort((a, b) => b.id - a.id)) {
    const op = node.op as unknown as Op<object>;
    const outputCotangents = node.outputs.map((tensor) => cotangents.get(tensor) ?? null);
    const needed = node.inputs.map(isNeeded);
    if (op.gradient === 'none' || outputCotangents.every((value) => value === null) || !needed.includes(true))
      continue;
    const seen = op.comparesExactly ? (tensor: Tensor) => tensor : again;
    const results = op.gradient({
      inputs: node.inputs.map(seen),
      outputs: node.outputs.map(seen),
      attributes: node.attributes,
      cotangents: outputCotangents,
      needed,
    });
    node.inputs.forEach((tensor, i) => {
      const value = results[i];
      if (!needed[i] || value === null || value === undefined) return;
      const before = cotangents.get(tensor);
      const total = before === undefined ? value : add(before, value);
      cotangents.set(tensor, total);
      for (const part of [value, total]) if (!derivedValues.has(part)) derivedValues.set(part, tensor);
    });
  }
  return wrt.map((tensor) => cotangents.get(tensor) ?? constant(0, tensor.shape));
}

/** Differentiable nodes on a path from any of the targets to the root. */
function nodesBetween(root: Tensor, targets: ReadonlySet<Tensor>): Set<Node> {
  const reached = new Set<Node>();
  const pending = root.source === null ? [] : [root.source.node];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (reached.has(node)) continue;
    reached.add(node);
    for (const { source } of node.inputs) if (source !== null) pending.push(source.node);
  }
  const dependent = new Set<Node>();
  for (const node of [...reached].sort((a, b) => a.id - b.id)) {
    if (node.op.gradient === 'none') continue;
    if (node.inputs.some((t) => targets.has(t) || (t.source !== null && dependent.has(t.source.node)))) {
      dependent.add(node);
    }
  }
  return dependent;
}
